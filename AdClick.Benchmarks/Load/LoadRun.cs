using System.Diagnostics;
using System.Globalization;
using System.Net;
using AdClick.Benchmarks.Processes;

namespace AdClick.Benchmarks.Load;

/// <summary>One load run from set-up to verdict.</summary>
internal sealed class LoadRun
{
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(60);

    private readonly LoadSettings _settings;
    private readonly TextWriter _progress;

    // Moments of death are drawn apart from the clicks, so that they don't change which clicks are made.
    private readonly SeededRandom _deaths;

    private LoadRun(LoadSettings settings, TextWriter progress)
    {
        _settings = settings;
        _progress = progress;
        _deaths = new SeededRandom(~settings.Seed);
    }

    /// <summary>Runs.</summary>
    /// <param name="settings">What to do.</param>
    /// <param name="progress">Takes a line now and then.</param>
    public static async Task<LoadReport> RunAsync(LoadSettings settings, TextWriter progress)
    {
        var run = new LoadRun(settings, progress);
        if (settings.Urls.Count > 0)
        {
            // Others may have used the gateway before.
            var prefix = string.Create(CultureInfo.InvariantCulture, $"load{DateTimeOffset.UtcNow.ToUnixTimeSeconds():x}-");
            return await run.RunAsync(settings.Urls, prefix, gateway: null, kafka: null, database: null);
        }

        using var folder = new TemporaryFolder(settings.Folder, settings.KeepsFolder);
        progress.WriteLine($"Starting a gateway in {folder.Path} …");
        using var kafka = settings.Kafka is { } load ? await MockKafkaProcess.StartAsync(folder.Path, KafkaLoad.Topic, load.Partitions, KafkaLoad.Brokers) : null;
        await using var database = settings.Database is { } server ? await PostgresServerProcess.StartNewAsync(server.Kind, folder.Path) : null;
        using var gateway = new GatewayProcess(
            GatewayProcess.Find(settings.Gateway),
            folder.Path,
            settings.Keys,
            settings.Mix.Lifetime,
            [.. settings.Kafka?.GatewaySettings(kafka!.BootstrapServers) ?? [],
             .. database is null ? [] : DatabaseLoad.GatewaySettings(database.ConnectionString), .. settings.GatewaySettings]);
        using var http = new HttpClient();
        await gateway.WaitUntilReadyAsync(http);
        return await run.RunAsync([gateway.Url], "", gateway, kafka, database);
    }

