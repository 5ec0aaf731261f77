using System.Diagnostics.Metrics;
using AdClick.Actors.HotAds;

namespace AdClick.Gateway.Operators;

/// <summary>The busy and split ads from outside, read when somebody looks. There are as many as are busy, not as many as there are ads.</summary>
internal sealed class HotAdGauges : IDisposable
{
    private readonly Meter _meter = new("AdClick");

    /// <summary>Registers the gauges.</summary>
    public HotAdGauges(SubShardTable table)
    {
        Gauge("adclick.hot_ad.sub_shards", "{shard}", "Sub-shards that the ad is split into by its traffic", ad => ad.SubShards);
        Gauge("adclick.hot_ad.clicks_per_second", null, "Distinct clicked impressions per second over all gateways", ad => ad.ClicksPerSecond);
        Gauge("adclick.hot_ad.issued_per_second", null, "Issued impressions per second over all gateways", ad => ad.IssuedPerSecond);

        void Gauge(string name, string? unit, string description, Func<HotAd, double> value) => _meter.CreateObservableGauge(
            name,
            () => table.Ads.Values.Select(ad => new Measurement<double>(value(ad), new KeyValuePair<string, object?>("ad", ad.AdId))),
            unit,
            description);
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();
}
