using AdClick.Actors.ClickLog;
using AdClick.Actors.Metrics;

namespace AdClick.Tests.Partitions;

/// <summary>A store whose answers a test can hold back, replace or watch.</summary>
internal sealed class GatedStore(IMetricsStore store) : IMetricsStore
{
    private int _flushes;

    /// <summary>In place of the store's own acquiring, if set.</summary>
    public Func<Func<Task<PartitionProgress>>, Task<PartitionProgress>>? OnAcquire { get; set; }

    /// <summary>In place of the store's own flush, if set: gets the flush and a function that does it.</summary>
    public Func<PartitionFlush, Func<Task>, Task>? OnFlush { get; set; }

    /// <summary>In place of the store's own reading of progress, if set.</summary>
    public Func<Func<Task<IReadOnlyList<PartitionProgress>>>, Task<IReadOnlyList<PartitionProgress>>>? OnReadProgress { get; set; }

    /// <summary>In place of the store's own move to another log, if set.</summary>
    public Func<Func<Task>, Task>? OnMove { get; set; }

    /// <summary>Flushes begun so far.</summary>
    public int Flushes => Volatile.Read(ref _flushes);

    public Task<PartitionProgress> AcquireAsync(LogIdentity log, int partition, CancellationToken cancellationToken)
    {
        Task<PartitionProgress> Acquire() => store.AcquireAsync(log, partition, cancellationToken);
        return OnAcquire is { } gate ? gate(Acquire) : Acquire();
    }

    public Task FlushAsync(PartitionFlush flush, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _flushes);
        Task Flush() => store.FlushAsync(flush, cancellationToken);
        return OnFlush is { } gate ? gate(flush, Flush) : Flush();
    }

    public Task<IReadOnlyList<PartitionProgress>> ReadProgressAsync(Guid logEpoch, CancellationToken cancellationToken)
    {
        Task<IReadOnlyList<PartitionProgress>> Read() => store.ReadProgressAsync(logEpoch, cancellationToken);
        return OnReadProgress is { } gate ? gate(Read) : Read();
    }

    public Task<bool> SetPausedAsync(Guid logEpoch, int partition, string? by, CancellationToken cancellationToken) =>
        store.SetPausedAsync(logEpoch, partition, by, cancellationToken);

    public Task<LogIdentity?> FindLogAsync(CancellationToken cancellationToken) => store.FindLogAsync(cancellationToken);

    public Task MoveToAsync(
        IReadOnlyList<PartitionProgress> from, LogIdentity to, IReadOnlyList<PartitionProgress> progress, CancellationToken cancellationToken)
    {
        Task Move() => store.MoveToAsync(from, to, progress, cancellationToken);
        return OnMove is { } gate ? gate(Move) : Move();
    }

    public Task<ClickReport> QueryAsync(ClickQuery query, CancellationToken cancellationToken) => store.QueryAsync(query, cancellationToken);
}