    private async Task<LoadReport> RunAsync(IReadOnlyList<string> urls, string prefix, GatewayProcess? gateway, MockKafkaProcess? kafka, PostgresServerProcess? database)
    {
        var ads = new LoadAds(_settings.Ads, prefix);
        using var api = new GatewayApi(urls[0], _settings.Keys.AdminKey);
        var setUp = Stopwatch.GetTimestamp();
        await api.PutAdsAsync(ads, CancellationToken.None);
        _progress.WriteLine(FormattableString.Invariant($"{ads.Ids.Count:N0} ads created in {Stopwatch.GetElapsedTime(setUp).TotalSeconds:F1} s."));

        var gate = new Lock();
        var ledger = new ClickLedger(ads.Ids.Count);
        var source = new ClickSource(ledger, ads.Count, _settings.Mix, _settings.Seed);
        var requests = new ClickRequests(_settings.Keys.Ring(), ledger, ads.Ids, new Uri(urls[0]).Authority);
        var servers = await Task.WhenAll(urls.Select(url => ResolveAsync(new Uri(url))));
        using var generator = new LoadGenerator(gate, ledger, source, requests, servers, _settings.Connections, _settings.Rate);

        var from = DateTimeOffset.UtcNow;
        var ownTime = Environment.CpuUsage.TotalTime;
        var gatewayTime = gateway?.ProcessorTime;
        using var probe = new FreshnessProbe(gate, ledger, source, requests, api, ads, from);
        var watch = new SubShardWatch(api, ads, gate, source);
        using var stopProbe = new CancellationTokenSource();
        generator.Resume();
        var probing = Task.WhenAll(probe.RunAsync(stopProbe.Token), watch.RunAsync(stopProbe.Token));
        var faults = Task.WhenAll(
        [
            .. _settings.Kafka?.Faults.Select(fault => fault.RunAsync(kafka!, _settings.Kafka.Partitions, KafkaLoad.Brokers, _progress)) ?? [],
            .. _settings.Database?.Faults.Select(fault => fault.RunAsync(database!, _progress)) ?? [],
        ]);
        var restarts = await LoadAsync(generator, gateway, api.Http);
        var activeTime = generator.ActiveTime;
        ownTime = Environment.CpuUsage.TotalTime - ownTime;
        gatewayTime = gateway?.ProcessorTime - gatewayTime;
        await stopProbe.CancelAsync();
        await generator.FinishAsync(AnswerPatience);
        await faults; // what is spooled when the last one ends must still be counted
        await probing;

        // A click is complete when a mark of the gateway's clock has passed it; it was taken before its answer came.
        var through = DateTimeOffset.UtcNow;
        _progress.WriteLine("Load finished; waiting for complete counts …");
        var counts = await CountCheck.CompareAsync(api, ads, ledger, from, through, _settings.Patience);
        return new LoadReport
        {
            Rate = _settings.Rate,
            Ads = _settings.Ads,
            SubShards = watch.Most,
            Connections = _settings.Connections,
            Seed = _settings.Seed,
            ActiveSeconds = activeTime.TotalSeconds,
            Redirected = ledger.Redirected,
            RedirectsPerSecond = ledger.Redirected / activeTime.TotalSeconds,
            Unanswered = ledger.Unanswered,
            Refusals = generator.Refusals,
            Latency = Percentiles.Of(generator.Latency),
            SendLag = Percentiles.Of(generator.SendLag),
            Answer = Percentiles.Of(generator.Answer),
            LongestRedirectAllowed = _settings.Kafka is null ? null : KafkaLoad.LongestRedirect(_settings.GatewaySettings).TotalMilliseconds,
            Freshness = Percentiles.Of(probe.Freshness),
            ProbesUnseen = probe.Unseen,
            Restarts = restarts,
            GeneratorMicrosecondsPerClick = ownTime.TotalMicroseconds / ledger.Redirected,
            GatewayMicrosecondsPerClick = gatewayTime?.TotalMicroseconds / ledger.Redirected,
            GatewayWorkingSet = gateway?.WorkingSet,
            Counts = counts,
        };
    }

    private async Task<IReadOnlyList<Restarted>> LoadAsync(LoadGenerator generator, GatewayProcess? gateway, HttpClient http)
    {
        var restarts = new List<Restarted>();
        var pause = _settings.Duration / (_settings.Kills + 1);
        for (var kill = 0; kill < _settings.Kills; kill++)
        {
            await LoadForAsync(generator, pause * (0.5 + _deaths.NextDouble()));
            gateway!.Kill();
            generator.Pause();
            gateway.Restart();

            // Clicks come as soon as anybody takes them: the next death may find the gateway still recovering.
            var live = await gateway.WaitUntilLiveAsync(http);
            generator.Resume();
            var ready = await gateway.WaitUntilReadyAsync(http);
            restarts.Add(new Restarted(live.TotalSeconds, ready.TotalSeconds));
            _progress.WriteLine(FormattableString.Invariant(
                $"Kill {kill + 1} of {_settings.Kills}: live after {live.TotalSeconds:F1} s, ready after {ready.TotalSeconds:F1} s."));
        }

        await LoadForAsync(generator, _settings.Kills == 0 ? _settings.Duration : pause);
        return restarts;
    }

    // The time that a gateway was down doesn't count as load.
    private static async Task LoadForAsync(LoadGenerator generator, TimeSpan time)
    {
        var until = generator.ActiveTime + time;
        while (generator.ActiveTime is var active && active < until)
        {
            await Task.Delay(until - active);
        }
    }

    private static async Task<IPEndPoint> ResolveAsync(Uri url)
    {
        if (url.Scheme != Uri.UriSchemeHttp)
        {
            throw new ArgumentException($"The load speaks plain HTTP only, not {url.Scheme}.", nameof(url));
        }

        var addresses = await Dns.GetHostAddressesAsync(url.DnsSafeHost);
        return new IPEndPoint(addresses[0], url.Port);
    }
}
