using System.Data.Common;
using AdClick.Actors.Journal;
using AdClick.Actors.Metrics;

namespace AdClick.Actors.Partitions.Repartitioning;

/// <summary>Purges the journal and the snapshots of <see cref="PostgresJournal"/>.</summary>
public sealed class PostgresFormerLogsPurge : IFormerLogsPurge
{
    private const string UndefinedTable = "42P01"; // PostgreSQL's error codes, appendix A of its manual

    private readonly DbDataSource _database;

    /// <summary>A purge of one journal.</summary>
    /// <param name="database">The PostgreSQL database of the journal.</param>
    public PostgresFormerLogsPurge(DbDataSource database) => _database = database;

    /// <inheritdoc/>
    public async Task PurgeAllButAsync(Guid logEpoch, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await _database.OpenConnectionAsync(cancellationToken);
            foreach (var table in (string[])[PostgresJournalTables.Journal, PostgresJournalTables.Snapshot])
            {
                await using var command = connection.CreateCommand();
                command.CommandText = $"DELETE FROM {table} WHERE persistence_id LIKE 'partition-%' AND NOT starts_with(persistence_id, $1)";
                var parameter = command.CreateParameter();
                parameter.Value = PartitionActor.PersistenceIdOf(logEpoch, 0)[..^1];
                command.Parameters.Add(parameter);
                await command.ExecuteNonQueryAsync(cancellationToken);
            }
        }
        catch (DbException e) when (e.SqlState == UndefinedTable)
        {
            // Nothing was ever written.
        }
        catch (DbException e)
        {
            throw new MetricsStoreUnavailableException($"The journal can't be purged now: {e.Message}", e);
        }
    }
}
