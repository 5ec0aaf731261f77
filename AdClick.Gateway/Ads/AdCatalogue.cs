using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using AdClick.Actors.Clicks;
using AdClick.Actors.HotAds;
using AdClick.Actors.Metrics;

namespace AdClick.Gateway.Ads;

/// <summary>
/// Every ad in memory, for the way of a click. It follows the store's changes in their order and in no other way (an ad that was just put, or
/// that is not
/// known here, is read as a change too), so an older state of an ad can never replace a newer one.
/// </summary>
internal sealed class AdCatalogue(ICatalogueStore store, ILogger<AdCatalogue> logger) : IDisposable
{
    /// <summary>Most unknown ads remembered; above it they are asked for each time.</summary>
    public const int MaxUnknown = 10_000;

    private const int PageSize = 10_000;

    private readonly ConcurrentDictionary<string, CatalogueAd> _ads = new(StringComparer.Ordinal);

    // Advertiser and campaign IDs repeat; one copy of each will do. Only touched in a turn.
    private readonly Dictionary<string, string> _sharedIds = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _pinned = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _turn = new(1);
    private readonly Lock _gate = new();

    private volatile ConcurrentDictionary<string, bool> _unknown = [];
    private Task? _nextRefresh;
    private long _lastChange;

    /// <summary>Ads known.</summary>
    public int Count => _ads.Count;

    /// <summary>The ads whose number of sub-shards is pinned, by ID.</summary>
    public IReadOnlyList<Ad> Pinned() => [.. _pinned.Keys.Order(StringComparer.Ordinal).Select(adId => _ads[adId].Ad).Where(ad => ad.PinnedSubShards is not null)];

    /// <summary>The ad, if this node knows it.</summary>
    public bool TryGet(string adId, [NotNullWhen(true)] out CatalogueAd? ad) => _ads.TryGetValue(adId, out ad);

    /// <summary>
    /// The ad, looked up once if this node does not know it; null when there is none. That there is none is remembered until the next poll.
    /// </summary>
    /// <exception cref="MetricsStoreUnavailableException">The store can't say now.</exception>
    public ValueTask<CatalogueAd?> FindAsync(string adId, CancellationToken cancellationToken)
    {
        if (_ads.TryGetValue(adId, out var ad))
        {
            return ValueTask.FromResult<CatalogueAd?>(ad);
        }

        return _unknown.ContainsKey(adId) ? ValueTask.FromResult<CatalogueAd?>(null) : LookUpAsync(adId, cancellationToken);
    }

    /// <summary>Reads all ads; for the start.</summary>
    /// <exception cref="MetricsStoreUnavailableException">The store can't answer now.</exception>
    public Task LoadAsync(CancellationToken cancellationToken) => RefreshAsync(cancellationToken);

    /// <summary>
    /// Reads what has changed, beginning after this call; all who call while a read is running share the one after it. Cancelling ends the
    /// waiting only.
    /// </summary>
    /// <exception cref="MetricsStoreUnavailableException">The store can't answer now.</exception>
    public Task RefreshAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _nextRefresh ??= ReadInTurnAsync();
            return _nextRefresh.WaitAsync(cancellationToken);
        }
    }

    /// <summary>The regular look for changes, after which unknown ads are asked for again.</summary>
    /// <exception cref="MetricsStoreUnavailableException">The store can't answer now.</exception>
    public async Task PollAsync(CancellationToken cancellationToken)
    {
        await RefreshAsync(cancellationToken);
        _unknown = [];
    }

    /// <inheritdoc/>
    public void Dispose() => _turn.Dispose();

    private async ValueTask<CatalogueAd?> LookUpAsync(string adId, CancellationToken cancellationToken)
    {
        var unknown = _unknown;
        await RefreshAsync(cancellationToken);
        if (_ads.TryGetValue(adId, out var ad))
        {
            return ad;
        }

        if (unknown.Count < MaxUnknown)
        {
            unknown.TryAdd(adId, true);
        }

        return null;
    }

    private async Task ReadInTurnAsync()
    {
        // Never within the caller's lock.
        await Task.Yield();
        await _turn.WaitAsync();
        try
        {
            lock (_gate)
            {
                // From here on a change might be missed: who calls now needs another read.
                _nextRefresh = null;
            }

            await ReadAsync();
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task ReadAsync()
    {
        AdChanges changes;
        do
        {
            changes = await store.ReadAdChangesAsync(_lastChange, PageSize, CancellationToken.None);
            foreach (var ad in changes.Ads)
            {
                Apply(ad);
            }

            _lastChange = changes.LastChange;
        }
        while (changes.Ads.Count == PageSize);
    }

    private void Apply(Ad ad)
    {
        if (!TargetUrl.TryParse(ad.TargetUrl, out var target, out var error))
        {
            logger.LogError(
                "Ad {AdId} has a target URL in the store that this version does not take ({Error}); its clicks go by what was known of it before. "
                + "Put the ad again.",
                ad.AdId,
                error);
            return;
        }

        var campaignId = ad.CampaignId is { } id ? Share(id) : null;
        var traffic = _ads.TryGetValue(ad.AdId, out var known) ? known.Traffic : new AdTraffic(ad.AdId);
        _ads[ad.AdId] = new CatalogueAd(ad with { AdvertiserId = Share(ad.AdvertiserId), CampaignId = campaignId }, target, traffic);
        NotePin(ad);
    }

    private void NotePin(Ad ad)
    {
        if (ad.PinnedSubShards is null)
        {
            _pinned.TryRemove(ad.AdId, out _);
        }
        else
        {
            _pinned[ad.AdId] = true;
        }
    }

    private string Share(string id)
    {
        if (!_sharedIds.TryGetValue(id, out var shared))
        {
            _sharedIds.Add(id, shared = id);
        }

        return shared;
    }
}
