using System.Diagnostics.Metrics;
using AdClick.Actors.ClickLog;
using AdClick.Actors.ClickLog.Embedded;
using AdClick.Actors.ClickLog.Kafka;
using AdClick.Actors.Clicks;
using AdClick.Actors.Hosting;
using AdClick.Actors.HotAds;
using AdClick.Actors.Lake;
using AdClick.Actors.Lake.Receipts;
using AdClick.Actors.Lake.Reconciling;
using AdClick.Actors.Metrics;
using AdClick.Actors.Partitions;
using AdClick.Gateway.Ads;
using AdClick.Gateway.Api;
using AdClick.Gateway.Clicks;
using AdClick.Gateway.Live;
using AdClick.Gateway.Metrics;
using AdClick.Gateway.Operators;
using AdClick.Gateway.Operators.Console;
using AdClick.Gateway.Pages;
using AdClick.Gateway.Proofs;
using Akka.Hosting;
using Microsoft.AspNetCore.HttpOverrides;
using OpenTelemetry.Metrics;

namespace AdClick.Gateway.Hosting;

/// <summary>
/// Puts a node together: data folder, keys, stores, log, actor system, web server; in the order in which each needs the ones before. What was opened is closed
/// in the opposite order when the host is disposed.
/// </summary>
internal sealed partial class GatewayHost : IAsyncDisposable
{
    private readonly Stack<Func<ValueTask>> _closing = [];

    private GatewayHost() { }

    /// <summary>The web application; not started yet.</summary>
    public WebApplication Application { get; private set; } = null!;

    /// <summary>Opens everything and builds the application.</summary>
    /// <exception cref="InvalidSettingsException">A setting is wrong.</exception>
    /// <exception cref="StartupException">The data folder is in use, or what it holds is damaged or doesn't fit.</exception>
    /// <exception cref="OperationCanceledException">It was told to stop while it waited for something.</exception>
    public static async Task<GatewayHost> BuildAsync(string[] arguments, CancellationToken cancellationToken = default)
    {
        var host = new GatewayHost();
        try
        {
            await host.OpenAsync(arguments, cancellationToken);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        while (_closing.TryPop(out var close))
        {
            await close();
        }
    }

    /// <summary>The addresses to listen on, at least one.</summary>
    public static string[] ListenUrls(IConfiguration configuration)
    {
        var urls = configuration[WebHostDefaults.ServerUrlsKey]?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return urls is { Length: > 0 } ? urls : ["http://127.0.0.1:8080"];
    }

    /// <summary>Settings of the counting.</summary>
    public static PartitionSettings Counting(GatewayOptions options) => new()
    {
        AllowedLateness = options.AllowedLateness,
        FlushInterval = options.FlushInterval,
        CheckpointInterval = options.CheckpointInterval,
        ClickLogRetention = options.ClickLogRetention,
        SkipLostClicks = options.SkipLostClicks,
    };

    private async Task OpenAsync(string[] arguments, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = arguments, ContentRootPath = AppContext.BaseDirectory });
        var options = SettingsReader.Read(builder.Configuration);
        var folder = DataFolder.Open(options.Data);
        _closing.Push(() => Close(folder));

        var time = TimeProvider.System;
        var logging = LoggerFactory.Create(logging => ConfigureLogging(logging, builder.Configuration));
        _closing.Push(() => Close(logging));
        var (adminKey, signingKeys) = Keys(options, folder, logging.CreateLogger<GatewayHost>());
        var storage = await NodeStorage.OpenAsync(options, folder, time);
        _closing.Push(storage.DisposeAsync);
        if (options.Kafka is null)
        {
            await StartupDamage.RefuseAsync(() => options.Postgres is null
                ? LogChange.FinishAsync(folder, storage.Metrics, storage.FormerLogsPurge)
                : LogChange.FinishOnceDatabaseAnswersAsync(
                    folder, storage.Metrics, storage.FormerLogsPurge, time, logging.CreateLogger<GatewayHost>(), cancellationToken));
        }

        var log = await StartupDamage.RefuseAsync(() => OpenLogAsync(options, folder, time, logging));
        _closing.Push(log.DisposeAsync);

        var lake = options.Lake?.Open(folder.Path);
        if (lake is IDisposable closable)
        {
            _closing.Push(() => Close(closable));
        }

        var archive = OpenArchive(options, lake, time, storage, log, logging);
        if (archive is not null)
        {
            _closing.Push(archive.DisposeAsync);
        }

