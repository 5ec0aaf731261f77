using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Sqlite;

namespace AdClick.Actors.Partitions;

/// <summary>Purges a journal in a SQLite file.</summary>
/// <remarks>The table is the one that Akka.Persistence.Sql 1.5.73 makes with its default table mapping.</remarks>
public sealed class SqliteJournalPurge : IJournalPurge
{
    /// <summary>Rows of up to 256 KiB each, deleted in one transaction: it holds the lock that checkpoints need.</summary>
    private const int RowsAtOnce = 16;

    private readonly string _file;

    /// <summary>A purge of one journal.</summary>
    /// <param name="journalFile">The journal's SQLite file, as <c>AddAdClickSqlitePersistence</c> was given it.</param>
    public SqliteJournalPurge(string journalFile) => _file = Path.GetFullPath(journalFile);

    /// <inheritdoc/>
    /// <exception cref="MetricsStoreDamagedException">The journal's file is damaged.</exception>
    public Task<int> PurgeAsync(IReadOnlyList<PartitionProgress> progress, CancellationToken cancellationToken) =>
        Task.Factory.StartNew( // on a thread of its own: SQLite's calls block
            () => Purge(progress, cancellationToken), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private int Purge(IReadOnlyList<PartitionProgress> progress, CancellationToken cancellationToken)
    {
        using var journal = SqliteDatabase.Open(_file, create: false);
        if (journal.ReadInt64("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'journal'") == 0)
        {
            return 0; // nothing was ever written
        }

        var delete = journal.Prepare(
            """
            DELETE FROM journal WHERE ordering IN (
                SELECT ordering FROM journal
                WHERE persistence_id = ?1 AND sequence_number < min(?2, (SELECT max(sequence_number) FROM journal WHERE persistence_id = ?1))
                ORDER BY sequence_number LIMIT ?3)
            """);
        var deleted = 0;
        foreach (var partition in progress)
        {
            delete.Bind(1, PartitionActor.PersistenceIdOf(partition.LogEpoch, partition.Partition)).Bind(2, partition.PurgeBelow).Bind(3, RowsAtOnce);
            do
            {
                cancellationToken.ThrowIfCancellationRequested();
                delete.Run();
                deleted += journal.Changes;
            }
            while (journal.Changes == RowsAtOnce);
        }

        return deleted;
    }
}
