using System.Data.Common;
using AdClick.Actors.Journal;
using AdClick.Actors.Metrics;

namespace AdClick.Actors.Partitions;

/// <summary>Purges the journal of <see cref="PostgresJournal"/>.</summary>
public sealed class PostgresJournalPurge : IJournalPurge
{
    /// <summary>
    /// Rows of up to 256 KiB each, deleted in one transaction: short enough that no checkpoint waits for the disk behind it, and that a node which
    /// stops has little to roll back.
    /// </summary>
    private const int RowsAtOnce = 128;

    private const string UndefinedTable = "42P01"; // PostgreSQL's error codes, appendix A of its manual

    private readonly DbDataSource _database;

    /// <summary>A purge of one journal.</summary>
    /// <param name="database">The PostgreSQL database of the journal.</param>
    public PostgresJournalPurge(DbDataSource database) => _database = database;

    /// <inheritdoc/>
    public async Task<int> PurgeAsync(IReadOnlyList<PartitionProgress> progress, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await _database.OpenConnectionAsync(cancellationToken);
            var deleted = 0;
            foreach (var partition in progress)
            {
                int batch;
                do
                {
                    deleted += batch = await DeleteAsync(connection, partition, cancellationToken);
                }
                while (batch == RowsAtOnce);
            }

            return deleted;
        }
        catch (DbException e) when (e.SqlState == UndefinedTable)
        {
            return 0; // nothing was ever written
        }
        catch (DbException e)
        {
            throw new MetricsStoreUnavailableException($"The journal can't be purged now: {e.Message}", e);
        }
    }

    private static async Task<int> DeleteAsync(DbConnection connection, PartitionProgress partition, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
        command.CommandText =
            $"""
            DELETE FROM {PostgresJournalTables.Journal} AS row
            USING (
                SELECT sequence_number FROM {PostgresJournalTables.Journal}
                WHERE persistence_id = $1 AND sequence_number < least(
                    $2, (SELECT max(sequence_number) FROM {PostgresJournalTables.Journal} WHERE persistence_id = $1))
                ORDER BY sequence_number LIMIT $3) AS outlived
            WHERE row.persistence_id = $1 AND row.sequence_number = outlived.sequence_number
            """;
        foreach (var value in (object[])
            [PartitionActor.PersistenceIdOf(partition.LogEpoch, partition.Partition), partition.PurgeBelow, RowsAtOnce])
        {
            var parameter = command.CreateParameter();
            parameter.Value = value;
            command.Parameters.Add(parameter);
        }

        return await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
