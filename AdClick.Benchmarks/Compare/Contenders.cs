using System.Globalization;
using System.Net;
using AdClick.Benchmarks.Ceiling;
using AdClick.Benchmarks.Load;
using AdClick.Benchmarks.Processes;
using Npgsql;

namespace AdClick.Benchmarks.Compare;

/// <summary>What people would use in place of AdClick, and AdClick.</summary>
internal static class Contenders
{
    /// <summary>Name of AdClick on its embedded log, which the others are held against.</summary>
    public const string Embedded = "AdClick";

    private const string CountsNothing = "none";

    /// <summary>As a database server that is to keep what it has taken is set up.</summary>
    private const string Durable = "fsync=on full_page_writes=on shared_buffers=1GB max_wal_size=4GB";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    /// <summary>All of them, in the order of a round.</summary>
    public static IReadOnlyList<Contender> All { get; } =
    [
        new("nginx", "nginx, a bare 302 with its access log", StartNginxAsync),
        new("Kestrel", "Kestrel, a bare 302", StartBareAsync),
        new("hand-made", "ASP.NET Core, one INSERT … ON CONFLICT DO NOTHING into PostgreSQL for each click, counted by query", StartHandmadeAsync),
        new(Embedded, "AdClick, embedded log and SQLite", place => StartAdClickAsync(place, onKafka: false)),
        new("AdClick on Kafka", "AdClick, Kafka (mock cluster) and PostgreSQL", place => StartAdClickAsync(place, onKafka: true)),
    ];

