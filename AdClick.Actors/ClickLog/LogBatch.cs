namespace AdClick.Actors.ClickLog;

/// <summary>
/// Consecutive records of one partition, in one buffer that the reader fills anew for each batch.
/// </summary>
public sealed class LogBatch
{
    private LogEntry[] _entries = new LogEntry[256];
    private byte[] _bytes = new byte[64 * 1024];
    private int _byteCount;

    /// <summary>Number of records.</summary>
    public int Count { get; private set; }

    /// <summary>Offset after the last record: where the next batch begins.</summary>
    public long NextOffset { get; set; }

    /// <summary>Offset and append time of a record.</summary>
    public LogEntry this[int index] => index < Count ? _entries[index] : throw new ArgumentOutOfRangeException(nameof(index));

    /// <summary>The encoded <c>LogRecord</c>.</summary>
    public ReadOnlySpan<byte> Record(int index) => _bytes.AsSpan(this[index].Start, _entries[index].Length);

    /// <summary>Empties the batch for the reader.</summary>
    public void Clear()
    {
        Count = 0;
        _byteCount = 0;
    }

    /// <summary>Copies one record in.</summary>
    public void Add(long offset, long appendTimeMs, ReadOnlySpan<byte> record)
    {
        if (Count == _entries.Length)
        {
            Array.Resize(ref _entries, Count * 2);
        }

        if (_byteCount + record.Length > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _byteCount + record.Length));
        }

        record.CopyTo(_bytes.AsSpan(_byteCount));
        _entries[Count++] = new LogEntry(offset, appendTimeMs, _byteCount, record.Length);
        _byteCount += record.Length;
    }
}

/// <summary>Where a record stands in the log and in the batch's buffer.</summary>
/// <param name="Offset">Offset in the partition.</param>
/// <param name="AppendTimeMs">
/// Unix time in milliseconds at which the log took the record; the same at every reading (I4). The embedded log's never goes back within a partition; Kafka's may
/// by the difference of two brokers' clocks, when the leader moves.
/// </param>
/// <param name="Start">First byte in the batch's buffer.</param>
/// <param name="Length">Bytes.</param>
public readonly record struct LogEntry(long Offset, long AppendTimeMs, int Start, int Length);
