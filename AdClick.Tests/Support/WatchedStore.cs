using AdClick.Actors.ClickLog;
using AdClick.Actors.Metrics;

namespace AdClick.Tests.Support;

/// <summary>A store that counts what it is asked, and can be made to fail or to wait.</summary>
internal sealed class WatchedStore(IMetricsStore metrics, ICatalogueStore catalogue) : IMetricsStore, ICatalogueStore
{
    private int _queries;
    private int _changeReads;

    /// <summary>When set, every call fails with it.</summary>
    public Exception? Fault { get; set; }

    /// <summary>Runs before a question is passed on.</summary>
    public Func<ClickQuery, CancellationToken, Task>? BeforeQuery { get; set; }

    /// <summary>Runs before ad changes are read.</summary>
    public Func<Task>? BeforeChanges { get; set; }

    public int Queries => Volatile.Read(ref _queries);

    public int ChangeReads => Volatile.Read(ref _changeReads);

    public async Task<ClickReport> QueryAsync(ClickQuery query, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _queries);
        Check();
        await (BeforeQuery?.Invoke(query, cancellationToken) ?? Task.CompletedTask);
        return await metrics.QueryAsync(query, cancellationToken);
    }

    public async Task<AdChanges> ReadAdChangesAsync(long afterChange, int limit, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _changeReads);
        Check();
        await (BeforeChanges?.Invoke() ?? Task.CompletedTask);
        return await catalogue.ReadAdChangesAsync(afterChange, limit, cancellationToken);
    }

    public Task<PartitionProgress> AcquireAsync(LogIdentity log, int partition, CancellationToken cancellationToken) =>
        Checked(metrics).AcquireAsync(log, partition, cancellationToken);

    public Task FlushAsync(PartitionFlush flush, CancellationToken cancellationToken) => Checked(metrics).FlushAsync(flush, cancellationToken);

    public Task<IReadOnlyList<PartitionProgress>> ReadProgressAsync(Guid logEpoch, CancellationToken cancellationToken) =>
        Checked(metrics).ReadProgressAsync(logEpoch, cancellationToken);

    public Task<bool> SetPausedAsync(Guid logEpoch, int partition, string? by, CancellationToken cancellationToken) =>
        Checked(metrics).SetPausedAsync(logEpoch, partition, by, cancellationToken);

    public Task<LogIdentity?> FindLogAsync(CancellationToken cancellationToken) => Checked(metrics).FindLogAsync(cancellationToken);

    public Task MoveToAsync(
        IReadOnlyList<PartitionProgress> from, LogIdentity to, IReadOnlyList<PartitionProgress> progress, CancellationToken cancellationToken) =>
        Checked(metrics).MoveToAsync(from, to, progress, cancellationToken);

    public Task<PutAdResult> PutAdAsync(Ad ad, CancellationToken cancellationToken) => Checked(catalogue).PutAdAsync(ad, cancellationToken);

    public Task<bool> PinSubShardsAsync(string adId, int? subShards, CancellationToken cancellationToken) =>
        Checked(catalogue).PinSubShardsAsync(adId, subShards, cancellationToken);

    public Task<Ad?> FindAdAsync(string adId, CancellationToken cancellationToken) => Checked(catalogue).FindAdAsync(adId, cancellationToken);

    public Task<IReadOnlyList<Ad>> ListAdsAsync(string? advertiserId, string? afterAdId, int limit, CancellationToken cancellationToken) =>
        Checked(catalogue).ListAdsAsync(advertiserId, afterAdId, limit, cancellationToken);

    public Task<bool> TryAddKeyAsync(ApiKey key, CancellationToken cancellationToken) => Checked(catalogue).TryAddKeyAsync(key, cancellationToken);

    public Task<IReadOnlyList<ApiKey>> ListKeysAsync(CancellationToken cancellationToken) => Checked(catalogue).ListKeysAsync(cancellationToken);

    public Task<bool> DeleteKeyAsync(string name, CancellationToken cancellationToken) => Checked(catalogue).DeleteKeyAsync(name, cancellationToken);

    private T Checked<T>(T store)
    {
        Check();
        return store;
    }

    private void Check()
    {
        if (Fault is { } fault)
        {
            throw fault;
        }
    }
}
