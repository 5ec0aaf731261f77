using Akka.Configuration;
using Akka.Persistence;
using Akka.Persistence.Sql.Snapshot;

namespace AdClick.Actors.Journal;

/// <summary>
/// The SQL snapshot store, except that a snapshot whose saving is said to have failed stays if it was written after all. Akka.Persistence deletes it in the
/// background; a partition that recovers meanwhile finds it, goes on from it, says so in its next checkpoint, and the journal before it is purged. A
/// snapshot is one row, whole or not there, so there is nothing to clean up; the next one takes its place.
/// </summary>
public class PartitionSnapshotStore : SqlSnapshotStore
{
    /// <summary>Made by Akka.Persistence.</summary>
    /// <param name="config">Its section of <c>akka.persistence.snapshot-store</c>.</param>
    public PartitionSnapshotStore(Config config)
        : base(config)
    {
    }

    /// <summary>Does nothing: partitions delete snapshots that a newer one replaces, never a single one by its name.</summary>
    /// <param name="metadata">The snapshot.</param>
    /// <param name="cancellationToken">Not looked at.</param>
    protected sealed override Task DeleteAsync(SnapshotMetadata metadata, CancellationToken cancellationToken) => Task.CompletedTask;
}
