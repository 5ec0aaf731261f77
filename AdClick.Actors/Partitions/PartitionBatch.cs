using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;

namespace AdClick.Actors.Partitions;

/// <summary>Consecutive records of a partition, decoded and grouped by ad.</summary>
internal sealed class PartitionBatch
{
    /// <summary>Offset of the first record.</summary>
    public required long FirstOffset { get; init; }

    /// <summary>Offset after the last record.</summary>
    public required long NextOffset { get; init; }

    /// <summary>Partition clock after the last record, Unix milliseconds.</summary>
    public required long ClockMs { get; init; }

    /// <summary>The clicks, those of one ad side by side and in offset order. Rented; may be longer than the clicks it holds.</summary>
    public required LoggedClick[] Clicks { get; init; }

    /// <summary>Which of <see cref="Clicks"/> belong to which ad.</summary>
    public required IReadOnlyList<AdGroup> Groups { get; init; }

    /// <summary>Marks in the order of the log; null when there are none.</summary>
    public required List<GatewayMark>? Marks { get; init; }

    /// <summary>Records that can't be counted; null when there are none.</summary>
    public required List<RejectedRecord>? Rejected { get; init; }
}

/// <summary>The clicks of one ad in a batch.</summary>
/// <param name="Key">The ad key.</param>
/// <param name="Start">First click.</param>
/// <param name="Count">Number of clicks.</param>
internal readonly record struct AdGroup(AdKey Key, int Start, int Count);
