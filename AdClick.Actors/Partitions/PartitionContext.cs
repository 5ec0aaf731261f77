using AdClick.Actors.ClickLog;
using AdClick.Actors.Metrics;

namespace AdClick.Actors.Partitions;

/// <summary>What every partition of a node shares.</summary>
/// <param name="Log">The click log.</param>
/// <param name="Store">The metrics store.</param>
/// <param name="Board">Where partitions post their state.</param>
/// <param name="Settings">Settings of the counting.</param>
/// <param name="Time">Wall clock, for what people read; nothing is counted by it.</param>
public sealed record PartitionContext(
    IClickLog Log, IMetricsStore Store, PartitionBoard Board, PartitionSettings Settings, TimeProvider Time)
{
    /// <summary>Keeps the raw clicks; null where nobody does.</summary>
    public IPartitionArchive? Archive { get; init; }
}

/// <summary>Settings of the counting.</summary>
public sealed record PartitionSettings
{
    /// <summary>How far a click may lag behind its partition's clock. Default 1 h.</summary>
    public TimeSpan AllowedLateness { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Time between two flushes. Default 1 s.</summary>
    public TimeSpan FlushInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Time between two checkpoints. Default 10 s.</summary>
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long clicks stay in the log after their checkpoint. Default 24 h.</summary>
    public TimeSpan ClickLogRetention { get; init; } = TimeSpan.FromHours(24);

    /// <summary>
    /// Whether a partition whose checkpoint lies before the begin of the log goes on from there. Otherwise it is paused. Default false: clicks are lost
    /// by then, and a person has to know.
    /// </summary>
    public bool SkipLostClicks { get; init; }

    /// <summary>Most records in a batch. Larger batches hold more clicks of one ad, so that counting them costs less. Default 8,192.</summary>
    public int MaxBatchRecords { get; init; } = 8 * 1024;

    /// <summary>
    /// Pause before the next batch when the one before was far from full. Default 50 ms: little beside <see cref="FlushInterval"/>.
    /// </summary>
    public TimeSpan BatchLinger { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Batches that may be with the ads at once. Default 3.</summary>
    public int MaxBatchesInFlight { get; init; } = 3;

    /// <summary>Counters and late clicks waiting for a flush above which reading stops. Default 500,000.</summary>
    public int MaxPendingCounts { get; init; } = 500_000;

    /// <summary>Deltas below this size are not compacted: a snapshot would cost more than it saves, in bytes. Default 1 MiB.</summary>
    public long MinSnapshotBytes { get; init; } = 1024 * 1024;

    /// <summary>State up to this size is compacted into snapshots, in bytes. Default 32 MiB.</summary>
    public long MaxSnapshotBytes { get; init; } = 32L * 1024 * 1024;

    /// <summary>First pause after a failure; doubles up to <see cref="MaxBackOff"/>. Default 500 ms.</summary>
    public TimeSpan MinBackOff { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Longest pause after a failure. Default 15 s.</summary>
    public TimeSpan MaxBackOff { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Pause after another owner has taken the partition over. Default 10 s: a node that was frozen or cut off is out of the cluster by then, and never takes a partition back from those
    /// who go on.
    /// </summary>
    public TimeSpan StaleOwnerPause { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a hand-off may take to drain and checkpoint, say with the store away. Default 12 s: sharding stops what is left 5 s before its own
    /// <c>handoff-timeout</c> (akka.hocon).
    /// </summary>
    public TimeSpan HandOffTimeout { get; init; } = TimeSpan.FromSeconds(12);

    /// <summary>How long an ad or the metrics store may take to answer before the partition starts again. Default 60 s.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(60);
}
