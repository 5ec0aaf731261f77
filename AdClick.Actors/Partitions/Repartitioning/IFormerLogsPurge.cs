namespace AdClick.Actors.Partitions.Repartitioning;

/// <summary>
/// Deletes what journal and snapshots hold of other logs than the store's: of the one before, and of changes that were begun and never got to the switch.
/// Only while no partition runs.
/// </summary>
public interface IFormerLogsPurge
{
    /// <summary>Deletes all but the rows of one log; doing it again deletes nothing more.</summary>
    /// <exception cref="Metrics.MetricsStoreUnavailableException">The journal can't be written now.</exception>
    Task PurgeAllButAsync(Guid logEpoch, CancellationToken cancellationToken);
}
