using System.Diagnostics;
using System.Globalization;
using System.Net;
using AdClick.Benchmarks.Cluster;
using AdClick.Benchmarks.Load;
using AdClick.Benchmarks.Processes;

namespace AdClick.Benchmarks.Compare;

/// <summary>What a comparison does.</summary>
internal sealed record CompareSettings
{
    /// <summary>Path of the gateway's dll; null: where the build puts it.</summary>
    public string? Gateway { get; init; }

    /// <summary>Settings of the gateway.</summary>
    public IReadOnlyList<string> GatewaySettings { get; init; } = [];

    /// <summary>Parent of the data folders; null: the system's place for temporary files.</summary>
    public string? Folder { get; init; }

    /// <summary>Names of contenders; empty: all.</summary>
    public IReadOnlyList<string> Contenders { get; init; } = [];

    /// <summary>How many times each is started and measured.</summary>
    public required int Rounds { get; init; }

    /// <summary>Time of each measurement.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>Clicks per second at which answers are timed.</summary>
    public required double Rate { get; init; }

    /// <summary>Connections.</summary>
    public required int Connections { get; init; }

    /// <summary>Ads.</summary>
    public required int Ads { get; init; }

    /// <summary>Draws the clicks.</summary>
    public required ulong Seed { get; init; }
}

/// <summary>Measures contenders in turns, each started anew, so that whatever else the machine does falls on all of them.</summary>
internal static class CompareRun
{
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    /// <summary>Runs.</summary>
    public static async Task<CompareReport> RunAsync(CompareSettings settings, TextWriter progress)
    {
        var contenders = Contenders.All.Where(contender => settings.Contenders.Count == 0 || settings.Contenders.Contains(contender.Name)).ToList();
        var turns = contenders.ToDictionary(contender => contender.Name, _ => new List<Turn>());
        for (var round = 0; round < settings.Rounds; round++)
        {
            foreach (var contender in contenders)
            {
                var turn = await MeasureAsync(contender, settings, settings.Seed + (ulong)round);
                turns[contender.Name].Add(turn);
                progress.WriteLine(FormattableString.Invariant(
                    $"Round {round + 1}, {contender.Name}: {turn.Rate:N0}/s at most; at {turn.SteadyRate:N0}/s p50 {turn.Answer.P50:F2}, p99 {turn.Answer.P99:F2} ms; counts: {turn.Counts}."));
            }
        }

        return new CompareReport(settings, [.. contenders.Select(contender => new Compared(contender.Name, contender.What, turns[contender.Name]))]);
    }

    private static async Task<Turn> MeasureAsync(Contender contender, CompareSettings settings, ulong seed)
    {
        using var folder = new TemporaryFolder(settings.Folder);
        var ads = new LoadAds(settings.Ads, "");
        var mix = new ClickMix();
        var keys = BenchmarkKeys.Make();
        await using var running = await contender.StartAsync(new ContenderPlace(folder.Path, keys, ads, mix.Lifetime, settings.Gateway, settings.GatewaySettings));
        var ledger = new ClickLedger(ads.Ids.Count);
        var source = new ClickSource(ledger, ads.Count, mix, seed);
        var requests = new ClickRequests(keys.Ring(), ledger, ads.Ids, running.Url.Authority);
        var from = DateTimeOffset.UtcNow;

        await LoadAsync(WarmUp, rate: 0);
        var bytesBefore = await BytesAsync(folder.Path);
        var clicksBefore = ledger.Redirected;
        var (atMost, _, processor) = await LoadAsync(settings.Duration, rate: 0);
        var (steady, answer, _) = await LoadAsync(settings.Duration, settings.Rate);
        var counts = await running.CheckAsync(ledger, from, DateTimeOffset.UtcNow);
        var bytes = (double)(await BytesAsync(folder.Path) - bytesBefore) / (ledger.Redirected - clicksBefore);
        return new Turn(atMost, processor, steady, answer, bytes, counts);

        async Task<(double Rate, Percentiles Answer, double Microseconds)> LoadAsync(TimeSpan duration, double rate)
        {
            var redirectedBefore = ledger.Redirected;
            var timeBefore = ProcessorTime(running);
            using var generator = new LoadGenerator(
                new Lock(), ledger, source, requests, [new IPEndPoint(IPAddress.Loopback, running.Url.Port)], settings.Connections, rate);
            generator.Resume();
            while (generator.ActiveTime is var active && active < duration)
            {
                await Task.Delay(duration - active);
            }

            var time = generator.ActiveTime;
            await generator.FinishAsync(Patience);
            var redirects = ledger.Redirected - redirectedBefore;
            return generator.Refusals.Count == 0 && ledger.Unanswered == 0
                ? (redirects / time.TotalSeconds, Percentiles.Of(generator.Latency), (ProcessorTime(running) - timeBefore).TotalMicroseconds / redirects)
                : throw new InvalidOperationException(
                    $"{contender.Name} has left {ledger.Unanswered} clicks unanswered and refused {ledger.Refused} (status {string.Join(", ", generator.Refusals.Keys)}).");
        }
    }

    private static TimeSpan ProcessorTime(RunningContender contender)
    {
        var times = ProcessTimes.Now();
        return contender.Processes.Aggregate(TimeSpan.Zero, (sum, process) => sum + times.Of(process));
    }

    // What is allocated, for files may have holes, and be of others, which du may look into.
    private static async Task<long> BytesAsync(string folder)
    {
        using var du = Process.Start(new ProcessStartInfo("du", ["--summarize", "--block-size=1", folder]) { RedirectStandardOutput = true })!;
        var output = await du.StandardOutput.ReadToEndAsync();
        await du.WaitForExitAsync();
        return long.Parse(output.Split('\t')[0], CultureInfo.InvariantCulture);
    }
}

/// <summary>What one start of a contender has shown.</summary>
/// <param name="Rate">Redirects per second, as fast as they come.</param>
/// <param name="Microseconds">Processor time of all its processes for each of those.</param>
/// <param name="SteadyRate">Redirects per second when clicks came at a steady rate.</param>
/// <param name="Answer">Times of those, from when each click was due.</param>
/// <param name="Bytes">Growth of its folder for each click.</param>
/// <param name="Counts">What is true of its counts.</param>
internal sealed record Turn(double Rate, double Microseconds, double SteadyRate, Percentiles Answer, double Bytes, string Counts);

/// <summary>A contender and its turns.</summary>
internal sealed record Compared(string Name, string What, IReadOnlyList<Turn> Turns)
{
    /// <summary>The median of something of its turns.</summary>
    public double Median(Func<Turn, double> value)
    {
        var sorted = Turns.Select(value).Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
