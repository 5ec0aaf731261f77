using AdClick.Actors.Metrics.Sqlite;

namespace AdClick.Actors.Partitions.Repartitioning;

/// <summary>Purges journal and snapshots in SQLite files.</summary>
/// <remarks>The tables are those that Akka.Persistence.Sql 1.5.73 makes with its default table mapping.</remarks>
public sealed class SqliteFormerLogsPurge : IFormerLogsPurge
{
    private const int RowsAtOnce = 64; // of up to 256 KiB each

    private readonly string _journalFile;
    private readonly string _snapshotFile;

    /// <summary>A purge of one node's files, as <c>AddAdClickSqlitePersistence</c> was given them.</summary>
    public SqliteFormerLogsPurge(string journalFile, string snapshotFile)
    {
        _journalFile = Path.GetFullPath(journalFile);
        _snapshotFile = Path.GetFullPath(snapshotFile);
    }

    /// <inheritdoc/>
    /// <exception cref="Metrics.MetricsStoreDamagedException">A file is damaged.</exception>
    public Task PurgeAllButAsync(Guid logEpoch, CancellationToken cancellationToken) =>
        Task.Factory.StartNew( // on a thread of its own: SQLite's calls block
            () =>
            {
                Purge(_journalFile, "journal", logEpoch);
                Purge(_snapshotFile, "snapshot", logEpoch);
            },
            cancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);

    private static void Purge(string file, string table, Guid logEpoch)
    {
        if (!File.Exists(file))
        {
            return;
        }

        using var database = SqliteDatabase.Open(file, create: false);
        if (database.ReadInt64($"SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '{table}'") == 0)
        {
            return; // nothing was ever written
        }

        var delete = database.Prepare(
            $"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE persistence_id NOT LIKE ?1 AND persistence_id LIKE 'partition-%' LIMIT ?2)")
            .Bind(1, PartitionActor.PersistenceIdOf(logEpoch, 0)[..^1] + "%").Bind(2, RowsAtOnce);
        do
        {
            delete.Run();
        }
        while (database.Changes > 0);
    }
}
