using AdClick.Actors.ClickLog;

namespace AdClick.Benchmarks.Counting;

/// <summary>
/// A log whose readers can be held: they let go of it, so that nothing is fetched or counted while it is filled, and go on where they were once it is released.
/// </summary>
/// <param name="log">The log; closed with this.</param>
internal sealed class HeldLog(IClickLog log) : IClickLog
{
    private volatile TaskCompletionSource _released = Released();
    private volatile CancellationTokenSource _held = new();

    /// <inheritdoc/>
    public LogIdentity Identity => log.Identity;

    /// <inheritdoc/>
    public DateTimeOffset NewestAppendTime => log.NewestAppendTime;

    /// <inheritdoc/>
    public string? Fault => log.Fault;

    /// <inheritdoc/>
    public string? Notice => log.Notice;

    /// <inheritdoc/>
    public long? SpooledFromMs => log.SpooledFromMs;

    /// <summary>Holds readers that wait for records.</summary>
    public void Hold()
    {
        _released = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _held.Cancel();
    }

    /// <summary>Lets them go on.</summary>
    public void Release()
    {
        _held = new CancellationTokenSource();
        _released.SetResult();
    }

    /// <inheritdoc/>
    public Task AppendAsync(int partition, ReadOnlySpan<byte> key, ReadOnlySpan<byte> record) => log.AppendAsync(partition, key, record);

    /// <inheritdoc/>
    public IClickLogReader OpenReader(int partition, long offset) => new Reader(this, partition, offset);

    /// <inheritdoc/>
    public IClickLogReader OpenArchiveReader(int partition, long offset) => log.OpenArchiveReader(partition, offset);

    /// <inheritdoc/>
    public IClickLogReader OpenLookupReader(int partition, long offset) => log.OpenLookupReader(partition, offset);

    /// <inheritdoc/>
    public LogRange RangeOf(int partition) => log.RangeOf(partition);

    /// <inheritdoc/>
    public ValueTask<LogRange> FindRangeAsync(int partition, CancellationToken cancellationToken) => log.FindRangeAsync(partition, cancellationToken);

    /// <inheritdoc/>
    public void Checkpointed(int partition, long offset, long keepFrom, DateTimeOffset olderThan) =>
        log.Checkpointed(partition, offset, keepFrom, olderThan);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => log.DisposeAsync();

    private static TaskCompletionSource Released()
    {
        var released = new TaskCompletionSource();
        released.SetResult();
        return released;
    }

    private sealed class Reader(HeldLog held, int partition, long offset) : IClickLogReader
    {
        private IClickLogReader? _reader;
        private long _next = offset;

        public async ValueTask<LogBatch> ReadAsync(int maxRecords, CancellationToken cancellationToken)
        {
            while (true)
            {
                await held._released.Task.WaitAsync(cancellationToken);
                using var until = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, held._held.Token);
                try
                {
                    _reader ??= held.Open(partition, _next);
                    var batch = await _reader.ReadAsync(maxRecords, until.Token);
                    _next = batch.NextOffset;
                    return batch;
                }
                catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
                {
                    Dispose();
                }
            }
        }

        public void Dispose()
        {
            _reader?.Dispose();
            _reader = null;
        }
    }

    private IClickLogReader Open(int partition, long offset) => log.OpenReader(partition, offset);
}