        var reconciler = OpenReconciler(options, lake, time, storage, logging);
        if (reconciler is not null)
        {
            _closing.Push(reconciler.DisposeAsync);
        }

        var levels = new LogLevels();
        ((IConfigurationBuilder)builder.Configuration).Add(levels);
        ConfigureLogging(builder.Logging, builder.Configuration);
        var tap = new LogTap(time);
        builder.Logging.AddProvider(tap);
        builder.Services.AddOperatorCommands(tap, levels);
        ConfigureServer(builder, options);
        AddServices(builder, options, folder, time, storage, log, lake, archive, reconciler, adminKey, signingKeys);
        AddAkka(builder, options, time, storage, log, archive, reconciler);
        if (options.Cluster is not null)
        {
            builder.Services.AddHostedService<LogCheck>();
        }

        if (options.IsProcessor)
        {
            builder.Services.AddHostedService<StoreLoops>();
        }

        if (options.IsGateway)
        {
            builder.Services.AddHostedService<MarkWriter>();
        }

        builder.Services.AddHostedService<StartupWatch>();

        Application = builder.Build();
        _closing.Push(Application.DisposeAsync);
        Map(Application, options);
    }

    private static async Task<IClickLog> OpenLogAsync(GatewayOptions options, DataFolder folder, TimeProvider time, ILoggerFactory logging) =>
        options.Kafka is { } kafka
            ? await KafkaClickLog.OpenAsync(
                kafka, folder.Path, options.ImpressionLifetime + options.AllowedLateness, time, logging.CreateLogger<KafkaClickLog>())
            : EmbeddedClickLog.Open(folder.ClickLog, options.Partitions, time, logging.CreateLogger<EmbeddedClickLog>());

    /// <summary>The archive of a node that counts; null where clicks are not archived.</summary>
    public static LakeArchive? OpenArchive(
        GatewayOptions options, ILakeStorage? lake, TimeProvider time, NodeStorage storage, IClickLog log, ILoggerFactory logging) =>
        options.IsProcessor && lake is not null
            ? new LakeArchive(log, storage.Archive, lake, options.Lake!.Settings, time, logging.CreateLogger<LakeArchive>())
            : null;

    /// <summary>What re-counts hours; null where clicks are not archived.</summary>
    private static Reconciler? OpenReconciler(GatewayOptions options, ILakeStorage? lake, TimeProvider time, NodeStorage storage, ILoggerFactory logging) =>
        lake is null ? null : new Reconciler(storage.Reconciliation, lake, options.Reconciliation.Recount, time, logging.CreateLogger<Reconciler>());

    private static ValueTask Close(IDisposable disposable)
    {
        disposable.Dispose();
        return ValueTask.CompletedTask;
    }

    private static void ConfigureLogging(ILoggingBuilder logging, ConfigurationManager configuration)
    {
        logging.ClearProviders();
        logging.AddConfiguration(configuration.GetSection("Logging"));
        if (Console.IsOutputRedirected)
        {
            logging.AddJsonConsole(json =>
            {
                json.UseUtcTimestamp = true;
                json.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
            });
        }
        else
        {
            logging.AddSimpleConsole(simple =>
            {
                simple.SingleLine = true;
                simple.UseUtcTimestamp = true;
                simple.TimestampFormat = "HH:mm:ss ";
            });
        }
    }

    private static void ConfigureServer(WebApplicationBuilder builder, GatewayOptions options)
    {
        builder.WebHost.UseUrls([.. ListenUrls(builder.Configuration), .. options.MetricsUrl is { } own ? [own.ToString()] : (string[])[]]);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = JsonBody.MaxBytes;
        });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(28)); // in all at most 30 s
        builder.Services.Configure<ForwardedHeadersOptions>(forwarded =>
        {
            forwarded.ForwardedHeaders = ForwardedHeaders.XForwardedFor;
            forwarded.ForwardLimit = null; // every hop that is a trusted proxy
            forwarded.KnownProxies.Clear();
            forwarded.KnownIPNetworks.Clear();
            foreach (var network in options.TrustedProxies)
            {
                forwarded.KnownIPNetworks.Add(network);
                if (network.BaseAddress.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork)
                {
                    // The same network as a listener on :: sees it.
                    forwarded.KnownIPNetworks.Add(new System.Net.IPNetwork(network.BaseAddress.MapToIPv6(), network.PrefixLength + 96));
                }
            }
        });
    }

    private static (string AdminKey, SigningKeyRing SigningKeys) Keys(GatewayOptions options, DataFolder folder, ILogger logger)
    {
        var generated = new GeneratedKeys(folder.Path);
        var adminKey = options.AdminKey;
        if (adminKey is null)
        {
            adminKey = generated.AdminKey();
            logger.LogInformation("AdClick:AdminKey is not set: the administrator's key is in {File}.", generated.AdminKeyFile);
        }
        else if (adminKey.Length < 16)
        {
            logger.LogWarning("AdClick:AdminKey has {Length} characters, which can be guessed. Use 32 random ones.", adminKey.Length);
        }

        if (options.SigningKeys.Count == 0)
        {
            logger.LogInformation("AdClick:SigningKeys is not set: impressions are signed with the key in {File}.", generated.SigningKeyFile);
        }

        return (adminKey, SigningKeyRings.Make(options, generated.SigningKey));
    }

    private static void AddServices(
        WebApplicationBuilder builder,
        GatewayOptions options,
        DataFolder folder,
        TimeProvider time,
        NodeStorage storage,
        IClickLog log,
        ILakeStorage? lake,
        LakeArchive? archive,
        Reconciler? reconciler,
        string adminKey,
        SigningKeyRing signingKeys)
    {
        var services = builder.Services;
        services.AddSingleton(options);
        services.AddSingleton(time);
        services.AddSingleton(storage);
        services.AddSingleton(storage.Metrics);
        services.AddSingleton(storage.Catalogue);
        services.AddSingleton(log);
        services.AddSingleton(storage.Reconciliation);
        services.AddSingleton(new ArchiveWatch(archive));
        services.AddSingleton<ReconciliationState>();
        services.AddSingleton(provider => new ReconciliationWatch(provider.GetRequiredService<ReconciliationState>(), reconciler));
        services.AddSingleton(storage.Repeats);
        services.AddSingleton(storage.LakeUpkeep);
        services.AddSingleton(provider => new LakeUpkeep(
            storage.LakeUpkeep, storage.LakeIndex, storage.Metrics, storage.Catalogue, lake, options.Lake?.Retention, time, provider.GetRequiredService<ILogger<LakeUpkeep>>()));
        services.AddSingleton(_ => new ReceiptAccess(
            lake is null
                ? null
                : new ClickReceipts(
                    log, storage.LakeIndex, storage.Metrics, lake,
                    new ReceiptSettings { ImpressionLifetime = options.ImpressionLifetime, AllowedLateness = options.AllowedLateness }, time)));
        services.AddSingleton(signingKeys);
        services.AddSingleton(options.Kafka is null ? GatewayIdentity.Embedded : GatewayIdentity.In(folder.Path));
        services.AddSingleton<ProcessExit>();
        services.AddSingleton<PartitionBoard>();
        services.AddSingleton(provider => new ClusterBoard(
            provider.GetRequiredService<PartitionBoard>(), log, options.IsGateway ? provider.GetRequiredService<GatewayIdentity>().Name : null, time));
        services.AddSingleton<PublicAddress>();
        services.AddSingleton<OpenClicks>();
        services.AddSingleton<ImpressionLimiter>();
        services.AddSingleton<LogFaultReporter>();
        services.AddSingleton<ClickHandler>();
        services.AddSingleton<Readiness>();
        services.AddSingleton<PartitionGauges>();
        services.AddSingleton<HotAdGauges>();
        services.AddSingleton(new HotAdSettings
        {
            ClicksPerSecond = options.HotAdClicksPerSecond,
            After = options.HotAdAfter,
            CoolDown = options.ImpressionLifetime,
        });
        services.AddSingleton<ClusterGauges>();
        services.AddSingleton<RedirectWatch>();
        services.AddSingleton<RecentEvents>();
        services.AddHostedService(provider => provider.GetRequiredService<RecentEvents>());
        services.AddSingleton(_ => DeclaredBots.Load());
        services.AddSingleton(new LiveClicksSettings { StreamsPerKey = options.LiveStreamsPerKey, Streams = options.LiveStreams });
        services.AddAdClickApi(provider => new ApiSettings
        {
            AdminKey = adminKey,
            PublicUrl = () => provider.GetRequiredService<PublicAddress>().Url,
            ImpressionLifetime = options.ImpressionLifetime,
            RequestsPerSecondPerKey = options.RequestsPerSecondPerKey,
        });
        services.AddOpenTelemetry().WithMetrics(metrics => metrics
            .AddMeter("AdClick")
            .AddMeter("System.Runtime")
            .AddView(Boundaries)
            .AddPrometheusExporter());
    }

    // The exporter's own boundaries are for milliseconds; these are for what takes from half a millisecond to half a minute, and for rows and bytes.
    private static MetricStreamConfiguration? Boundaries(Instrument instrument) => instrument.Unit switch
    {
        "s" => new ExplicitBucketHistogramConfiguration
        {
            Boundaries = [0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
        },
        "{row}" or "{record}" => new ExplicitBucketHistogramConfiguration { Boundaries = [0, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000] },
        "By" => new ExplicitBucketHistogramConfiguration { Boundaries = [0, 1_024, 16_384, 262_144, 4_194_304, 67_108_864, 1_073_741_824] },
        _ => null,
    };

    private static void AddAkka(
        WebApplicationBuilder builder, GatewayOptions options, TimeProvider time, NodeStorage storage, IClickLog log, LakeArchive? archive, Reconciler? reconciler)
    {
        builder.Services.AddAkka("adclick", (akka, provider) =>
        {
            akka.ConfigureLoggers(loggers =>
            {
                loggers.ClearLoggers();
                loggers.AddLoggerFactory();
            });
            var context = new PartitionContext(log, storage.Metrics, provider.GetRequiredService<PartitionBoard>(), Counting(options), time) { Archive = archive };
            akka.AddAdClickHocon(builder.Configuration);
            storage.AddPersistence(akka);
            _ = options.Cluster is { } cluster ? akka.AddAdClickCluster(cluster, options.Roles, options.IsProcessor ? context : null) : akka.AddAdClickLocalCluster(options.Roles);
            AddPetabridgeConsole(akka, provider);
            akka.AddAdClickNodeReports(provider.GetRequiredService<ClusterBoard>());
            akka.AddStartup((system, _) => Membership.EndWith(
                system, provider.GetRequiredService<ProcessExit>(), provider.GetRequiredService<IHostApplicationLifetime>(), provider.GetRequiredService<ILogger<Membership>>()));
            if (options.IsProcessor)
            {
                akka.AddAdClickCounting(context);
                if (reconciler is not null && options.Reconciliation.IsScheduled)
                {
                    akka.AddAdClickReconciliation(reconciler, storage.Reconciliation, options.Reconciliation.Schedule, provider.GetRequiredService<ReconciliationState>(), time);
                }
            }

            if (options.IsGateway)
            {
                akka.AddAdClickHotAds(
                        provider.GetRequiredService<TrafficMeter>(), provider.GetRequiredService<SubShardTable>(), provider.GetRequiredService<HotAdSettings>(), time)
                    .AddAdClickMetricsGateway();
            }
        });
    }

    // The console of Petabridge.Cmd, in builds that have it (Operators/PetabridgeConsole).
    static partial void AddPetabridgeConsole(AkkaConfigurationBuilder akka, IServiceProvider provider);

    private static void Map(WebApplication application, GatewayOptions options)
    {
        if (options.TrustedProxies.Count > 0)
        {
            application.UseForwardedHeaders();
        }

        if (options.MetricsUrl is { } own)
        {
            // The listener for scrapers shows metrics and nothing else.
            application.MapWhen(context => context.Connection.LocalPort == own.Port, scrapers =>
            {
                scrapers.UseOpenTelemetryPrometheusScrapingEndpoint("/metrics");
                scrapers.Run(new Problem(ProblemKind.NotFound, "This address has /metrics and nothing else.").ExecuteAsync);
            });
        }

        if (options.IsGateway)
        {
            // Before all else: a click passes nothing that it does not need.
            var clicks = application.Services.GetRequiredService<ClickHandler>();
            application.Use((context, next) =>
                context.Request.Path.Value?.StartsWith(ClickHandler.PathPrefix, StringComparison.Ordinal) == true ? clicks.HandleAsync(context) : next(context));
        }

        application.UseAdClickApi();
        if (options.IsGateway)
        {
            application.MapAdClickApi();
            application.MapAdClickPages();
        }

        application.MapAdClickHealth();
        application.MapAdClickCluster();
        application.MapNodeStatus();
        application.MapOperatorCommands();
        application.MapPrometheusScrapingEndpoint("/metrics").RequireAuthorization("admin");
        _ = application.Services.GetRequiredService<PartitionGauges>(); // registers itself
        _ = application.Services.GetRequiredService<HotAdGauges>();
        _ = application.Services.GetRequiredService<ArchiveWatch>();
        _ = application.Services.GetRequiredService<ReconciliationWatch>();
        _ = application.Services.GetRequiredService<ClusterGauges>(); // likewise
        _ = application.Services.GetRequiredService<RedirectWatch>();
        GatewayClickMetrics.Announce();
    }
}
