namespace AdClick.Actors.ClickLog.Spool;

/// <summary>
/// What of a lane is still to be drained: how many bytes, and since when. Entries come in by offset and go out by offset; click times may come in any
/// order. Memory: one entry per second of click times and one per 64 KiB, however many clicks there are. One thread at a time uses it.
/// </summary>
internal sealed class SpoolBacklog
{
    /// <summary>A backlog without a click time.</summary>
    public const long NoTime = long.MaxValue;

    // Bytes are given back chunk by chunk: a drained click whose chunk isn't drained yet still counts.
    private const long ChunkBytes = 64 * 1024;

    // Seconds ascend from front to back: a click leaves no trace once a later one is as old, since it is drained before that one.
    private readonly LinkedList<(long Until, long Second)> _oldest = new();
    private readonly Queue<(long Until, long Bytes)> _chunks = new();
    private (long Until, long Bytes) _lastChunk;

    /// <summary>Bytes of the entries that are not drained, or a little more.</summary>
    public long Bytes { get; private set; }

    /// <summary>Click time of the oldest entry that is not drained, in Unix seconds, rounded down; <see cref="NoTime"/> when there is none.</summary>
    public long OldestSecond => _oldest.First?.Value.Second ?? NoTime;

    /// <summary>Takes entries in.</summary>
    /// <param name="until">Offset after the last of them; above all before.</param>
    /// <param name="bytes">Their bytes.</param>
    /// <param name="oldestSecond">Click time of the oldest; <see cref="NoTime"/> if they are not clicks.</param>
    public void Add(long until, long bytes, long oldestSecond)
    {
        Bytes += bytes;
        _lastChunk = (until, _lastChunk.Bytes + bytes);
        if (_lastChunk.Bytes >= ChunkBytes)
        {
            _chunks.Enqueue(_lastChunk);
            _lastChunk = default;
        }

        if (oldestSecond != NoTime)
        {
            while (_oldest.Last is { } last && last.Value.Second >= oldestSecond)
            {
                _oldest.RemoveLast();
            }

            _oldest.AddLast((until, oldestSecond));
        }
    }

    /// <summary>Lets go of all entries below an offset.</summary>
    /// <returns>Bytes that this frees.</returns>
    public long Drain(long offset)
    {
        while (_oldest.First is { } first && first.Value.Until <= offset)
        {
            _oldest.RemoveFirst();
        }

        var freed = 0L;
        while (_chunks.TryPeek(out var chunk) && chunk.Until <= offset)
        {
            freed += _chunks.Dequeue().Bytes;
        }

        if (_lastChunk.Until <= offset)
        {
            freed += _lastChunk.Bytes;
            _lastChunk = default;
        }

        Bytes -= freed;
        return freed;
    }
}
