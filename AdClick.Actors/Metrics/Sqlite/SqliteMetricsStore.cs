using AdClick.Actors.ClickLog;

namespace AdClick.Actors.Metrics.Sqlite;

/// <summary>
/// Metrics and catalogue in one SQLite file: one connection that writes, a few that read, none of them on the thread pool. The file belongs to one
/// process.
/// </summary>
public sealed partial class SqliteMetricsStore
    : IMetricsStore, IArchiveStore, IReconciliationStore, ILakeIndex, ILakeUpkeepStore, IRepeatStore, ICatalogueStore, IRollupStore, IAsyncDisposable
{
    /// <summary>Files up to this size are checked from end to end when they are opened; a larger one would hold up the start.</summary>
    private const long MaxBytesCheckedAtOpen = 256L * 1024 * 1024;

    private const int MinReaders = 2;
    private const int MaxReaders = 8;

    private readonly SqliteWriter _writer;
    private readonly SqliteReaders _readers;
    private readonly TimeProvider _time;

    private SqliteMetricsStore(SqliteDatabase database, TimeProvider time)
    {
        _time = time;
        _writer = new SqliteWriter(database);
        _readers = new SqliteReaders(database.File, Math.Clamp(Environment.ProcessorCount, MinReaders, MaxReaders));
    }

    /// <summary>Opens a store, creating the file when it is not there, and brings its schema up to date.</summary>
    /// <param name="file">Path of the database; its folder must exist.</param>
    /// <param name="time">Clock for the times of rows that people read.</param>
    /// <exception cref="MetricsStoreDamagedException">
    /// The file is no database, is damaged, or was written by a newer program; the message says what to do.
    /// </exception>
    /// <exception cref="MetricsStoreUnavailableException">The file can't be opened or written now.</exception>
    public static SqliteMetricsStore Open(string file, TimeProvider time)
    {
        var database = SqliteDatabase.Open(Path.GetFullPath(file), create: true);
        try
        {
            SqliteMigrations.Check(database);
            SqliteWriter.Prepare(database);
            SqliteMigrations.Apply(database, time);
            CheckWhole(database);
            return new SqliteMetricsStore(database, time);
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public Task<PartitionProgress> AcquireAsync(LogIdentity log, int partition, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(partition);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(partition, log.Partitions);
        return _writer.RunAsync(database => ProgressRows.Acquire(database, log, partition, NowMs), cancellationToken);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A count or late click is out of range.</exception>
    public Task FlushAsync(PartitionFlush flush, CancellationToken cancellationToken)
    {
        FlushRules.Validate(flush);
        return _writer.RunAsync(
            database =>
            {
                FlushWriter.Write(database, _writer.Ads, flush, NowMs);
                return true;
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<PartitionProgress>> ReadProgressAsync(Guid logEpoch, CancellationToken cancellationToken) =>
        _readers.RunAsync<IReadOnlyList<PartitionProgress>>(database => ProgressRows.Read(database, logEpoch), cancellationToken);

    /// <inheritdoc/>
    public Task<bool> SetPausedAsync(Guid logEpoch, int partition, string? by, CancellationToken cancellationToken) =>
        _writer.RunAsync(database => ProgressRows.SetPaused(database, logEpoch, partition, by), cancellationToken);

    /// <inheritdoc/>
    public Task<LogIdentity?> FindLogAsync(CancellationToken cancellationToken) => _readers.RunAsync(ProgressRows.CurrentLog, cancellationToken);

    /// <inheritdoc/>
    public Task MoveToAsync(
        IReadOnlyList<PartitionProgress> from, LogIdentity to, IReadOnlyList<PartitionProgress> progress, CancellationToken cancellationToken) =>
        _writer.RunAsync(
            database =>
            {
                ProgressRows.MoveTo(database, from, to, progress, NowMs);
                return true;
            },
            cancellationToken);

    /// <inheritdoc/>
    public Task<ArchiveProgress> StartArchiveAsync(ArchiveOwner owner, long firstOffset, long clockMs, CancellationToken cancellationToken) =>
        _writer.RunAsync(database => SqliteArchive.Start(database, owner, firstOffset, clockMs), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlySet<string>> ListLakeFilesAsync(ArchiveOwner owner, CancellationToken cancellationToken) =>
        _readers.RunAsync(database => SqliteArchive.ListFiles(database, owner), cancellationToken);

    /// <inheritdoc/>
    public Task CommitCutAsync(ArchiveCut cut, CancellationToken cancellationToken) =>
        _writer.RunAsync(
            database =>
            {
                SqliteArchive.Commit(database, cut);
                return true;
            },
            cancellationToken);

    /// <inheritdoc/>
    public Task ReadBasisAsync(HourRange hours, HourRange files, Func<ReconciliationBasis, IStreamedCounts?> begin, CancellationToken cancellationToken) =>
        _readers.RunAsync(
            database =>
            {
                SqliteReconciliation.ReadBasis(database, hours, files, begin, cancellationToken);
                return true;
            },
            cancellationToken);

    /// <inheritdoc/>
    public Task<long> CommitRunAsync(ReconciliationRun run, CancellationToken cancellationToken) =>
        _writer.RunAsync(database => SqliteRunWriter.Commit(database, _writer.Ads, run), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<HourVerdict>> ReadVerdictsAsync(HourRange hours, CancellationToken cancellationToken) =>
        _readers.RunAsync(database => SqliteReconciliation.ReadVerdicts(database, hours), cancellationToken);

    /// <inheritdoc/>
    public Task<int?> FindFirstLakeHourAsync(CancellationToken cancellationToken) => _readers.RunAsync(SqliteReconciliation.FindFirstLakeHour, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<RunRecord>> ListRunsAsync(int limit, CancellationToken cancellationToken) =>
        _readers.RunAsync(database => SqliteReconciliation.ListRuns(database, limit), cancellationToken);

    /// <inheritdoc/>
    public Task<AdProof> ReadProofAsync(string adId, HourRange hours, CancellationToken cancellationToken) =>
        _readers.RunAsync(database => SqliteReconciliation.ReadProof(database, adId, hours, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The question is refused by <see cref="BucketAlignment.TryAlign"/>.</exception>
    /// <exception cref="TooManyBucketsException">The groups of the answer have more than <see cref="ClickQuery.MaxBuckets"/> buckets.</exception>
    public Task<ClickReport> QueryAsync(ClickQuery query, CancellationToken cancellationToken)
    {
        if (!BucketAlignment.TryAlign(query, out var range, out var error))
        {
            throw new ArgumentException(error, nameof(query));
        }

        return _readers.RunAsync(database => SqliteQuery.Answer(database, query, range, cancellationToken), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<int> RecomputeRollupsAsync(int maxBuckets, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxBuckets);
        return _writer.RunAsync(database => new RollupJob(database, cancellationToken).Run(maxBuckets), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<PutAdResult> PutAdAsync(Ad ad, CancellationToken cancellationToken) =>
        _writer.RunAsync(database => SqliteCatalogue.PutAd(database, _writer.Ads, ad), cancellationToken);

    /// <inheritdoc/>
    public Task<bool> PinSubShardsAsync(string adId, int? subShards, CancellationToken cancellationToken) =>
        _writer.RunAsync(database => SqliteCatalogue.PinSubShards(database, adId, subShards), cancellationToken);

    /// <inheritdoc/>
    public Task<Ad?> FindAdAsync(string adId, CancellationToken cancellationToken) =>
        _readers.RunAsync(database => SqliteCatalogue.FindAd(database, adId), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<Ad>> ListAdsAsync(string? advertiserId, string? afterAdId, int limit, CancellationToken cancellationToken) =>
        _readers.RunAsync(database => SqliteCatalogue.ListAds(database, advertiserId, afterAdId, limit), cancellationToken);

    /// <inheritdoc/>
    public Task<AdChanges> ReadAdChangesAsync(long afterChange, int limit, CancellationToken cancellationToken) =>
        _readers.RunAsync(database => SqliteCatalogue.ReadChanges(database, afterChange, limit), cancellationToken);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The hash has not 32 bytes.</exception>
    public Task<bool> TryAddKeyAsync(ApiKey key, CancellationToken cancellationToken)
    {
        CatalogueRules.Validate(key);
        return _writer.RunAsync(database => SqliteCatalogue.TryAddKey(database, key), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<ApiKey>> ListKeysAsync(CancellationToken cancellationToken) =>
        _readers.RunAsync(SqliteCatalogue.ListKeys, cancellationToken);

    /// <inheritdoc/>
    public Task<bool> DeleteKeyAsync(string name, CancellationToken cancellationToken) =>
        _writer.RunAsync(database => SqliteCatalogue.DeleteKey(database, name), cancellationToken);

    /// <summary>Finishes what waits, and closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        // Both join their threads, which may take as long as the job in hand.
        void Close()
        {
            _readers.Dispose();
            _writer.Dispose();
        }

        await Task.Factory.StartNew(Close, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
    }

    /// <summary>Runs a job on the writing connection, for tests that need to make it fail.</summary>
    internal Task<T> RunOnWriterAsync<T>(Func<SqliteDatabase, T> work) => _writer.RunAsync(work, CancellationToken.None);

    private long NowMs => _time.GetUtcNow().ToUnixTimeMilliseconds();

    private static void CheckWhole(SqliteDatabase database)
    {
        if (new FileInfo(database.File).Length > MaxBytesCheckedAtOpen)
        {
            return;
        }

        var verdict = database.ReadText("PRAGMA quick_check(1)");
        if (verdict != "ok")
        {
            throw SqliteErrors.ToException(database.File, SQLitePCL.raw.SQLITE_CORRUPT, verdict);
        }
    }
}
