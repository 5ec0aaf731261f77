using AdClick.Actors.Clicks;

namespace AdClick.Actors.HotAds;

/// <summary>When an ad is hot, and for how long it stays split.</summary>
public sealed record HotAdSettings
{
    /// <summary>Distinct clicked impressions per second, over all gateways, from which on an ad is hot; also what one sub-shard is meant to take. Default 500.</summary>
    public int ClicksPerSecond { get; init; } = 500;

    /// <summary>How long it must have been that busy, in whole seconds. Default 5 s.</summary>
    public TimeSpan After { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long an ad keeps its sub-shards once it no longer needs them: the life of an impression, so that by then no token of the split is left. Default 24 h.
    /// </summary>
    public TimeSpan CoolDown { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Clicks between two looks from which on a gateway tells the others of an ad: a gateway of 64 that share one hot ad still does.</summary>
    internal int MinReported => Math.Max(1, ClicksPerSecond / AdKey.MaxSubShards);
}
