using AdClick.Actors.ClickLog;

namespace AdClick.Tests.Support;

/// <summary>A click log in memory: every append is durable at once, unless <see cref="Fault"/> is set.</summary>
public sealed class InMemoryClickLog : IClickLog
{
    private readonly TimeProvider _time;
    private readonly List<(long AppendTimeMs, byte[] Record)>[] _partitions;
    private readonly long[] _begin;
    private readonly Lock _gate = new();
    private TaskCompletionSource _appended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public InMemoryClickLog(int partitions, TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
        _partitions = [.. Enumerable.Range(0, partitions).Select(_ => new List<(long, byte[])>())];
        _begin = new long[partitions];
        Identity = new LogIdentity(Guid.NewGuid(), partitions);
    }

    public LogIdentity Identity { get; }

    public string? Fault { get; set; }

    public string? Notice { get; set; }

    public long? SpooledFromMs { get; set; }

    public DateTimeOffset NewestAppendTime
    {
        get
        {
            lock (_gate)
            {
                var newest = _partitions.Max(records => records.Count > 0 ? records[^1].AppendTimeMs : 0);
                return DateTimeOffset.FromUnixTimeMilliseconds(newest);
            }
        }
    }

    public Task AppendAsync(int partition, ReadOnlySpan<byte> key, ReadOnlySpan<byte> record)
    {
        if (Fault is { } fault)
        {
            return Task.FromException(new ClickLogUnavailableException(fault));
        }

        Append(partition, _time.GetUtcNow().ToUnixTimeMilliseconds(), record.ToArray());
        return Task.CompletedTask;
    }

    /// <summary>Appends with an append time of the caller's; it never goes back within a partition.</summary>
    public void Append(int partition, long appendTimeMs, byte[] record)
    {
        TaskCompletionSource appended;
        lock (_gate)
        {
            var records = _partitions[partition];
            records.Add((records.Count > 0 ? Math.Max(records[^1].AppendTimeMs, appendTimeMs) : appendTimeMs, record));
            appended = _appended;
            _appended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        appended.SetResult();
    }

    public IClickLogReader OpenReader(int partition, long offset) => new Reader(this, partition, offset);

    public IClickLogReader OpenArchiveReader(int partition, long offset) => OpenReader(partition, offset);

    public IClickLogReader OpenLookupReader(int partition, long offset) => OpenReader(partition, offset);

    public LogRange RangeOf(int partition)
    {
        lock (_gate)
        {
            return new LogRange(_begin[partition], _partitions[partition].Count);
        }
    }

    public ValueTask<LogRange> FindRangeAsync(int partition, CancellationToken cancellationToken) => ValueTask.FromResult(RangeOf(partition));

    public void Checkpointed(int partition, long offset, long keepFrom, DateTimeOffset olderThan)
    {
        lock (_gate)
        {
            var records = _partitions[partition];
            while (_begin[partition] < Math.Min(offset, keepFrom) && records[(int)_begin[partition]].AppendTimeMs < olderThan.ToUnixTimeMilliseconds())
            {
                var begin = (int)_begin[partition]++;
                records[begin] = (records[begin].AppendTimeMs, []);
            }
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class Reader(InMemoryClickLog log, int partition, long offset) : IClickLogReader
    {
        private readonly LogBatch _batch = new();
        private long _offset = offset;

        public async ValueTask<LogBatch> ReadAsync(int maxRecords, CancellationToken cancellationToken)
        {
            while (true)
            {
                Task appended;
                lock (log._gate)
                {
                    var records = log._partitions[partition];
                    if (_offset < log._begin[partition])
                    {
                        throw new ClickLogDamagedException($"Offset {_offset} of partition {partition} is truncated.");
                    }

                    if (_offset < records.Count)
                    {
                        _batch.Clear();
                        for (; _offset < records.Count && _batch.Count < maxRecords; _offset++)
                        {
                            _batch.Add(_offset, records[(int)_offset].AppendTimeMs, records[(int)_offset].Record);
                        }

                        _batch.NextOffset = _offset;
                        return _batch;
                    }

                    appended = log._appended.Task;
                }

                await appended.WaitAsync(cancellationToken);
            }
        }

        public void Dispose() { }
    }
}
