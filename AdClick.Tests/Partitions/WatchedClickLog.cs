using System.Collections.Concurrent;
using AdClick.Actors.ClickLog;
using AdClick.Tests.Support;

namespace AdClick.Tests.Partitions;

/// <summary>The log, with a damage in it or an end of its own, or just watched.</summary>
internal sealed class WatchedClickLog(InMemoryClickLog log) : IClickLog
{
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentQueue<long> _offsets = [];
    private readonly TaskCompletionSource _read = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Where the log ends, if not where it does.</summary>
    public long? End { get; init; }

    /// <summary>Whether opening it fails.</summary>
    public bool IsDamaged { get; set; }

    /// <summary>Offsets at which it was opened.</summary>
    public IReadOnlyCollection<long> Offsets => _offsets;

    /// <summary>Ends when it is opened.</summary>
    public Task Opened => _opened.Task;

    /// <summary>Ends when a batch was read.</summary>
    public Task Read => _read.Task;

    public LogIdentity Identity => log.Identity;

    public DateTimeOffset NewestAppendTime => log.NewestAppendTime;

    public string? Fault => log.Fault;

    public string? Notice => log.Notice;

    public long? SpooledFromMs => log.SpooledFromMs;

    public Task AppendAsync(int partition, ReadOnlySpan<byte> key, ReadOnlySpan<byte> record) => log.AppendAsync(partition, key, record);

    public IClickLogReader OpenReader(int partition, long offset)
    {
        _offsets.Enqueue(offset);
        _opened.TrySetResult();
        return IsDamaged
            ? throw new ClickLogDamagedException("Bytes of segment 7 are missing, on purpose.")
            : new Reader(this, log.OpenReader(partition, offset));
    }

    public IClickLogReader OpenArchiveReader(int partition, long offset) => log.OpenArchiveReader(partition, offset);

    public IClickLogReader OpenLookupReader(int partition, long offset) => log.OpenLookupReader(partition, offset);

    public LogRange RangeOf(int partition) => log.RangeOf(partition) with { End = End ?? log.RangeOf(partition).End };

    public ValueTask<LogRange> FindRangeAsync(int partition, CancellationToken cancellationToken) => ValueTask.FromResult(RangeOf(partition));

    public void Checkpointed(int partition, long offset, long keepFrom, DateTimeOffset olderThan) =>
        log.Checkpointed(partition, offset, keepFrom, olderThan);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class Reader(WatchedClickLog watched, IClickLogReader reader) : IClickLogReader
    {
        public async ValueTask<LogBatch> ReadAsync(int maxRecords, CancellationToken cancellationToken)
        {
            var batch = await reader.ReadAsync(maxRecords, cancellationToken);
            watched._read.TrySetResult();
            return batch;
        }

        public void Dispose() => reader.Dispose();
    }
}
