using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using AdClick.Actors.ClickLog.Embedded;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Gateway.Demo;
using AdClick.Gateway.Hosting;

namespace AdClick.Gateway.Commands;

/// <summary>
/// <c>demo</c>: serves with sample ads, two days of history and live traffic, in a folder of its own (docs/decisions/0020-the-pages.md). Started again, it goes on from there, and the time
/// between is filled in.
/// </summary>
internal sealed class DemoCommand
{
    /// <summary>Where the demo keeps its data unless it is told otherwise.</summary>
    public const string DefaultData = "./data-demo";

    private const string PublisherKeyName = "demo-publisher";

    // A viral ad of the demo is one on a small machine.
    private static readonly string[] Defaults = [$"--AdClick:Data={DefaultData}", "--AdClick:HotAdClicksPerSecond=12", "--AdClick:HotAdAfter=00:00:03"];

    private readonly DemoTraffic _traffic = new(DateTimeOffset.UtcNow);
    private readonly GatewayOptions _options;
    private readonly TextWriter _output;

    private DemoCommand(GatewayOptions options, TextWriter output)
    {
        _options = options;
        _output = output;
    }

    /// <summary>Prepares the folder and serves; gives the exit code.</summary>
    /// <param name="settings">Settings as for the node; they override the demo's own.</param>
    /// <param name="output">Where to say how to sign in.</param>
    public static async Task<int> RunAsync(string[] settings, TextWriter output)
    {
        string[] all = [.. Defaults, .. settings];
        var options = SettingsReader.Read(WebApplication.CreateBuilder(new WebApplicationOptions { Args = all, ContentRootPath = AppContext.BaseDirectory }).Configuration);
        if (options.Kafka is not null || options.Postgres is not null || options.Cluster is not null || !options.IsGateway || !options.IsProcessor)
        {
            throw new StartupException(
                "The demo runs on the embedded log and SQLite, alone and in both roles: it invents clicks, which have no place in anybody's counts. "
                + "Take AdClick:ClickLog, AdClick:Database, AdClick:Cluster and AdClick:Roles out of the settings.");
        }

        var demo = new DemoCommand(options, output);
        var keys = await demo.PrepareAsync();
        return await ServeCommand.RunAsync(all, (host, stopping) => demo.GoLiveAsync(host, keys, stopping));
    }

    private async Task<DemoKeys> PrepareAsync()
    {
        using var folder = DataFolder.Open(_options.Data);
        await using (var storage = await NodeStorage.OpenAsync(_options, folder, TimeProvider.System))
        {
            foreach (var ad in DemoCatalogue.Ads)
            {
                await storage.Catalogue.PutAdAsync(ad, CancellationToken.None);
            }

            var keys = new DemoKeys(_options.AdminKey ?? new GeneratedKeys(folder.Path).AdminKey());
            await AddKeyAsync(storage.Catalogue, PublisherKeyName, KeyScope.Publisher, null, keys);
            foreach (var (advertiser, name) in DemoCatalogue.Advertisers)
            {
                await AddKeyAsync(storage.Catalogue, name, KeyScope.Advertiser, advertiser, keys);
            }

            await WriteHistoryAsync(folder);
            return keys;
        }
    }

    private static async Task AddKeyAsync(ICatalogueStore catalogue, string name, KeyScope scope, string? advertiserId, DemoKeys keys)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(keys.Of(name)));
        await catalogue.DeleteKeyAsync(name, CancellationToken.None); // of a former administrator's key
        await catalogue.TryAddKeyAsync(new ApiKey(name, scope, advertiserId, hash, DateTimeOffset.UtcNow), CancellationToken.None);
    }

    private async Task WriteHistoryAsync(DataFolder folder)
    {
        var clock = new HistoryClock();
        var now = DateTimeOffset.UtcNow;
        await using var log = StartupDamage.Refuse(() => EmbeddedClickLog.Open(folder.ClickLog, _options.Partitions, clock));
        var from = log.NewestAppendTime > now - DemoHistory.Length ? log.NewestAppendTime : now - DemoHistory.Length;
        if (from < now)
        {
            await _output.WriteLineAsync($"Inventing the clicks since {from.UtcDateTime:yyyy-MM-dd HH:mm} UTC …");
            var clicks = await new DemoHistory(log, clock, _traffic, _options.ImpressionLifetime).WriteAsync(from, now);
            await _output.WriteLineAsync($"{clicks} clicks are in the log, to be counted as any others.");
        }
    }

    private async Task GoLiveAsync(GatewayHost host, DemoKeys keys, CancellationToken stopping)
    {
        var services = host.Application.Services;
        var url = services.GetRequiredService<PublicAddress>();
        var address = new Uri(PublicAddress.ToBrowsable(host.Application.Urls.First()));
        await _output.WriteLineAsync(
            $"""

            The demo is at {url.Url}/ — sign in with one of these keys:
            {string.Join(Environment.NewLine, DemoCatalogue.Advertisers.Select(advertiser => $"  advertiser {advertiser.Id,-10}  {keys.Of(advertiser.KeyName)}"))}
              everything, also {url.Url}/operator
                                     {keys.Admin}
            "{DemoCatalogue.Ads.First(ad => ad.AdId == DemoCatalogue.ViralAd).Name}" of brightside goes viral a minute from now. Ctrl-C ends the demo; its data stays in {_options.Data}.

            """);
        using var publisher = new DemoPublisher(
            address,
            keys.Of(PublisherKeyName),
            _traffic,
            services.GetRequiredService<SigningKeyRing>(),
            _options,
            services.GetRequiredService<TimeProvider>(),
            services.GetRequiredService<ILogger<DemoPublisher>>());
        await publisher.RunAsync(stopping);
    }

    /// <summary>Keys that follow from the administrator's, so that they are the same after a restart without being kept anywhere.</summary>
    /// <param name="admin">The administrator's key.</param>
    private sealed class DemoKeys(string admin)
    {
        public string Admin => admin;

        public string Of(string name) =>
            "adc_" + Base64Url.EncodeToString(HMACSHA256.HashData(Encoding.UTF8.GetBytes(admin), Encoding.UTF8.GetBytes($"AdClick demo: {name}")));
    }
}
