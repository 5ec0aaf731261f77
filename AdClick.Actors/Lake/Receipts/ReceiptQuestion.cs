using AdClick.Actors.Clicks;

namespace AdClick.Actors.Lake.Receipts;

/// <summary>Which clicks a receipt is asked of.</summary>
/// <param name="Impression">Their impression.</param>
public sealed record ReceiptQuestion(ImpressionId Impression)
{
    /// <summary>Their ad key, as a click ID names it; null where only the impression is known.</summary>
    public AdKey? Ad { get; init; }

    /// <summary>Their ad, where somebody knows it, but not the sub-shard; null otherwise.</summary>
    public string? AdId { get; init; }

    /// <summary>Click time of one of them, as a click ID names it, Unix milliseconds; null where none is known.</summary>
    public long? ClickTimeMs { get; init; }

    /// <summary>The question that a click ID asks.</summary>
    public static ReceiptQuestion Of(in ClickId clickId) => new(clickId.Impression) { Ad = clickId.Ad, ClickTimeMs = clickId.ClickTimeMs };

    /// <summary>The partitions that can hold the clicks, in a log with so many; null for all of them.</summary>
    internal IReadOnlyCollection<int>? PartitionsOf(int partitions)
    {
        if (Ad is { } key)
        {
            return [key.Partition(partitions)];
        }

        if (AdId is not { } adId)
        {
            return null;
        }

        // The sub-shard is the low bits of the impression, as many as the ad's number of sub-shards had when it was issued.
        var keys = new HashSet<int>();
        for (var subShards = 1; subShards <= AdKey.MaxSubShards; subShards *= 2)
        {
            keys.Add(new AdKey(adId, Impression.SubShard(subShards)).Partition(partitions));
        }

        return keys;
    }
}
