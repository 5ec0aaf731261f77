using System.Globalization;
using System.Net;
using AdClick.Benchmarks.Load;
using AdClick.Benchmarks.Processes;

namespace AdClick.Benchmarks.Ceiling;

/// <summary>What a ceiling run does.</summary>
/// <param name="Gateway">Path of the gateway's dll; null: where the build puts it.</param>
/// <param name="GatewaySettings">Settings of the gateway.</param>
/// <param name="Folder">Parent of the data folder; null: the system's place for temporary files.</param>
/// <param name="UsesWrk">Whether wrk drives, rather than the built-in generator.</param>
/// <param name="Rounds">How many times each is measured.</param>
/// <param name="Duration">Time of each measurement.</param>
/// <param name="Connections">Number of connections.</param>
/// <param name="Ads">Number of ads.</param>
/// <param name="Seed">Draws the clicks.</param>
internal sealed record CeilingSettings(
    string? Gateway,
    IReadOnlyList<string> GatewaySettings,
    string? Folder,
    bool UsesWrk,
    int Rounds,
    TimeSpan Duration,
    int Connections,
    int Ads,
    ulong Seed);

/// <summary>Measures two servers in turns, so that whatever else the machine does falls on both.</summary>
internal static class CeilingRun
{
    private const int WrkPaths = 200_000;

    private static readonly ClickMix Mix = new() { Duplicates = 0, Bots = 0 };
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    /// <summary>Runs.</summary>
    public static async Task<CeilingReport> RunAsync(CeilingSettings settings, TextWriter progress)
    {
        using var folder = new TemporaryFolder(settings.Folder);
        var keys = BenchmarkKeys.Make();
        var bareUrl = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ChildProcess.FreePort()}");

        using var bare = ChildProcess.Start(
            typeof(CeilingRun).Assembly.Location,
            [BareCommand.Name, "--urls", bareUrl],
            new Dictionary<string, string>(),
            Path.Combine(folder.Path, "bare.log"));
        using var gateway = new GatewayProcess(GatewayProcess.Find(settings.Gateway), folder.Path, keys, Mix.Lifetime, settings.GatewaySettings);
        using var api = new GatewayApi(gateway.Url, keys.AdminKey);
        await gateway.WaitUntilReadyAsync(api.Http);
        using var http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });
        await WaitForRedirectAsync(http, bareUrl);

        var ads = new LoadAds(settings.Ads, "");
        await api.PutAdsAsync(ads, CancellationToken.None);
        var seed = settings.Seed;
        var wrk = settings.UsesWrk ? WrkTool.Prepare(folder.Path, Paths(keys, ads, seed), settings.Duration, settings.Connections) : null;
        await BuiltInAsync(bareUrl, WarmUp);
        await BuiltInAsync(gateway.Url, WarmUp);
        await WaitUntilCountedAsync(api, ads);

        var bareRates = new List<double>();
        var gatewayRates = new List<double>();
        for (var round = 0; round < settings.Rounds; round++)
        {
            bareRates.Add(await MeasureAsync(bareUrl));
            gatewayRates.Add(await MeasureAsync(gateway.Url));
            await WaitUntilCountedAsync(api, ads); // what is still being counted would slow the other down
            if (await api.ReadUnloggedAsync(CancellationToken.None) is > 0 and var unlogged)
            {
                throw new InvalidOperationException($"The gateway has redirected {unlogged} clicks without logging them: its disk can't be written, so its rate means nothing.");
            }

            progress.WriteLine(FormattableString.Invariant($"Round {round + 1}: bare {bareRates[^1]:N0}/s, gateway {gatewayRates[^1]:N0}/s."));
        }

        return new CeilingReport(settings.UsesWrk ? "wrk" : "builtin", settings.Connections, bareRates, gatewayRates);

        Task<double> MeasureAsync(string url) => wrk is null ? BuiltInAsync(url, settings.Duration) : wrk.MeasureAsync(url);

        async Task<double> BuiltInAsync(string url, TimeSpan duration)
        {
            var ledger = new ClickLedger(ads.Ids.Count);
            var source = new ClickSource(ledger, ads.Count, Mix, seed++);
            var address = new Uri(url);
            using var generator = new LoadGenerator(
                new Lock(),
                ledger,
                source,
                new ClickRequests(keys.Ring(), ledger, ads.Ids, address.Authority),
                [new IPEndPoint(IPAddress.Loopback, address.Port)],
                settings.Connections,
                rate: 0);
            generator.Resume();
            await Task.Delay(duration);
            var rate = generator.Latency.Count / generator.ActiveTime.TotalSeconds;
            await generator.FinishAsync(Patience);
            return generator.Refusals.Count == 0 && ledger.Unanswered == 0
                ? rate
                : throw new InvalidOperationException(
                    $"{url} has left {ledger.Unanswered} clicks unanswered and refused {ledger.Refused} (status {string.Join(", ", generator.Refusals.Keys)}).");
        }
    }

    private static IEnumerable<string> Paths(BenchmarkKeys keys, LoadAds ads, ulong seed)
    {
        var ledger = new ClickLedger(ads.Ids.Count);
        var source = new ClickSource(ledger, ads.Count, Mix, seed);
        var requests = new ClickRequests(keys.Ring(), ledger, ads.Ids, "unused");
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        return Enumerable.Range(0, WrkPaths).Select(_ => requests.Path(requests.Unsigned(source.Next(now).Impression)));
    }

    private static async Task WaitForRedirectAsync(HttpClient http, string url)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            try
            {
                using var answer = await http.GetAsync(new Uri(url), patience.Token);
                if (answer.StatusCode == HttpStatusCode.Found)
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }

            await Task.Delay(20, patience.Token);
        }
    }

    private static async Task WaitUntilCountedAsync(GatewayApi api, LoadAds ads)
    {
        var through = DateTimeOffset.UtcNow;
        using var patience = new CancellationTokenSource(Patience);
        while ((await api.ReadAdAsync(ads.Ids[0], through, patience.Token)).CompleteThrough < through)
        {
            await Task.Delay(100, patience.Token);
        }
    }
}

/// <summary>What a ceiling run has found.</summary>
/// <param name="Tool">What drove the servers.</param>
/// <param name="Connections">Number of connections.</param>
/// <param name="Bare">Redirects per second of bare Kestrel, by round.</param>
/// <param name="Gateway">Those of the gateway.</param>
internal sealed record CeilingReport(string Tool, int Connections, IReadOnlyList<double> Bare, IReadOnlyList<double> Gateway)
{
    /// <summary>Median of bare Kestrel.</summary>
    public double BareMedian => Median(Bare);

    /// <summary>Median of the gateway.</summary>
    public double GatewayMedian => Median(Gateway);

    /// <summary>The gateway's rate as a share of bare Kestrel's.</summary>
    public double Ratio => GatewayMedian / BareMedian;

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant(
        $"""
        ceiling     {Tool}, {Connections} connections, {Bare.Count} rounds
        bare        {BareMedian:N0} redirects/s (median of {List(Bare)})
        gateway     {GatewayMedian:N0} redirects/s (median of {List(Gateway)})
        ratio       {Ratio:F2}
        """);

    private static string List(IEnumerable<double> rates) => string.Join(", ", rates.Select(rate => rate.ToString("N0", CultureInfo.InvariantCulture)));

    private static double Median(IReadOnlyList<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
