using Akka.Configuration;
using Akka.Persistence;

namespace AdClick.Actors.Journal;

/// <summary>The snapshot store on PostgreSQL, which creates its tables as <see cref="PostgresJournal"/> does.</summary>
public class PostgresSnapshotStore : PartitionSnapshotStore
{
    private readonly PostgresJournalTables _tables;

    /// <summary>Made by Akka.Persistence.</summary>
    /// <param name="config">Section <c>akka.persistence.snapshot-store.postgres</c>.</param>
    public PostgresSnapshotStore(Config config)
        : base(config) => _tables = new PostgresJournalTables(config.GetString("connection-string"));

    /// <inheritdoc/>
    protected override async Task<SelectedSnapshot?> LoadAsync(
        string persistenceId, SnapshotSelectionCriteria criteria, CancellationToken cancellationToken)
    {
        await _tables.EnsureAsync(); // every recovery begins with the snapshot
        return await base.LoadAsync(persistenceId, criteria, cancellationToken);
    }
}
