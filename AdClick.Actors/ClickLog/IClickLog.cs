namespace AdClick.Actors.ClickLog;

/// <summary>
/// The durable, partitioned, replayable log of clicks: the source of truth. An offset numbers the records of one partition densely from 0
/// (embedded log) or as Kafka does; the next offset to read comes with each batch.
/// </summary>
public interface IClickLog : IAsyncDisposable
{
    /// <summary>Which log this is. Constant while the process runs.</summary>
    LogIdentity Identity { get; }

    /// <summary>
    /// Appends one encoded <c>LogRecord</c>. The task ends when the record is durable; many appends share one task and one write to disk.
    /// The bytes are copied before the method returns.
    /// </summary>
    /// <param name="partition">0 to <see cref="LogIdentity.Partitions"/> - 1.</param>
    /// <param name="key">UTF-8 text of the ad key; empty for a mark.</param>
    /// <param name="record">The encoded record, at most <see cref="ClickLogLimits.MaxRecordBytes"/>.</param>
    /// <exception cref="ClickLogUnavailableException">The log can't write now; thrown by the returned task.</exception>
    Task AppendAsync(int partition, ReadOnlySpan<byte> key, ReadOnlySpan<byte> record);

    /// <summary>A reader that starts at <paramref name="offset"/>, which must lie within <see cref="RangeOf"/>. One thread at a time uses it.</summary>
    /// <exception cref="ClickLogDamagedException">Thrown while reading: records are missing or unreadable at a named place.</exception>
    IClickLogReader OpenReader(int partition, long offset);

    /// <summary>A reader beside the one that counts; for the rest as <see cref="OpenReader"/>.</summary>
    IClickLogReader OpenArchiveReader(int partition, long offset);

    /// <summary>A reader for a question about single clicks, beside those two. One at a time is open for a partition; for the rest as <see cref="OpenReader"/>.</summary>
    IClickLogReader OpenLookupReader(int partition, long offset);

    /// <summary>First readable offset, and the offset that the next durable record gets, as far as this node knows. Costs nothing.</summary>
    LogRange RangeOf(int partition);

    /// <summary>The same, as the log itself says now: nothing that was durable before the call lies beyond the end.</summary>
    /// <exception cref="ClickLogUnavailableException">The log can't be asked now.</exception>
    ValueTask<LogRange> FindRangeAsync(int partition, CancellationToken cancellationToken);

    /// <summary>
    /// Says that a checkpoint stands at <paramref name="offset"/>: a restart reads from there. The log may let go of records below it and below
    /// <paramref name="keepFrom"/>, from where on something else still needs them, that were appended before <paramref name="olderThan"/>, and may
    /// keep more than that.
    /// </summary>
    void Checkpointed(int partition, long offset, long keepFrom, DateTimeOffset olderThan);

    /// <summary>
    /// The greatest append time that the log has given to a record, in any partition; the Unix epoch while there is none. A gateway whose clock is far
    /// from it is not to be trusted.
    /// </summary>
    DateTimeOffset NewestAppendTime { get; }

    /// <summary>Null when the log can write; otherwise a sentence for the operator that says what is wrong and where.</summary>
    string? Fault { get; }

    /// <summary>
    /// Null when all is well; otherwise a sentence for the operator about something that costs no click yet: say, that Kafka is away and clicks are
    /// spooled.
    /// </summary>
    string? Notice { get; }

    /// <summary>
    /// Not after the click time of any click that <see cref="AppendAsync"/> has confirmed but that waits in this node's spool, Unix milliseconds;
    /// null when there is none. Marks must not promise anything beyond it.
    /// </summary>
    long? SpooledFromMs { get; }
}

/// <summary>Reads one partition in offset order; only what is durable.</summary>
public interface IClickLogReader : IDisposable
{
    /// <summary>
    /// The next records, at least one, waiting for them if there are none. The batch is valid until the next call.
    /// </summary>
    /// <param name="maxRecords">Upper bound on the records of the batch.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    ValueTask<LogBatch> ReadAsync(int maxRecords, CancellationToken cancellationToken);
}

/// <summary>Bounds that both logs keep.</summary>
public static class ClickLogLimits
{
    /// <summary>Longest record in bytes; a click with every text at its limit takes under 4 KiB.</summary>
    public const int MaxRecordBytes = 8 * 1024;
}

/// <summary>One log has one identity; progress and checkpoints belong to it.</summary>
/// <param name="Epoch">ID made when the log was created (Kafka: the topic ID).</param>
/// <param name="Partitions">Number of partitions; fixed for the epoch.</param>
public sealed record LogIdentity(Guid Epoch, int Partitions);

/// <summary>Readable part of a partition: <c>[Begin, End)</c>.</summary>
/// <param name="Begin">First offset that can be read.</param>
/// <param name="End">Offset of the next record to come.</param>
public readonly record struct LogRange(long Begin, long End);

/// <summary>The log can't write at the moment.</summary>
public sealed class ClickLogUnavailableException : IOException
{
    /// <summary>Says what failed and what the operator can do.</summary>
    public ClickLogUnavailableException(string message, Exception? inner = null) : base(message, inner) { }
}

/// <summary>Stored records are missing or unreadable. Never skipped: a person has to decide.</summary>
public sealed class ClickLogDamagedException : IOException
{
    /// <summary>Says which file, which partition, which offsets, and what to do.</summary>
    public ClickLogDamagedException(string message, Exception? inner = null) : base(message, inner) { }

    /// <summary>The offsets that are gone, where that is known: whoever goes on without them goes on at its end.</summary>
    internal LogRange? Missing { get; init; }
}
