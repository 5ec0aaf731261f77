using System.Numerics;

namespace AdClick.Actors.Clicks;

/// <summary>
/// What the signed text in a click URL says: this impression of this ad may be clicked until then, and is counted by that sub-shard.
/// docs/token-format.md describes the signed form.
/// </summary>
/// <param name="Impression">The impression; its time is the issue time.</param>
/// <param name="ExpiresAtMs">End of the token's life, Unix milliseconds; a click at this very time is still in time.</param>
/// <param name="AdId">1 to 64 of <c>A-Z a-z 0-9 _ -</c>.</param>
/// <param name="SubShard">
/// The low bits of the impression ID, as many as the ad had sub-shards for at the time of issue (<see cref="ImpressionId.SubShard"/>); 0 unless
/// the ad is hot.
/// </param>
/// <param name="Placement">Where the ad was shown, in the same form as an ad ID, or null.</param>
public readonly record struct ImpressionToken(ImpressionId Impression, long ExpiresAtMs, string AdId, int SubShard, string? Placement)
{
    /// <summary>The unit of counting that clicks of this impression go to.</summary>
    public AdKey Ad => new(AdId, SubShard);

    /// <summary>
    /// Whether the sub-shard is the low bits of the impression ID, for some number of sub-shards. Any other would let two tokens of one impression
    /// meet in different actors, which know nothing of each other (I2).
    /// </summary>
    internal static bool IsSubShardOf(in ImpressionId impression, int subShard) =>
        subShard is >= 0 and < AdKey.MaxSubShards && impression.SubShard((int)BitOperations.RoundUpToPowerOf2((uint)subShard + 1)) == subShard;
}
