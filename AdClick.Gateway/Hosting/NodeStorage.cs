using AdClick.Actors.Hosting;
using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Postgres;
using AdClick.Actors.Metrics.Sqlite;
using AdClick.Actors.Partitions;
using AdClick.Actors.Partitions.Repartitioning;
using Akka.Hosting;
using Npgsql;

namespace AdClick.Gateway.Hosting;

/// <summary>Where a node keeps counts, catalogue, journal and snapshots: SQLite files in its data folder, or a PostgreSQL database.</summary>
internal sealed class NodeStorage : IAsyncDisposable
{
    private readonly Func<ValueTask> _close;

    private NodeStorage(Func<ValueTask> close) => _close = close;

    /// <summary>Counts and progress.</summary>
    public required IMetricsStore Metrics { get; init; }

    /// <summary>What is known of the data lake.</summary>
    public required IArchiveStore Archive { get; init; }

    /// <summary>What reconciliation reads and puts on record.</summary>
    public required IReconciliationStore Reconciliation { get; init; }
    /// <summary>What the data lake holds, for readers.</summary>
    public required ILakeIndex LakeIndex { get; init; }

    /// <summary>What is done to the lake beside archiving.</summary>
    public required ILakeUpkeepStore LakeUpkeep { get; init; }

    /// <summary>Second copies of clicks.</summary>
    public required IRepeatStore Repeats { get; init; }

    /// <summary>Ads and API keys.</summary>
    public required ICatalogueStore Catalogue { get; init; }

    /// <summary>The store's rollups.</summary>
    public required IRollupStore Rollups { get; init; }

    /// <summary>Buckets that are rolled up in one transaction.</summary>
    public required int RollupBucketsAtOnce { get; init; }

    /// <summary>Clears the journal out.</summary>
    public required IJournalPurge JournalPurge { get; init; }

    /// <summary>Clears out what a change of the partition count has left behind.</summary>
    public required IFormerLogsPurge FormerLogsPurge { get; init; }

    /// <summary>Tells the actor system where journal and snapshots are.</summary>
    public required Action<AkkaConfigurationBuilder> AddPersistence { get; init; }

    /// <summary>What the store wants done every few minutes; null for nothing.</summary>
    public Func<CancellationToken, Task>? Upkeep { get; init; }

    /// <summary>Opens files, or prepares connections: a database that is away is waited for later on.</summary>
    /// <param name="options">Which it is.</param>
    /// <param name="folder">The data folder.</param>
    /// <param name="time">Clock.</param>
    /// <exception cref="StartupException">A file is damaged or can't be opened.</exception>
    public static async Task<NodeStorage> OpenAsync(GatewayOptions options, DataFolder folder, TimeProvider time) =>
        options.Postgres is { } postgres ? InPostgres(postgres, time) : await InFilesAsync(folder, time);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _close();

    private static async Task<NodeStorage> InFilesAsync(DataFolder folder, TimeProvider time)
    {
        var store = StartupDamage.Refuse(() => SqliteMetricsStore.Open(folder.Metrics, time));
        try
        {
            StartupDamage.Refuse(() => SqliteFileCheck.Check(folder.Journal));
            StartupDamage.Refuse(() => SqliteFileCheck.Check(folder.Snapshots));
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }

        return new NodeStorage(store.DisposeAsync)
        {
            Metrics = store,
            Archive = store,
            Reconciliation = store,
            LakeIndex = store,
            LakeUpkeep = store,
            Repeats = store,
            Catalogue = store,
            Rollups = store,
            RollupBucketsAtOnce = 5_000, // some 50 ms of writing: a flush waits no longer than that
            JournalPurge = new SqliteJournalPurge(folder.Journal),
            FormerLogsPurge = new SqliteFormerLogsPurge(folder.Journal, folder.Snapshots),
            AddPersistence = akka => akka.AddAdClickSqlitePersistence(folder.Journal, folder.Snapshots),
        };
    }

    private static NodeStorage InPostgres(PostgresOptions options, TimeProvider time)
    {
        var store = new PostgresMetricsStore(
            new PostgresStoreOptions { ConnectionString = options.ConnectionString, ReplicaConnectionString = options.ReplicaConnectionString }, time);
        var journal = NpgsqlDataSource.Create(options.ConnectionString);
        return new NodeStorage(async () =>
        {
            await store.DisposeAsync();
            await journal.DisposeAsync();
        })
        {
            Metrics = store,
            Archive = store,
            Reconciliation = store,
            LakeIndex = store,
            LakeUpkeep = store,
            Repeats = store,
            Catalogue = store,
            Rollups = store,
            RollupBucketsAtOnce = 50_000, // nobody waits for it
            JournalPurge = new PostgresJournalPurge(journal),
            FormerLogsPurge = new PostgresFormerLogsPurge(journal),
            AddPersistence = akka => akka.AddAdClickPostgresPersistence(options.ConnectionString),
            Upkeep = cancellationToken => store.UpkeepAsync(options.MinutesRetention, cancellationToken),
        };
    }
}
