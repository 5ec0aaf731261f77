using System.Runtime.InteropServices;

namespace AdClick.Actors.ClickLog.Embedded;

/// <summary>
/// The appends that will share one write and one task. Two buffers per partition take turns: while the committer writes one group, the next collects.
/// Each record is copied in behind room for its header, so that the committer hands FasterLog whole entries.
/// </summary>
internal sealed class AppendGroup
{
    // Rare bursts shall not hold memory for ever: 1,024 partitions have two groups each.
    private const int KeepBytes = 256 * 1024;
    private const int SmallestBytes = 4 * 1024;

    private byte[] _bytes = [];
    private TaskCompletionSource _durable = NewTask();

    /// <summary>Number of records.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes held, headers included.</summary>
    public int Bytes { get; private set; }

    /// <summary>When the oldest append came, as <see cref="TimeProvider.GetTimestamp"/>.</summary>
    public long OldestTimestamp { get; private set; }

    /// <summary>Ends when all records of the group are durable.</summary>
    public Task Durable => _durable.Task;

    /// <summary>Bytes that a record takes in a group.</summary>
    public static int SpaceOf(int recordBytes) => sizeof(int) + RecordFormat.HeaderBytes + recordBytes;

    /// <summary>Copies a record in.</summary>
    public void Add(ReadOnlySpan<byte> record, long timestamp)
    {
        var space = SpaceOf(record.Length);
        if (Bytes + space > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(Math.Max(_bytes.Length * 2, SmallestBytes), Bytes + space));
        }

        var entryLength = RecordFormat.HeaderBytes + record.Length;
        MemoryMarshal.Write(_bytes.AsSpan(Bytes), in entryLength);
        record.CopyTo(_bytes.AsSpan(Bytes + sizeof(int) + RecordFormat.HeaderBytes));
        Bytes += space;
        if (Count++ == 0)
        {
            OldestTimestamp = timestamp;
        }
    }

    /// <summary>The entry at a position, header still to be filled, and the position of the next.</summary>
    public Span<byte> EntryAt(int position, out int next)
    {
        var length = MemoryMarshal.Read<int>(_bytes.AsSpan(position));
        next = position + sizeof(int) + length;
        return _bytes.AsSpan(position + sizeof(int), length);
    }

    /// <summary>Tells everybody who waits that the records are durable, and empties the group.</summary>
    public void Complete()
    {
        var durable = Empty();
        durable.SetResult();
    }

    /// <summary>Tells everybody who waits that the records may be lost, and empties the group.</summary>
    public void Fail(Exception exception)
    {
        var durable = Empty();
        durable.SetException(exception);
    }

    private TaskCompletionSource Empty()
    {
        var durable = _durable;
        _durable = NewTask();
        Count = 0;
        Bytes = 0;
        if (_bytes.Length > KeepBytes)
        {
            _bytes = [];
        }

        return durable;
    }

    // Callers go on on the pool: the committer's thread only commits.
    private static TaskCompletionSource NewTask() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
