using System.CommandLine;
using System.Globalization;
using AdClick.Benchmarks.Load;
using AdClick.Benchmarks.Processes;

namespace AdClick.Benchmarks.Counting;

/// <summary><c>restart</c>: how long a node takes that remembers millions of impressions, and how much memory each takes.</summary>
internal static class RestartCommand
{
    /// <summary>The command.</summary>
    public static Command Make()
    {
        var impressions = new Option<long>("--impressions") { Description = "Impressions remembered, over one for each ad.", DefaultValueFactory = _ => 5_000_000 }
            .Within(1, 1_000_000_000);
        var ads = new Option<int>("--ads") { Description = "Number of ads.", DefaultValueFactory = _ => 100_000 }
            .Within(1, 10_000_000);
        var skew = new Option<double>("--skew") { Description = "Zipf exponent of the ads' popularity.", DefaultValueFactory = _ => 1 }
            .Within(0, 10);
        var gateway = GatewayOptions.Assembly();
        var folder = GatewayOptions.Folder();
        var seed = new Option<ulong>("--seed") { Description = "Draws the clicks.", DefaultValueFactory = _ => 1 };
        var json = new Option<bool>("--json") { Description = "Print the report as JSON." };
        var command = new Command("restart", "Measure the restart of a node that remembers impressions, and their memory beyond that of the ads alone.")
        {
            impressions, ads, skew, gateway, folder, seed, json,
        };
        command.SetAction(parsed => InlineSockets.RunBesideAsync(async () =>
        {
            using var temporary = new TemporaryFolder(parsed.GetValue(folder));
            var adCount = parsed.GetValue(ads);
            var mix = new ClickMix { Skew = parsed.GetValue(skew), Duplicates = 0, Bots = 0, Lifetime = TimeSpan.FromHours(24) };

            // Every ad once: the base, of as many ad actors but hardly an impression.
            var empty = await PrepareAsync("base", adCount);
            var full = await PrepareAsync("full", adCount + parsed.GetValue(impressions));
            var keys = BenchmarkKeys.Make();
            using var http = new HttpClient();
            using var node = new GatewayProcess(
                GatewayProcess.Find(parsed.GetValue(gateway)), Path.Combine(temporary.Path, "full"), keys, mix.Lifetime, []);
            var ready = await node.WaitUntilReadyAsync(http);
            ReportJson.Print(new RestartReport(empty, full, ready.TotalSeconds), parsed.GetValue(json));
            return 0;

            async Task<CountingReport> PrepareAsync(string name, long clicks)
            {
                var parent = Path.Combine(temporary.Path, name);
                await LogFiller.FillAsync(
                    new CountingFolder(parent), adCount, clicks, firstEachAd: true, mix, parsed.GetValue(seed), Console.Error);
                await CountCommand.RunAsync(parent); // counts it all, and stops with a checkpoint
                return await CountCommand.RunAsync(parent);
            }
        }));
        return command;
    }
}

/// <summary>What restarts have found.</summary>
/// <param name="Base">Process that was started again with one impression for each ad.</param>
/// <param name="Full">Process that was started again with all impressions.</param>
/// <param name="GatewayReadySeconds">From the start of a whole gateway on the same data until it was ready.</param>
internal sealed record RestartReport(CountingReport Base, CountingReport Full, double GatewayReadySeconds)
{
    /// <summary>Managed memory for each impression beyond the base, in bytes.</summary>
    public double HeapBytesPerImpression => (Full.HeapBytes - Base.HeapBytes) / (double)(Full.Impressions - Base.Impressions);

    /// <summary>Memory of the process for each impression beyond the base, in bytes.</summary>
    public double WorkingSetBytesPerImpression => (Full.WorkingSetBytes - Base.WorkingSetBytes) / (double)(Full.Impressions - Base.Impressions);

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        restart     {Full.Impressions:N0} impressions of {Full.Ads:N0} ads
        running     counting alone after {Full.StartSeconds:F1} s (base: {Base.StartSeconds:F1} s), whole gateway ready after {GatewayReadySeconds:F1} s
        stop        in {Full.StopSeconds:F1} s
        memory      {HeapBytesPerImpression:F1} bytes of heap an impression, {WorkingSetBytesPerImpression:F1} of working set
        in all      heap {Mib(Full.HeapBytes)} (base: {Mib(Base.HeapBytes)}), working set {Mib(Full.WorkingSetBytes)} (base: {Mib(Base.WorkingSetBytes)})
        stored      journal {Mib(Full.JournalBytes)}, snapshots {Mib(Full.SnapshotBytes)}
        """);

    private static string Mib(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:F0} MiB");
}
