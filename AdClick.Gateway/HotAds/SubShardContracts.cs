using System.ComponentModel;
using AdClick.Actors.Clicks;
using AdClick.Gateway.Api;

namespace AdClick.Gateway.HotAds;

/// <summary>Body of <c>PUT /v1/sub-shards/{adId}</c>.</summary>
internal sealed record PinSubShardsRequest
{
    /// <summary>How many.</summary>
    [Needed, Between(1, AdKey.MaxSubShards), Description("How many sub-shards, whatever the traffic: a power of two. 1 keeps the ad from being split.")]
    public int? SubShards { get; init; }
}

/// <summary>An ad that is split, or pinned.</summary>
/// <param name="AdId">The ad.</param>
/// <param name="SubShards">Sub-shards that its impressions are issued for.</param>
/// <param name="Pinned">Whether an operator has said so, rather than its traffic.</param>
internal sealed record SubShardsResponse(
    string AdId,
    [property: Description("A token of this ad has the sub-shard: last byte of the impression ID AND (subShards - 1).")] int SubShards,
    [property: Description("Whether an operator has pinned the number.")] bool Pinned);

/// <summary>Answer to <c>GET /v1/sub-shards</c>.</summary>
/// <param name="Ads">The ads that are split or pinned, by ID.</param>
internal sealed record SubShardListResponse([property: Description("All other ads have one sub-shard.")] IReadOnlyList<SubShardsResponse> Ads);
