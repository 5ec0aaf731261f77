using System.CommandLine;
using System.Globalization;
using AdClick.Actors.Clicks;
using AdClick.Benchmarks.Load;
using AdClick.Benchmarks.Processes;

namespace AdClick.Benchmarks.Counting;

/// <summary><c>drain</c>: how fast a full log is counted.</summary>
internal static class DrainCommand
{
    /// <summary>The command.</summary>
    public static Command Make()
    {
        var clicks = new Option<long>("--clicks") { Description = "Clicks in the log.", DefaultValueFactory = _ => 20_000_000 }
            .Within(1, 1_000_000_000);
        var ads = new Option<int>("--ads") { Description = "Number of ads.", DefaultValueFactory = _ => 100_000 }
            .Within(1, 10_000_000);
        var skew = new Option<double>("--skew") { Description = "Zipf exponent of the ads' popularity.", DefaultValueFactory = _ => 1 }
            .Within(0, 10);
        var duplicates = new Option<double>("--duplicates") { Description = "Share of second clicks, 0 to 1.", DefaultValueFactory = _ => 0.1 }
            .Within(0, 1);
        var maxShare = new Option<double>("--max-share")
        {
            Description = "Ads with a greater share of the clicks are hot: split, so that no sub-shard has more. Default: no ad is; on Kafka, a quarter of a partition's share.",
            DefaultValueFactory = _ => 1,
        }.Within(0.0001, 1);
        var kafka = new Option<bool>("--kafka") { Description = "Drain a topic of a mock Kafka cluster, filled as often as need be, instead of an embedded log." };
        var kafkaPartitions = new Option<int>("--kafka-partitions") { Description = "With --kafka: partitions of the topic.", DefaultValueFactory = _ => 64 }
            .Within(1, 1_024);
        var folder = GatewayOptions.Folder();
        var seed = new Option<ulong>("--seed") { Description = "Draws the clicks.", DefaultValueFactory = _ => 1 };
        var json = new Option<bool>("--json") { Description = "Print the report as JSON." };
        var command = new Command("drain", "Fill a log, then measure how long a new process takes to count, flush and checkpoint it. Exit code 1 if a sum is wrong.")
        {
            clicks, ads, skew, duplicates, maxShare, kafka, kafkaPartitions, folder, seed, json,
        };
        command.Validators.Add(result =>
        {
            if (!result.GetValue(kafka) && result.GetResult(kafkaPartitions) is { Implicit: false })
            {
                result.AddError("--kafka-partitions needs --kafka.");
            }

            if (result.GetValue(kafka) && result.GetResult(maxShare) is { Implicit: false })
            {
                result.AddError("--max-share is for the embedded log: on Kafka ads are always split.");
            }
        });
        command.SetAction(parsed => InlineSockets.RunBesideAsync(async () =>
        {
            using var temporary = new TemporaryFolder(parsed.GetValue(folder));
            var mix = new ClickMix { Skew = parsed.GetValue(skew), Duplicates = parsed.GetValue(duplicates), Bots = 0 };
            if (parsed.GetValue(kafka))
            {
                var drained = await KafkaDrain.RunAsync(
                    temporary.Path, parsed.GetValue(kafkaPartitions), parsed.GetValue(ads), parsed.GetValue(clicks), mix, parsed.GetValue(seed), Console.Error);
                ReportJson.Print(drained, parsed.GetValue(json));
                return drained.IsExact ? 0 : 1;
            }

            var expected = await LogFiller.FillAsync(
                new CountingFolder(temporary.Path), parsed.GetValue(ads), parsed.GetValue(clicks), firstEachAd: false, mix, parsed.GetValue(seed), Console.Error,
                parsed.GetValue(maxShare));
            var counted = await CountCommand.RunAsync(temporary.Path);
            var report = new DrainReport(parsed.GetValue(clicks), parsed.GetValue(ads), expected, counted);
            ReportJson.Print(report, parsed.GetValue(json));
            return report.IsExact ? 0 : 1;
        }));
        return command;
    }
}

/// <summary>What a drain has found.</summary>
/// <param name="Clicks">Clicks in the log.</param>
/// <param name="Ads">Ads that they were drawn from.</param>
/// <param name="Expected">What their counts must be.</param>
/// <param name="Counting">What the counting process says.</param>
internal sealed record DrainReport(long Clicks, int Ads, ExpectedClicks Expected, CountingReport Counting)
{
    /// <summary>Clicks per second until all of them were flushed.</summary>
    public double FlushedPerSecond => Clicks / Counting.FlushedSeconds;

    /// <summary>Clicks per second until all of them were in a checkpoint, the wait for its timer included.</summary>
    public double CheckpointedPerSecond => Clicks / Counting.CheckpointedSeconds;

    /// <summary>Whether the sums are right.</summary>
    public bool IsExact => Expected.FindFault(Counted) is null;

    private CountedClicks Counted => CountedClicks.OfTotals(Counting.Totals);

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        drain       {Clicks:N0} clicks of {Ads:N0} ads ({Counting.Ads:N0} clicked)
        flushed     {FlushedPerSecond:N0} clicks/s: counted after {Counting.CountedSeconds:F1} s, flushed after {Counting.FlushedSeconds:F1} s
        checkpoint  {CheckpointedPerSecond:N0} clicks/s: after {Counting.CheckpointedSeconds:F1} s, the wait for the timer included
        stop        in {Counting.StopSeconds:F1} s
        processor   {Counting.ProcessorSeconds:F1} s, {Counting.ProcessorSeconds * 1e6 / Clicks:F2} us/click
        memory      {Counting.AllocatedBytes / (double)Clicks:F0} bytes allocated/click, {Counting.GarbageCollections} collections, paused {Counting.GarbagePauseSeconds:F2} s in all
        written     log {Mib(Counting.LogBytes)}, journal {Mib(Counting.JournalBytes)}, snapshots {Mib(Counting.SnapshotBytes)}, metrics {Mib(Counting.MetricsBytes)}
        counts      {Expected.FindFault(Counted) ?? $"exact: accepted {Counted.Accepted}, duplicates {Counted.Duplicates}"}
        """);

    private static string Mib(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:F0} MiB");
}
