using Akka.DependencyInjection;
using Akka.Hosting;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace AdClick.Gateway.Metrics;

/// <summary>The pieces of the metrics gateway.</summary>
internal static class MetricsGatewayExtensions
{
    /// <summary>Most bytes of answers that are kept for those who ask the same: 64 MiB.</summary>
    public const long CacheBytes = 64 * 1024 * 1024;

    // Above the largest answer, 10,000 buckets; what is larger than this is not kept.
    private const long MaxReportBytes = 4 * 1024 * 1024;

    /// <summary>Starts the actor that answers questions about clicks; the services come from <c>AddAdClickApi</c>.</summary>
    public static AkkaConfigurationBuilder AddAdClickMetricsGateway(this AkkaConfigurationBuilder builder) =>
        builder.WithActors((system, registry) =>
            registry.Register<MetricsGatewayActor>(system.ActorOf(DependencyResolver.For(system).Props<MetricsGatewayActor>(), "metrics-gateway")));

    /// <summary>Adds the cache that the actor answers from.</summary>
    public static void AddMetricsGateway(this IServiceCollection services)
    {
        services.TryAddSingleton(new MetricsGatewaySettings());
        services.AddSingleton<ClickAnswers>();
        services.AddOptions<MemoryCacheOptions>().Configure<TimeProvider>((options, time) =>
        {
            options.Clock = new CacheClock(time);
            options.SizeLimit = CacheBytes;

            // The default of a minute would keep 300 times as many dead answers as live ones.
            options.ExpirationScanFrequency = TimeSpan.FromSeconds(1);
        });
        services.AddHybridCache(options => options.MaximumPayloadBytes = MaxReportBytes)
            .AddSerializer<CachedReport, CachedReportScales>();
    }

    private sealed class CacheClock(TimeProvider time) : Microsoft.Extensions.Internal.ISystemClock
    {
        public DateTimeOffset UtcNow => time.GetUtcNow();
    }
}
