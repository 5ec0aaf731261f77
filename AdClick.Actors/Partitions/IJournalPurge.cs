using AdClick.Actors.Metrics;

namespace AdClick.Actors.Partitions;

/// <summary>
/// Deletes the journal rows that no recovery needs any more: those below a partition's <see cref="PartitionProgress.PurgeBelow"/>. Not by Akka's
/// DeleteMessages, which would have to be sent through the partition's own way of writing; and never the newest row, from which the journal knows
/// the sequence number to go on from.
/// </summary>
public interface IJournalPurge
{
    /// <summary>Deletes what the progress rows allow; doing it again deletes nothing more. Returns the number of rows deleted.</summary>
    /// <param name="progress">Progress of some partitions.</param>
    /// <param name="cancellationToken">Ends it between two transactions.</param>
    /// <exception cref="MetricsStoreUnavailableException">The journal can't be written now.</exception>
    Task<int> PurgeAsync(IReadOnlyList<PartitionProgress> progress, CancellationToken cancellationToken);
}
