namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>Reads one partition out of the buffer that the node's consumer fills.</summary>
/// <remarks>
/// Kafka leaves offsets out: a batch's records may have gaps between them, and <see cref="LogBatch.NextOffset"/> is the offset after the last one.
/// At the end of a partition that ends in a gap it stays below the log's end until the next record comes; a mark does within a second.
/// </remarks>
internal sealed class KafkaLogReader : IClickLogReader
{
    private readonly SharedConsumer _consumer;
    private readonly AssignedPartition _assigned;
    private readonly LogBatch _batch = new();
    private RecordChunk? _chunk;

    /// <summary>A reader of an assignment; it ends with the reader.</summary>
    public KafkaLogReader(SharedConsumer consumer, AssignedPartition assigned)
    {
        _consumer = consumer;
        _assigned = assigned;
    }

    /// <summary>Bytes that wait to be read.</summary>
    public int BufferedBytes => _assigned.BufferedBytes;

    /// <inheritdoc/>
    /// <exception cref="IOException">The offset that is next is out of the partition's range.</exception>
    /// <exception cref="InvalidOperationException">The partition was opened again since.</exception>
    /// <exception cref="ObjectDisposedException">The reader or its consumer is closed.</exception>
    public ValueTask<LogBatch> ReadAsync(int maxRecords, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxRecords, 1);
        return !cancellationToken.IsCancellationRequested && TryFill(maxRecords)
            ? new ValueTask<LogBatch>(_batch)
            : WaitAndFillAsync(maxRecords, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _chunk?.Return();
        _chunk = null;
        _assigned.Close();
    }

    private async ValueTask<LogBatch> WaitAndFillAsync(int maxRecords, CancellationToken cancellationToken)
    {
        do
        {
            cancellationToken.ThrowIfCancellationRequested();
            await _assigned.WaitAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        while (!TryFill(maxRecords));

        return _batch;
    }

    private bool TryFill(int maxRecords)
    {
        _batch.Clear();
        while (_batch.Count < maxRecords)
        {
            if (_chunk is null && (_chunk = TakeNext()) is null)
            {
                break;
            }

            if (!_chunk.TryMoveTo(_batch))
            {
                _chunk.Return();
                _chunk = null;
            }
        }

        return _batch.Count > 0;
    }

    private RecordChunk? TakeNext()
    {
        try
        {
            return _assigned.Take(_consumer.LowWaterMark);
        }
        catch (Exception) when (_batch.Count > 0)
        {
            return null; // records before a failure are good: they are handed out first, and the next call throws
        }
    }
}
