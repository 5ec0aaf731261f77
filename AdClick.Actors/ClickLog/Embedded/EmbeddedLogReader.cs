namespace AdClick.Actors.ClickLog.Embedded;

/// <summary>
/// Reads a partition in offset order from its files, up to where it is durable. It shares nothing with the writer but the tail, so a writer that
/// fails and starts anew doesn't concern it. What was written lately comes out of the operating system's page cache.
/// </summary>
internal sealed class EmbeddedLogReader : IClickLogReader
{
    private readonly EmbeddedPartition _partition;
    private readonly RecordCursor _cursor;
    private readonly LogBatch _batch = new();
    private readonly long _wanted;
    private long _expected;
    private Exception? _failure;

    /// <summary>A reader whose first record has the given offset.</summary>
    public EmbeddedLogReader(EmbeddedPartition partition, long offset)
    {
        _partition = partition;
        _wanted = offset;
        (var address, _expected) = partition.Locate(offset);
        _cursor = new RecordCursor(partition.Files, address);
    }

    /// <inheritdoc/>
    public ValueTask<LogBatch> ReadAsync(int maxRecords, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxRecords, 1);
        return !cancellationToken.IsCancellationRequested && TryFill(maxRecords)
            ? new ValueTask<LogBatch>(_batch)
            : WaitAndFillAsync(maxRecords, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose() => _cursor.Dispose();

    private async ValueTask<LogBatch> WaitAndFillAsync(int maxRecords, CancellationToken cancellationToken)
    {
        do
        {
            cancellationToken.ThrowIfCancellationRequested();
            await _partition.WaitBeyond(_cursor.Address).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        while (!TryFill(maxRecords));

        return _batch;
    }

    private bool TryFill(int maxRecords)
    {
        if (_failure is not null)
        {
            throw _failure;
        }

        ObjectDisposedException.ThrowIf(_partition.IsClosed, typeof(EmbeddedClickLog));
        _batch.Clear();
        try
        {
            Fill(maxRecords);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            _failure = e;
        }

        // Records before a damaged place are good: they are handed out first, and the next call throws.
        if (_batch.Count == 0)
        {
            return _failure is null ? false : throw _failure;
        }

        _batch.NextOffset = _expected;
        return true;
    }

    private void Fill(int maxRecords)
    {
        var tail = _partition.Tail;
        while (_batch.Count < maxRecords)
        {
            var before = _cursor.Address;
            var step = Step(tail);
            if (step == CursorStep.Limit && _expected == tail.Offset)
            {
                return;
            }

            if (step != CursorStep.Record || _cursor.Offset != _expected)
            {
                // A page is read from its start. What is damaged there below the first record that was asked for is nobody's concern.
                var next = NextOffset(step, tail);
                if (_expected >= _wanted || next <= _expected || next > _wanted)
                {
                    throw DamagedLog.Missing(_partition.Files, before, _expected, next > _expected ? next : tail.Offset);
                }

                _expected = next;
            }

            _expected++;
            if (_cursor.Offset >= _wanted)
            {
                _batch.Add(_cursor.Offset, _cursor.AppendTimeMs, _cursor.Record);
            }
        }
    }

    private CursorStep Step(LogTail tail)
    {
        try
        {
            return _cursor.Next(tail.Address);
        }
        catch (FileNotFoundException e)
        {
            if (_expected < _partition.Begin)
            {
                throw new InvalidOperationException(
                    $"Offset {_expected} of partition {_partition.Files.Partition} was truncated while it was still to be read; " +
                    $"the click log begins at {_partition.Begin}.",
                    e);
            }

            throw DamagedLog.Missing(_partition.Files, _cursor.Address, _expected, tail.Offset, e);
        }
    }

    // Offset of the record at the cursor or of the next intact one after it; the end if there is none.
    private long NextOffset(CursorStep step, LogTail tail) =>
        step == CursorStep.Record || (step == CursorStep.Unreadable && _cursor.FindNext(tail.Address)) ? _cursor.Offset : tail.Offset;
}
