using AdClick.Actors.ClickLog;

namespace AdClick.Actors.Metrics.Postgres;

/// <summary>
/// Metrics and catalogue in PostgreSQL 15 or newer, with TimescaleDB where the server has it. Shared by all nodes. The database may be away at any
/// time, also when the store is made: every method throws <see cref="MetricsStoreUnavailableException"/> until it is back, and
/// <see cref="MetricsStoreDamagedException"/> when its schema is not this program's.
/// </summary>
public sealed partial class PostgresMetricsStore
    : IMetricsStore, IArchiveStore, IReconciliationStore, ILakeIndex, ILakeUpkeepStore, IRepeatStore, ICatalogueStore, IRollupStore, IAsyncDisposable
{
    /// <summary>Least time for which minutes can be kept: replays, reconciliation and whoever looks into last week need them.</summary>
    public static readonly TimeSpan MinRetention = TimeSpan.FromDays(8);

    // What makes flushes or questions wait behind it gives way rather than hold them up.
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(2);

    private readonly PostgresDatabase _database;
    private readonly TimeProvider _time;

    /// <summary>A store that connects when it is first asked for something.</summary>
    /// <param name="options">Where the database is.</param>
    /// <param name="time">Clock for the times of rows that people read, and for the days to make ahead.</param>
    /// <exception cref="ArgumentException">A connection string is wrong.</exception>
    public PostgresMetricsStore(PostgresStoreOptions options, TimeProvider time)
    {
        _database = new PostgresDatabase(options, time);
        _time = time;
    }

    /// <inheritdoc/>
    public Task<PartitionProgress> AcquireAsync(LogIdentity log, int partition, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(partition);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(partition, log.Partitions);
        return PostgresSilentSessions.EndWhileAsync(
            _database,
            session => PostgresProgress.AcquireAsync(session, _database.Name, log, partition, Now.UtcDateTime),
            cancellationToken);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A count or late click is out of range.</exception>
    public Task FlushAsync(PartitionFlush flush, CancellationToken cancellationToken)
    {
        FlushRules.Validate(flush);
        return _database.WriteAsync(
            async session =>
            {
                await PostgresFlush.WriteAsync(session, flush, Now.UtcDateTime).ConfigureAwait(false);
                return true;
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<PartitionProgress>> ReadProgressAsync(Guid logEpoch, CancellationToken cancellationToken) =>
        _database.ReadAsync<IReadOnlyList<PartitionProgress>>(
            async session => await PostgresProgress.ReadAsync(session, logEpoch).ConfigureAwait(false), cancellationToken);

    /// <inheritdoc/>
    public Task<bool> SetPausedAsync(Guid logEpoch, int partition, string? by, CancellationToken cancellationToken) =>
        _database.WriteAsync(session => PostgresProgress.SetPausedAsync(session, logEpoch, partition, by), cancellationToken);

    /// <inheritdoc/>
    public Task<LogIdentity?> FindLogAsync(CancellationToken cancellationToken) => _database.ReadAsync(PostgresLogs.FindAsync, cancellationToken);

    /// <inheritdoc/>
    public Task MoveToAsync(
        IReadOnlyList<PartitionProgress> from, LogIdentity to, IReadOnlyList<PartitionProgress> progress, CancellationToken cancellationToken) =>
        _database.WriteAsync(session => PostgresLogs.MoveToAsync(session, _database.Name, from, to, progress, Now.UtcDateTime), cancellationToken);

    /// <inheritdoc/>
    public Task<ArchiveProgress> StartArchiveAsync(ArchiveOwner owner, long firstOffset, long clockMs, CancellationToken cancellationToken) =>
        _database.WriteAsync(session => PostgresArchive.StartAsync(session, owner, firstOffset, clockMs), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlySet<string>> ListLakeFilesAsync(ArchiveOwner owner, CancellationToken cancellationToken) =>
        _database.WriteAsync(session => PostgresArchive.ListFilesAsync(session, owner), cancellationToken); // the owner's row is locked

    /// <inheritdoc/>
    public Task CommitCutAsync(ArchiveCut cut, CancellationToken cancellationToken) =>
        _database.WriteAsync(
            async session =>
            {
                await PostgresArchive.CommitAsync(session, cut).ConfigureAwait(false);
                return true;
            },
            cancellationToken);

    /// <inheritdoc/>
    public Task ReadBasisAsync(HourRange hours, HourRange files, Func<ReconciliationBasis, IStreamedCounts?> begin, CancellationToken cancellationToken) =>
        _database.ReadAsync(
            async session =>
            {
                await PostgresReconciliation.ReadBasisAsync(session, hours, files, begin).ConfigureAwait(false);
                return true;
            },
            cancellationToken);

    /// <inheritdoc/>
    public Task<long> CommitRunAsync(ReconciliationRun run, CancellationToken cancellationToken) =>
        _database.WriteAsync(session => PostgresRunWriter.CommitAsync(session, run), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<HourVerdict>> ReadVerdictsAsync(HourRange hours, CancellationToken cancellationToken) =>
        _database.ReadAsync(session => PostgresReconciliation.ReadVerdictsAsync(session, hours), cancellationToken);

    /// <inheritdoc/>
    public Task<int?> FindFirstLakeHourAsync(CancellationToken cancellationToken) =>
        _database.ReadAsync(PostgresReconciliation.FindFirstLakeHourAsync, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<RunRecord>> ListRunsAsync(int limit, CancellationToken cancellationToken) =>
        _database.ReadAsync(session => PostgresReconciliation.ListRunsAsync(session, limit), cancellationToken);

    /// <inheritdoc/>
    public Task<AdProof> ReadProofAsync(string adId, HourRange hours, CancellationToken cancellationToken) =>
        _database.ReadFromReplicaAsync(session => PostgresReconciliation.ReadProofAsync(session, adId, hours), cancellationToken);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The question is refused by <see cref="BucketAlignment.TryAlign"/>.</exception>
    /// <exception cref="TooManyBucketsException">The groups of the answer have more than <see cref="ClickQuery.MaxBuckets"/> buckets.</exception>
    /// <exception cref="MinutesNotKeptException">The answer would need minutes that were let go of.</exception>
    public Task<ClickReport> QueryAsync(ClickQuery query, CancellationToken cancellationToken)
    {
        if (!BucketAlignment.TryAlign(query, out var range, out var error))
        {
            throw new ArgumentException(error, nameof(query));
        }

        return _database.ReadFromReplicaAsync(session => PostgresQuery.AnswerAsync(session, query, range), cancellationToken);
    }

    /// <inheritdoc/>
    /// <remarks>Any node may call it; while one is at it, the others get 0.</remarks>
    public async Task<int> RecomputeRollupsAsync(int maxBuckets, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxBuckets);
        if (await _database.ReadAsync(PostgresRollups.FindClosableAsync, cancellationToken).ConfigureAwait(false) is { } quarter)
        {
            await TryAsync(session => PostgresRollups.CloseAsync(session, quarter, LongestWait), cancellationToken).ConfigureAwait(false);
        }

        return await _database.WriteAsync(session => PostgresRollups.RunAsync(session, maxBuckets), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Makes the next days' partitions, has TimescaleDB's community edition compress minutes that are a week old, and lets go of minutes that are
    /// older than the retention: a run lets go of days, the next one drops them. Rollups and late clicks stay. Any node may call it, every few minutes.
    /// Returns the number of days dropped.
    /// </summary>
    /// <param name="minutesRetention">How long minutes are kept, at least <see cref="MinRetention"/>; null for ever.</param>
    /// <param name="cancellationToken">Takes it back.</param>
    /// <exception cref="MetricsStoreUnavailableException">The database can't answer now.</exception>
    public async Task<int> UpkeepAsync(TimeSpan? minutesRetention, CancellationToken cancellationToken)
    {
        if (minutesRetention is { } given)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(given, MinRetention, nameof(minutesRetention));
        }

        await _database.WriteAsync(session => PostgresUpkeep.AddDaysAsync(session, Now), cancellationToken).ConfigureAwait(false);
        var dropped = 0;
        if (minutesRetention is { } retention)
        {
            await TryAsync(
                async session => dropped = await PostgresUpkeep.DropAsync(session, LongestWait).ConfigureAwait(false),
                cancellationToken).ConfigureAwait(false);
            await TryAsync(session => PostgresUpkeep.LetGoAsync(session, retention, LongestWait), cancellationToken).ConfigureAwait(false);
        }

        await _database.WriteAsync(PostgresUpkeep.SetCompressionAsync, cancellationToken).ConfigureAwait(false);
        return dropped;
    }

    /// <inheritdoc/>
    public Task<PutAdResult> PutAdAsync(Ad ad, CancellationToken cancellationToken) =>
        _database.WriteAsync(session => PostgresCatalogue.PutAdAsync(session, ad), cancellationToken);

    /// <inheritdoc/>
    public Task<bool> PinSubShardsAsync(string adId, int? subShards, CancellationToken cancellationToken) =>
        _database.WriteAsync(session => PostgresCatalogue.PinSubShardsAsync(session, adId, subShards), cancellationToken);

    /// <inheritdoc/>
    public Task<Ad?> FindAdAsync(string adId, CancellationToken cancellationToken) =>
        _database.ReadAsync(session => PostgresCatalogue.FindAdAsync(session, adId), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<Ad>> ListAdsAsync(string? advertiserId, string? afterAdId, int limit, CancellationToken cancellationToken) =>
        _database.ReadAsync(session => PostgresCatalogue.ListAdsAsync(session, advertiserId, afterAdId, limit), cancellationToken);

    /// <inheritdoc/>
    public Task<AdChanges> ReadAdChangesAsync(long afterChange, int limit, CancellationToken cancellationToken) =>
        _database.ReadAsync(session => PostgresCatalogue.ReadChangesAsync(session, afterChange, limit), cancellationToken);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The hash has not 32 bytes.</exception>
    public Task<bool> TryAddKeyAsync(ApiKey key, CancellationToken cancellationToken)
    {
        CatalogueRules.Validate(key);
        return _database.WriteAsync(session => PostgresCatalogue.TryAddKeyAsync(session, key), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<ApiKey>> ListKeysAsync(CancellationToken cancellationToken) =>
        _database.ReadAsync(PostgresCatalogue.ListKeysAsync, cancellationToken);

    /// <inheritdoc/>
    public Task<bool> DeleteKeyAsync(string name, CancellationToken cancellationToken) =>
        _database.WriteAsync(session => PostgresCatalogue.DeleteKeyAsync(session, name), cancellationToken);

    /// <summary>Closes the connections; what is under way fails.</summary>
    public ValueTask DisposeAsync() => _database.DisposeAsync();

    /// <summary>Runs work in a transaction, for tests that need to hold one open or to look into the tables.</summary>
    internal Task<T> RunAsync<T>(Func<PostgresSession, Task<T>> work) => _database.WriteAsync(work, CancellationToken.None);

    private DateTimeOffset Now => _time.GetUtcNow();

    /// <summary>Leaves something for the next time when others are in the way of it.</summary>
    private async Task TryAsync(Func<PostgresSession, Task> work, CancellationToken cancellationToken)
    {
        try
        {
            await _database.WriteAsync(
                async session =>
                {
                    await work(session).ConfigureAwait(false);
                    return true;
                },
                cancellationToken).ConfigureAwait(false);
        }
        catch (MetricsStoreUnavailableException e) when (PostgresErrors.IsLocked(e))
        {
            // It was locked for longer than it may make others wait.
        }
    }
}
