using System.Collections.Concurrent;

namespace AdClick.Actors.Partitions;

/// <summary>What a partition on this node is doing.</summary>
public enum PartitionPhase
{
    /// <summary>Taking ownership, or loading its checkpoint.</summary>
    Starting,

    /// <summary>Reading and counting.</summary>
    Running,

    /// <summary>Failed; will be tried again after a pause.</summary>
    BackingOff,

    /// <summary>Failed three times at one offset, or was paused by an operator: a person has to look.</summary>
    Paused,
}

/// <summary>State of one partition on this node, for health, metrics and the console.</summary>
public sealed record PartitionStatus
{
    /// <summary>Partition number.</summary>
    public required int Partition { get; init; }

    /// <summary>What it is doing.</summary>
    public required PartitionPhase Phase { get; init; }

    /// <summary>Why it is not running; null when it is.</summary>
    public string? Reason { get; init; }

    /// <summary>The operator who has paused it, and when; null when nobody has, also when it paused by itself.</summary>
    public string? PausedBy { get; init; }

    /// <summary>Owner epoch.</summary>
    public long OwnerEpoch { get; init; }

    /// <summary>Offset of the next record to count.</summary>
    public long NextOffset { get; init; }

    /// <summary>Everything below is in the metrics store.</summary>
    public long FlushedOffset { get; init; }

    /// <summary>Newest checkpoint.</summary>
    public long CheckpointOffset { get; init; }

    /// <summary>When the newest checkpoint was written.</summary>
    public DateTimeOffset CheckpointAt { get; init; }

    /// <summary>Partition clock, Unix milliseconds.</summary>
    public long ClockMs { get; init; }

    /// <summary>Ads with an actor.</summary>
    public int Ads { get; init; }

    /// <summary>Impressions remembered for deduplication.</summary>
    public long Impressions { get; init; }
}

/// <summary>Where the partitions of this node post their state. Read by health checks, gauges and the console; never by the counting.</summary>
public sealed class PartitionBoard
{
    private readonly ConcurrentDictionary<int, PartitionStatus> _statuses = new();
    private TaskCompletionSource _nextChange = NewChange();

    /// <summary>Ends when something is posted or removed after this call. Take it before looking, and nothing is missed.</summary>
    public Task NextChange => Volatile.Read(ref _nextChange).Task;

    /// <summary>Replaces a partition's state.</summary>
    public void Post(PartitionStatus status)
    {
        _statuses[status.Partition] = status;
        Tell();
    }

    /// <summary>A partition has left this node.</summary>
    public void Remove(int partition)
    {
        _statuses.TryRemove(partition, out _);
        Tell();
    }

    /// <summary>The partitions of this node, by number.</summary>
    public IReadOnlyList<PartitionStatus> Snapshot() => [.. _statuses.Values.OrderBy(status => status.Partition)];

    private static TaskCompletionSource NewChange() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Tell() => Interlocked.Exchange(ref _nextChange, NewChange()).SetResult();
}
