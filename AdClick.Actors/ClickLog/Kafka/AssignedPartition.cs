namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>
/// One assignment of a partition to this node's consumer, from an offset on, and the records that wait for its reader. Each time that a partition is
/// opened there is a new one: its identity is the assignment's epoch, and what comes for an earlier one finds it gone.
/// </summary>
/// <remarks>
/// The consumer's thread puts records in, one reader takes them out. Pausing is decided under the lock that both take, so that a reader which
/// empties the buffer just then sees the pause and asks for the end of it.
/// </remarks>
internal sealed class AssignedPartition
{
    private readonly SharedConsumer _consumer;
    private readonly Lock _lock = new();
    private readonly Queue<RecordChunk> _chunks = [];
    private RecordChunk? _filling;
    private TaskCompletionSource? _arrival;
    private Exception? _failure;
    private long _gapTo = -1;
    private int _bytes;
    private bool _isPaused;
    private bool _isResuming;
    private bool _isClosed;

    /// <summary>An assignment that is to begin at an offset.</summary>
    public AssignedPartition(SharedConsumer consumer, int partition, long offset)
    {
        _consumer = consumer;
        Partition = partition;
        NextOffset = offset;
    }

    /// <summary>What became of a record that the consumer brought.</summary>
    public enum Offered
    {
        /// <summary>It waits for the reader.</summary>
        Taken,

        /// <summary>It waits for the reader, and no more are to be fetched now.</summary>
        TakenAndFull,

        /// <summary>It was here before, or nobody reads any more.</summary>
        Dropped,

        /// <summary>Offsets before it are missing: the consumer has to read from <see cref="NextOffset"/> again.</summary>
        OutOfTurn,
    }

    /// <summary>The partition.</summary>
    public int Partition { get; }

    /// <summary>Offset after the last record taken. Used by the consumer's thread only.</summary>
    public long NextOffset { get; private set; }

    /// <summary>True while records were taken that <see cref="Wake"/> has not told of. Used by the consumer's thread only.</summary>
    public bool IsTouched { get; set; }

    /// <summary>Bytes that wait for the reader.</summary>
    public int BufferedBytes
    {
        get
        {
            lock (_lock)
            {
                return _bytes;
            }
        }
    }

    /// <summary>True from <see cref="Close"/> on.</summary>
    public bool IsClosed
    {
        get
        {
            lock (_lock)
            {
                return _isClosed;
            }
        }
    }

    /// <summary>Takes a record of the consumer.</summary>
    /// <remarks>
    /// Offsets may be missing in the middle of a partition that has lost nothing: the markers of foreign transactions take some. So that a loss doesn't
    /// look the same, a gap is believed only when a second reading from its first offset shows it too: had retention taken those
    /// records, the broker would refuse that offset as out of range.
    /// </remarks>
    public Offered Offer(long offset, long appendTimeMs, ReadOnlySpan<byte> record, int highWaterMark)
    {
        if (offset < NextOffset)
        {
            return Offered.Dropped;
        }

        if (offset > NextOffset)
        {
            if (_gapTo != offset)
            {
                _gapTo = offset;
                return Offered.OutOfTurn;
            }

            _consumer.PassGap(Partition, NextOffset, offset);
        }

        NextOffset = offset + 1;
        lock (_lock)
        {
            if (_isClosed)
            {
                return Offered.Dropped;
            }

            if (_filling is null || !_filling.TryAdd(offset, appendTimeMs, record))
            {
                if (_filling is not null)
                {
                    _chunks.Enqueue(_filling);
                }

                _filling = new RecordChunk(record.Length);
                _filling.TryAdd(offset, appendTimeMs, record);
            }

            _bytes += RecordChunk.BytesOf(record.Length);
            KafkaConsumerMetrics.BufferedBytes.Add(RecordChunk.BytesOf(record.Length));
            if (_bytes <= highWaterMark || _isPaused)
            {
                return Offered.Taken;
            }

            _isPaused = true;
            KafkaConsumerMetrics.Paused.Add(1);
            return Offered.TakenAndFull;
        }
    }

    /// <summary>Wakes the reader, if it waits.</summary>
    public void Wake()
    {
        TaskCompletionSource? arrival;
        lock (_lock)
        {
            (arrival, _arrival) = (_arrival, null);
        }

        arrival?.SetResult();
    }

    /// <summary>The reader gets what is buffered, and then this. The first failure stays.</summary>
    public void Fail(Exception failure)
    {
        lock (_lock)
        {
            _failure ??= failure;
        }

        Wake();
    }

    /// <summary>Forgets that the partition is paused; false when it was not.</summary>
    public bool TryEndPause()
    {
        lock (_lock)
        {
            _isResuming = false;
            if (!_isPaused)
            {
                return false;
            }

            _isPaused = false;
            KafkaConsumerMetrics.Paused.Add(-1);
            return true;
        }
    }

    /// <summary>The oldest records, which are the reader's from now on; null when there are none.</summary>
    /// <exception cref="Exception">There are none and there will be no more; see <see cref="Fail"/>.</exception>
    public RecordChunk? Take(int lowWaterMark)
    {
        RecordChunk? taken;
        var resumes = false;
        lock (_lock)
        {
            if (!_chunks.TryDequeue(out taken))
            {
                (taken, _filling) = (_filling, null);
            }

            if (taken is null)
            {
                ObjectDisposedException.ThrowIf(_isClosed, typeof(IClickLogReader));
                return _failure is null ? null : throw _failure;
            }

            _bytes -= taken.Bytes;
            if (_isPaused && !_isResuming && _bytes <= lowWaterMark)
            {
                resumes = _isResuming = true;
            }
        }

        KafkaConsumerMetrics.BufferedBytes.Add(-taken.Bytes);
        if (resumes)
        {
            _consumer.Resume(this);
        }

        return taken;
    }

    /// <summary>Ends when there is something to take.</summary>
    public Task WaitAsync()
    {
        lock (_lock)
        {
            if (_filling is not null || _chunks.Count > 0 || _failure is not null || _isClosed)
            {
                return Task.CompletedTask;
            }

            _arrival ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _arrival.Task;
        }
    }

    /// <summary>Lets go of the records; nobody reads them any more.</summary>
    public void Close()
    {
        lock (_lock)
        {
            if (_isClosed)
            {
                return;
            }

            _isClosed = true;
            KafkaConsumerMetrics.BufferedBytes.Add(-_bytes);
            _bytes = 0;
            _filling?.Return();
            _filling = null;
            while (_chunks.TryDequeue(out var chunk))
            {
                chunk.Return();
            }
        }

        Wake();
        _consumer.Unassign(this);
    }
}
