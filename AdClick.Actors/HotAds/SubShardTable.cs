using System.Collections.Frozen;

namespace AdClick.Actors.HotAds;

/// <summary>
/// Into how many sub-shards each hot ad is split, as this gateway knows now. Gateways may differ for a moment, and a number may change at any time: a token
/// carries its own sub-shard, so clicks of one impression meet all the same (I2).
/// </summary>
public sealed class SubShardTable
{
    private volatile FrozenDictionary<string, HotAd> _ads = FrozenDictionary<string, HotAd>.Empty;
    private TaskCompletionSource _nextChange = NewChange();

    /// <summary>Ends when the table is replaced after this call. Take it before looking, and nothing is missed.</summary>
    public Task NextChange => Volatile.Read(ref _nextChange).Task;

    /// <summary>The ads that are split, and those that are busy, by ID.</summary>
    public IReadOnlyDictionary<string, HotAd> Ads => _ads;

    /// <summary>Sub-shards of an ad, 1 to 64; 1 unless it is hot.</summary>
    public int Of(string adId) => _ads.TryGetValue(adId, out var ad) ? ad.SubShards : 1;

    /// <summary>Replaces the table.</summary>
    internal void Set(IEnumerable<HotAd> ads)
    {
        _ads = ads.ToFrozenDictionary(ad => ad.AdId, StringComparer.Ordinal);
        Interlocked.Exchange(ref _nextChange, NewChange()).SetResult();
    }

    private static TaskCompletionSource NewChange() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>A busy or split ad.</summary>
/// <param name="AdId">The ad.</param>
/// <param name="SubShards">Sub-shards that it is split into by its traffic; 1 when it is not split.</param>
/// <param name="NeededAtMs">Unix milliseconds at which it last needed as many; 0 when it is not split.</param>
/// <param name="ClicksPerSecond">Distinct clicked impressions per second over all gateways; those of gateways on which the ad is not busy are left out.</param>
/// <param name="IssuedPerSecond">Issued impressions per second, likewise.</param>
public sealed record HotAd(string AdId, int SubShards, long NeededAtMs, double ClicksPerSecond, double IssuedPerSecond);
