using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;

namespace AdClick.Actors.Metrics;

/// <summary>
/// Where counts, late clicks, rejected records and the progress of each partition are kept. Everything in it can be rebuilt from the click log.
/// Every method throws <see cref="MetricsStoreUnavailableException"/> when the database can't answer now.
/// </summary>
public interface IMetricsStore
{
    /// <summary>
    /// Makes the caller the partition's owner: raises the owner epoch in its progress row (creating the row at epoch 1) and returns the row.
    /// </summary>
    /// <exception cref="LogMismatchException">The stored progress belongs to another partition count.</exception>
    Task<PartitionProgress> AcquireAsync(LogIdentity log, int partition, CancellationToken cancellationToken);

    /// <summary>
    /// Writes counts, late clicks, rejected records and progress in one transaction that begins by locking the progress row under the flush's owner epoch.
    /// Counts only grow (greatest of old and new), late clicks and rejected records are inserted once, offsets and the clock never go down.
    /// </summary>
    /// <exception cref="StaleOwnerException">There is a newer owner; nothing was written.</exception>
    Task FlushAsync(PartitionFlush flush, CancellationToken cancellationToken);

    /// <summary>The progress rows of all partitions of a log.</summary>
    Task<IReadOnlyList<PartitionProgress>> ReadProgressAsync(Guid logEpoch, CancellationToken cancellationToken);

    /// <summary>
    /// Says who has paused a partition, in its progress row (<see cref="PartitionProgress.PausedBy"/>), or that nobody has any more. Its owner is not asked: it writes this itself, or reads it
    /// when it acquires.
    /// </summary>
    /// <param name="logEpoch">The log.</param>
    /// <param name="partition">Partition number.</param>
    /// <param name="by">Who, for a person; null for nobody.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>False if the partition was never acquired; nothing was written.</returns>
    Task<bool> SetPausedAsync(Guid logEpoch, int partition, string? by, CancellationToken cancellationToken);

    /// <summary>The log whose counts the store holds; null while no partition was ever acquired.</summary>
    Task<LogIdentity?> FindLogAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Makes <paramref name="to"/> the store's log, in one transaction: from then on only its partitions can be acquired, owners in the log before are
    /// stale, and its progress rows are gone. Counts stay; late clicks and rejected records stay under the log that they came from.
    /// </summary>
    /// <param name="from">
    /// Progress of every partition of the store's log, as the caller has read it: where an owner epoch or a flushed offset has changed since, somebody
    /// else is counting.
    /// </param>
    /// <param name="to">A log that the store has never known.</param>
    /// <param name="progress">The first progress of each of its partitions.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="LogMismatchException">
    /// <paramref name="from"/> is not the store's log, or <paramref name="to"/> was before; nothing was written.
    /// </exception>
    /// <exception cref="StaleOwnerException">A partition was acquired or flushed since; nothing was written.</exception>
    Task MoveToAsync(
        IReadOnlyList<PartitionProgress> from, LogIdentity to, IReadOnlyList<PartitionProgress> progress, CancellationToken cancellationToken);

    /// <summary>Answers a question about one ad or one advertiser, from one snapshot of the store.</summary>
    Task<ClickReport> QueryAsync(ClickQuery query, CancellationToken cancellationToken);
}

/// <summary>How far one partition has come.</summary>
public sealed record PartitionProgress
{
    /// <summary>The log that the offsets belong to.</summary>
    public required Guid LogEpoch { get; init; }

    /// <summary>Partition number.</summary>
    public required int Partition { get; init; }

    /// <summary>Raised by every new owner.</summary>
    public required long OwnerEpoch { get; init; }

    /// <summary>Every record below this offset is in the store.</summary>
    public long FlushedOffset { get; init; }

    /// <summary>Newest offset at which the journal holds the partition's whole state.</summary>
    public long CheckpointOffset { get; init; }

    /// <summary>Partition clock at <see cref="FlushedOffset"/>, Unix milliseconds; 0 before the first record.</summary>
    public long ClockMs { get; init; }

    /// <summary>Allowed lateness that the owner judges by, in milliseconds.</summary>
    public long AllowedLatenessMs { get; init; }

    /// <summary>Journal rows with a smaller sequence number may be deleted.</summary>
    public long PurgeBelow { get; init; }

    /// <summary>
    /// Whether the store's counts go back to a log before this one (<see cref="IMetricsStore.MoveToAsync"/>), so that this log alone does not tell them.
    /// Told by the store; not written by a flush.
    /// </summary>
    public bool ContinuesAnotherLog { get; init; }