    private static async Task<RunningContender> StartNginxAsync(ContenderPlace place)
    {
        var url = FreeUrl();
        var configuration = Path.Combine(place.Folder, "nginx.conf");
        var temporary = string.Join(' ', ((string[])["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]).Select(kind => $"{kind}_temp_path {place.Folder}/{kind};"));
        await File.WriteAllTextAsync(
            configuration,
            $$"""
            daemon off;
            worker_processes auto;
            worker_rlimit_nofile 32768;
            pid {{place.Folder}}/nginx.pid;
            error_log {{place.Folder}}/error.log;
            events { worker_connections 16384; }
            http {
                {{temporary}}
                access_log {{place.Folder}}/access.log;
                keepalive_requests 1000000000;
                server {
                    listen {{new Uri(url).Authority}} backlog=4096;
                    location / {
                        add_header Cache-Control "no-store";
                        add_header X-Robots-Tag "noindex, nofollow";
                        add_header Referrer-Policy "strict-origin-when-cross-origin";
                        return 302 "{{BareCommand.Location}}";
                    }
                }
            }
            """);
        var process = ChildProcess.StartProgram(
            "nginx", ["-p", place.Folder, "-c", configuration, "-e", Path.Combine(place.Folder, "error.log")], new Dictionary<string, string>(), Path.Combine(place.Folder, "output.log"));
        return await WaitAsync(new RunningContender(url, [process.Id], (_, _, _) => Task.FromResult(CountsNothing), process));
    }

    private static async Task<RunningContender> StartBareAsync(ContenderPlace place)
    {
        var url = FreeUrl();
        var process = ChildProcess.Start(
            typeof(Contenders).Assembly.Location, [BareCommand.Name, "--urls", url], new Dictionary<string, string>(), Path.Combine(place.Folder, "output.log"));
        return await WaitAsync(new RunningContender(url, [process.Id], (_, _, _) => Task.FromResult(CountsNothing), process));
    }

    private static async Task<RunningContender> StartHandmadeAsync(ContenderPlace place)
    {
        var server = await PostgresServerProcess.StartNewAsync("plain", place.Folder, Durable);
        var database = NpgsqlDataSource.Create(server.ConnectionString);
        await using (var create = database.CreateCommand(HandmadeCommand.Schema))
        {
            await create.ExecuteNonQueryAsync();
        }

        var url = FreeUrl();
        var process = ChildProcess.Start(
            typeof(Contenders).Assembly.Location,
            [HandmadeCommand.Name, "--urls", url, "--database", server.ConnectionString, "--signing-key", $"{place.Keys.SigningKeyId}:{Convert.ToBase64String(place.Keys.Secret)}"],
            new Dictionary<string, string>(),
            Path.Combine(place.Folder, "output.log"));
        using var http = new HttpClient();
        await process.WaitForAsync(http, url + "/healthz/ready", Patience);
        return new RunningContender(url, [process.Id, await PostmasterAsync(database)], CheckAsync, server, database, process);

        async Task<string> CheckAsync(ClickLedger ledger, DateTimeOffset from, DateTimeOffset through)
        {
            var counts = new Dictionary<string, long>();
            await using var count = database.CreateCommand("SELECT ad_id, count(*) FROM clicks GROUP BY ad_id");
            await using var rows = await count.ExecuteReaderAsync();
            while (await rows.ReadAsync())
            {
                counts.Add(rows.GetString(0), rows.GetInt64(1));
            }

            var wrong = Enumerable.Range(0, place.Ads.Ids.Count).Count(ad =>
                ledger.Expect(ad) is var expected && counts.GetValueOrDefault(place.Ads.Ids[ad]) is var counted
                && (counted < expected.AcceptedMin || counted > expected.AcceptedMax));
            return wrong == 0 ? "accepted right, no others" : string.Create(CultureInfo.InvariantCulture, $"WRONG for {wrong} ads");
        }
    }

    private static async Task<RunningContender> StartAdClickAsync(ContenderPlace place, bool onKafka)
    {
        var parts = new List<object>();
        var processes = new List<int>();
        var settings = new List<string>();
        if (onKafka)
        {
            var load = new KafkaLoad();
            var kafka = await MockKafkaProcess.StartAsync(place.Folder, KafkaLoad.Topic, load.Partitions, KafkaLoad.Brokers);
            var server = await PostgresServerProcess.StartNewAsync("plain", place.Folder, Durable);
            await using var database = NpgsqlDataSource.Create(server.ConnectionString);
            parts.AddRange([kafka, server]);
            processes.AddRange([kafka.ProcessId, await PostmasterAsync(database)]);
            settings.AddRange([.. load.GatewaySettings(kafka.BootstrapServers), .. DatabaseLoad.GatewaySettings(server.ConnectionString)]);
        }

        var gateway = new GatewayProcess(GatewayProcess.Find(place.Gateway), place.Folder, place.Keys, place.Lifetime, [.. settings, .. place.GatewaySettings]);
        var api = new GatewayApi(gateway.Url, place.Keys.AdminKey);
        await gateway.WaitUntilReadyAsync(api.Http);
        await api.PutAdsAsync(place.Ads, CancellationToken.None);
        return new RunningContender(gateway.Url, [.. processes, gateway.ProcessId], CheckAsync, [.. parts, gateway, api]);

        async Task<string> CheckAsync(ClickLedger ledger, DateTimeOffset from, DateTimeOffset through)
        {
            if (await api.ReadUnloggedAsync(CancellationToken.None) is > 0 and var unlogged)
            {
                throw new InvalidOperationException($"The gateway has redirected {unlogged} clicks without logging them: its disk can't be written, so its rate means nothing.");
            }

            var result = await CountCheck.CompareAsync(api, place.Ads, ledger, from, through, Patience);
            return result.IsExact ? "all exact" : string.Create(CultureInfo.InvariantCulture, $"WRONG for {result.WrongAds} ads, complete: {result.IsComplete}");
        }
    }

    private static string FreeUrl() => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ChildProcess.FreePort()}");

    // The first line of the server's own file is the number of the process that all others are children of.
    private static async Task<int> PostmasterAsync(NpgsqlDataSource database)
    {
        await using var read = database.CreateCommand("SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int");
        return (int)(await read.ExecuteScalarAsync())!;
    }

    private static async Task<RunningContender> WaitAsync(RunningContender contender)
    {
        using var http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            try
            {
                using var answer = await http.GetAsync(contender.Url, patience.Token);
                if (answer.StatusCode == HttpStatusCode.Found)
                {
                    return contender;
                }
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }

            await Task.Delay(20, patience.Token);
        }
    }
}
