using System.Diagnostics;
using System.Globalization;
using AdClick.Actors.ClickLog.Kafka;
using AdClick.Actors.Clicks;
using AdClick.Actors.Partitions;
using AdClick.Benchmarks.Load;
using AdClick.Benchmarks.Processes;

namespace AdClick.Benchmarks.Counting;

/// <summary>
/// <c>drain --kafka</c>: how fast a topic is counted. The mock cluster holds little, so the topic is filled and drained in turns, by one counting process that runs
/// all the time; only the draining is measured.
/// </summary>
internal static class KafkaDrain
{
    private const string Topic = "adclick-drain";

    // The mock keeps 5 MiB of a partition; records of this load are below 200 bytes each, and packed.
    private const int MaxPerPartition = 20_000;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>Fills and drains until so many clicks are counted.</summary>
    /// <param name="parent">Parent of the data folder.</param>
    /// <param name="partitions">Partitions of the topic.</param>
    /// <param name="ads">Number of ads.</param>
    /// <param name="clicks">Number of clicks.</param>
    /// <param name="mix">What they are like.</param>
    /// <param name="seed">Draws them.</param>
    /// <param name="progress">Takes a line for each round.</param>
    public static async Task<KafkaDrainReport> RunAsync(string parent, int partitions, int ads, long clicks, ClickMix mix, ulong seed, TextWriter progress)
    {
        var folder = new CountingFolder(parent);
        using var kafka = await MockKafkaProcess.StartAsync(parent, Topic, partitions, KafkaLoad.Brokers);
        var options = new KafkaOptions
        {
            BootstrapServers = kafka.BootstrapServers,
            Topic = Topic,
            Partitions = partitions,
            DeliveryTimeout = TimeSpan.FromMinutes(1), // nobody waits, and the spool is not what is measured
            SpoolFolder = Path.Combine(folder.Path, "spool"),
        };
        var log = new HeldLog(await KafkaClickLog.OpenAsync(options, folder.Path, mix.Lifetime, TimeProvider.System));
        log.Hold();
        var host = await CountingHost.StartAsync(folder, log);
        await host.WaitForAsync(
            all => all.Count == partitions && all.All(partition => partition.Phase == PartitionPhase.Running), "all partitions to run", Patience);

        var filler = new LogFiller(ads, mix, seed, maxShare: 0.25 / partitions); // partitions fill up evenly
        var rounds = 0;
        var (counted, flushed, broker) = (TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero);
        var (used, writing) = (default(ProcessUsage), default(ProcessUsage));
        for (long drained = 0; drained < clicks; rounds++)
        {
            var (beforeFill, filling) = (ProcessUsage.Now(), Stopwatch.GetTimestamp());
            var filled = await filler.AppendAsync(log, clicks - drained, firstEachAd: false, MaxPerPartition);
            var fillTime = Stopwatch.GetElapsedTime(filling);
            writing += ProcessUsage.Now() - beforeFill;
            var ends = new long[partitions];
            for (var partition = 0; partition < partitions; partition++)
            {
                ends[partition] = (await log.FindRangeAsync(partition, CancellationToken.None)).End;
            }

            var (before, brokerBefore, started) = (ProcessUsage.Now(), kafka.ProcessorTime, Stopwatch.GetTimestamp());
            log.Release();
            await host.WaitForAsync(all => all.All(partition => partition.NextOffset >= ends[partition.Partition]), "all clicks to be counted", Patience);
            var countTime = Stopwatch.GetElapsedTime(started);
            await host.WaitForAsync(all => all.All(partition => partition.FlushedOffset >= ends[partition.Partition]), "all counts to be flushed", Patience);
            var flushTime = Stopwatch.GetElapsedTime(started);
            used += ProcessUsage.Now() - before;
            broker += kafka.ProcessorTime - brokerBefore;
            log.Hold();
            counted += countTime;
            flushed += flushTime;
            drained += filled;
            progress.WriteLine(FormattableString.Invariant(
                $"Round {rounds + 1}: {filled:N0} clicks written in {fillTime.TotalSeconds:F1} s, counted in {countTime.TotalSeconds:F1} s, flushed in {flushTime.TotalSeconds:F1} s."));
        }

        await host.DisposeAsync();
        return new KafkaDrainReport
        {
            Clicks = clicks,
            Ads = ads,
            Partitions = partitions,
            Rounds = rounds,
            CountedSeconds = counted.TotalSeconds,
            FlushedSeconds = flushed.TotalSeconds,
            ProcessorSeconds = used.Processor.TotalSeconds,
            KafkaProcessorSeconds = broker.TotalSeconds,
            WritingProcessorSeconds = writing.Processor.TotalSeconds,
            WritingAllocatedBytes = writing.AllocatedBytes,
            AllocatedBytes = used.AllocatedBytes,
            GarbageCollections = used.Collections,
            GarbagePauseSeconds = used.Pause.TotalSeconds,
            Expected = filler.Expected,
            Totals = folder.ReadTotals(),
        };
    }
}