    /// <summary>
    /// Who has paused the partition, for a person; null where nobody has. Told by the store and set by <see cref="IMetricsStore.SetPausedAsync"/>; not written by a flush.
    /// </summary>
    public string? PausedBy { get; init; }

    /// <summary>The newest mark of each gateway below <see cref="FlushedOffset"/>.</summary>
    public IReadOnlyList<GatewayMark> Marks { get; init; } = [];
}

/// <summary>The newest mark that a partition has read from a gateway.</summary>
/// <param name="Gateway">Name of the gateway node.</param>
/// <param name="TimeMs">Effective time of the mark, Unix milliseconds.</param>
/// <param name="OpenFromMs">
/// Click time of the gateway's oldest click that was not in the log, Unix milliseconds; <see cref="MarkRecord.NothingOpen"/> when it has left with none.
/// </param>
public sealed record GatewayMark(string Gateway, long TimeMs, long OpenFromMs);

/// <summary>What a partition hands to the store in one transaction.</summary>
public sealed record PartitionFlush
{
    /// <summary>The progress after this flush; its <c>OwnerEpoch</c> is the fence.</summary>
    public required PartitionProgress Progress { get; init; }

    /// <summary>Absolute counts; each (ad key, minute, outcome) at most once.</summary>
    public required IReadOnlyList<MinuteCount> Counts { get; init; }

    /// <summary>Clicks that were older than the allowed lateness, with their outcomes.</summary>
    public required IReadOnlyList<LateClick> LateClicks { get; init; }

    /// <summary>Records that could not be read, or whose key belongs to another partition.</summary>
    public required IReadOnlyList<RejectedRecord> Rejected { get; init; }
}

/// <summary>The number of clicks of one (ad key, UTC minute, outcome) so far. Absolute; only grows.</summary>
/// <param name="AdId">Ad.</param>
/// <param name="SubShard">Sub-shard.</param>
/// <param name="Minute">Minutes since 1970-01-01T00:00Z.</param>
/// <param name="Outcome">Outcome; never <c>Late</c>.</param>
/// <param name="Clicks">Clicks.</param>
public readonly record struct MinuteCount(string AdId, int SubShard, int Minute, Clicks.ClickOutcome Outcome, long Clicks);

/// <summary>
/// A click that came later than the allowed lateness. It has a row of its own, because the counters of its minute may be forgotten. Usually its
/// outcome is <c>Late</c>; an invalid click or a repeat keeps its own outcome.
/// </summary>
/// <param name="Offset">Offset in the partition; with log epoch and partition the row's key.</param>
/// <param name="AdId">Ad.</param>
/// <param name="SubShard">Sub-shard.</param>
/// <param name="Minute">Minute of its effective time, since 1970-01-01T00:00Z.</param>
/// <param name="Outcome">Outcome.</param>
/// <param name="Impression">Impression.</param>
/// <param name="ClickTimeMs">Click time, Unix milliseconds.</param>
public sealed record LateClick(
    long Offset, string AdId, int SubShard, int Minute, Clicks.ClickOutcome Outcome, Clicks.ImpressionId Impression, long ClickTimeMs);

/// <summary>A log record that is passed over, kept for the operator.</summary>
/// <param name="Offset">Offset in the partition.</param>
/// <param name="Reason">Why, in a sentence.</param>
/// <param name="Record">The record as it stands in the log.</param>
public sealed record RejectedRecord(long Offset, string Reason, byte[] Record);

/// <summary>The database can't answer now; trying again later may help.</summary>
public sealed class MetricsStoreUnavailableException : IOException
{
    /// <summary>Says what failed.</summary>
    public MetricsStoreUnavailableException(string message, Exception? inner = null) : base(message, inner) { }
}

/// <summary>The store's file or schema is damaged. Never repaired by itself: a person has to decide.</summary>
public sealed class MetricsStoreDamagedException : IOException
{
    /// <summary>Says which file and what to do.</summary>
    public MetricsStoreDamagedException(string message, Exception? inner = null) : base(message, inner) { }
}

/// <summary>Another owner has taken the partition over.</summary>
public sealed class StaleOwnerException : InvalidOperationException
{
    /// <summary>Says which partition and which epochs.</summary>
    public StaleOwnerException(string message) : base(message) { }
}

/// <summary>The stored progress belongs to another log or partition count.</summary>
public sealed class LogMismatchException : InvalidOperationException
{
    /// <summary>Says what was found and what to do.</summary>
    public LogMismatchException(string message) : base(message) { }
}
