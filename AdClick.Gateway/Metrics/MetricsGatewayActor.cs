using System.Globalization;
using AdClick.Actors.Metrics;
using Akka.Actor;
using Microsoft.Extensions.Caching.Hybrid;
using Polly;
using Polly.CircuitBreaker;
using Polly.Timeout;

namespace AdClick.Gateway.Metrics;

/// <summary>
/// Stands between those who ask about clicks and the store: the same question asked at the same time, or again within <see
/// cref="MetricsGatewaySettings.CacheFor"/>,
/// goes to the store once (HybridCache); a store that is away or slow is left alone for a while (Polly).
/// </summary>
internal sealed class MetricsGatewayActor : UntypedActor
{
    private readonly IMetricsStore _store;
    private readonly HybridCache _cache;
    private readonly ResiliencePipeline _resilience;
    private readonly MetricsGatewaySettings _settings;
    private readonly HybridCacheEntryOptions _entry;
    private readonly SemaphoreSlim _slots;

    /// <summary>A gateway to the store.</summary>
    public MetricsGatewayActor(
        IMetricsStore store, HybridCache cache, MetricsGatewaySettings settings, TimeProvider time, ILogger<MetricsGatewayActor> logger)
    {
        _store = store;
        _cache = cache;
        _settings = settings;
        _slots = new SemaphoreSlim(settings.Concurrency);
        _entry = new HybridCacheEntryOptions
        {
            Expiration = settings.CacheFor,
            LocalCacheExpiration = settings.CacheFor,
            Flags = HybridCacheEntryFlags.DisableDistributedCache,
        };
        _resilience = CreateResilience(settings, time, logger);
    }

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case MetricsQuestions.HowManyClicks question:
                var (query, token) = question;
                _cache.GetOrCreateAsync(Name(query), (this, query), AskStoreAsync, _entry, cancellationToken: token)
                    .AsTask()
                    .PipeTo<CachedReport>(Sender, Self, cached => new MetricsAnswers.Report(cached.Value), Explain);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    /// <summary>Only called for the first of several equal questions; cancelled when none of the askers is left.</summary>
    private static ValueTask<CachedReport> AskStoreAsync((MetricsGatewayActor Self, ClickQuery Query) state, CancellationToken cancellationToken) =>
        state.Self._resilience.ExecuteAsync(
            // Given up in time, even where the store does not heed the token.
            static async (state, token) => await state.Self.AskInTurnAsync(state.Query, token).WaitAsync(token), state, cancellationToken);

    private async Task<CachedReport> AskInTurnAsync(ClickQuery query, CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken);
        try
        {
            return new CachedReport(await _store.QueryAsync(query, cancellationToken));
        }
        finally
        {
            // Once the store is done with it, which may be long after the asker was told to come back later.
            _slots.Release();
        }
    }

    private MetricsAnswers.Answer Explain(Exception failure) => failure switch
    {
        BrokenCircuitException broken => new MetricsAnswers.Unavailable(broken.RetryAfter ?? _settings.Break),
        TimeoutRejectedException => new MetricsAnswers.TimedOut(_settings.TimeOut),
        MetricsStoreUnavailableException => new MetricsAnswers.Unavailable(TimeSpan.FromSeconds(1)),
        TooManyBucketsException or MinutesNotKeptException => new MetricsAnswers.UnfitRange(failure.Message),
        OperationCanceledException => new MetricsAnswers.Cancelled(),
        _ => new MetricsAnswers.Failed(failure),
    };

    private static ResiliencePipeline CreateResilience(MetricsGatewaySettings settings, TimeProvider time, ILogger logger) =>
        new ResiliencePipelineBuilder { TimeProvider = time }
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions
            {
                ShouldHandle = new PredicateBuilder().Handle<MetricsStoreUnavailableException>().Handle<TimeoutRejectedException>(),
                FailureRatio = 0.5,
                MinimumThroughput = settings.BreakAfterQuestions,
                SamplingDuration = settings.Break,
                BreakDuration = settings.Break,
                OnOpened = opened =>
                {
                    logger.LogWarning(
                        opened.Outcome.Exception,
                        "The metrics store fails to answer; questions about clicks get 503 for {Break}.",
                        opened.BreakDuration);
                    return default;
                },
                OnClosed = _ =>
                {
                    logger.LogInformation("The metrics store answers questions about clicks again.");
                    return default;
                },
            })
            .AddTimeout(settings.TimeOut)
            .Build();

    private static string Name(ClickQuery query) => string.Create(
        CultureInfo.InvariantCulture,
        $"{query.AdId}|{query.AdvertiserId}|{query.From.UtcTicks}|{query.To.UtcTicks}|{query.Granularity}|{query.TimeZone}|"
        + $"{query.FillZero}|{query.GroupByAd}|{query.Top}|{query.TotalsOnly}|{query.OnlyAds}");
}