/// <summary>What a drain of a topic has found.</summary>
internal sealed record KafkaDrainReport
{
    /// <summary>Clicks drained.</summary>
    public required long Clicks { get; init; }

    /// <summary>Ads that they were drawn from.</summary>
    public required int Ads { get; init; }

    /// <summary>Partitions of the topic.</summary>
    public required int Partitions { get; init; }

    /// <summary>How many times it was filled.</summary>
    public required int Rounds { get; init; }

    /// <summary>From when reading was let go until the last click was counted, in seconds, all rounds together.</summary>
    public required double CountedSeconds { get; init; }

    /// <summary>… until its count was in the metrics database; each round ends with a wait for the flush timers.</summary>
    public required double FlushedSeconds { get; init; }

    /// <summary>Processor time of the counting process while it drained, in seconds.</summary>
    public required double ProcessorSeconds { get; init; }

    /// <summary>Processor time of the mock cluster meanwhile, in seconds.</summary>
    public required double KafkaProcessorSeconds { get; init; }

    /// <summary>Processor time of the same process while it filled the topic, as a gateway does but without the web server, in seconds.</summary>
    public required double WritingProcessorSeconds { get; init; }

    /// <summary>Memory that was allocated while it filled the topic, in bytes.</summary>
    public required long WritingAllocatedBytes { get; init; }

    /// <summary>Memory that was allocated while it drained, in bytes.</summary>
    public required long AllocatedBytes { get; init; }

    /// <summary>Garbage collections while it drained.</summary>
    public required int GarbageCollections { get; init; }

    /// <summary>Time in which they held everything up, in seconds.</summary>
    public required double GarbagePauseSeconds { get; init; }

    /// <summary>What the counts must be.</summary>
    public required ExpectedClicks Expected { get; init; }

    /// <summary>Clicks in the metrics database, by number of their outcome.</summary>
    public required long[] Totals { get; init; }

    /// <summary>Clicks per second until all of a round were counted.</summary>
    public double CountedPerSecond => Clicks / CountedSeconds;

    /// <summary>Clicks per second until all of a round were flushed.</summary>
    public double FlushedPerSecond => Clicks / FlushedSeconds;

    /// <summary>Whether the sums are right.</summary>
    public bool IsExact => Expected.FindFault(CountedClicks.OfTotals(Totals)) is null;

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        drain       {Clicks:N0} clicks of {Ads:N0} ads, topic of {Partitions} partitions filled {Rounds} times
        counted     {CountedPerSecond:N0} clicks/s
        flushed     {FlushedPerSecond:N0} clicks/s, the wait for the timer included
        processor   {ProcessorSeconds * 1e6 / Clicks:F2} us/click, and the mock cluster {KafkaProcessorSeconds * 1e6 / Clicks:F2} us/click
        writing     {WritingProcessorSeconds * 1e6 / Clicks:F2} us/click, {WritingAllocatedBytes / (double)Clicks:F0} bytes allocated/click
        memory      {AllocatedBytes / (double)Clicks:F0} bytes allocated/click, {GarbageCollections} collections, paused {GarbagePauseSeconds:F2} s in all
        counts      {Expected.FindFault(CountedClicks.OfTotals(Totals)) ?? $"exact: accepted {Totals[(int)ClickOutcome.Accepted]}, duplicates {Totals[(int)ClickOutcome.Duplicate]}"}
        """);
}
