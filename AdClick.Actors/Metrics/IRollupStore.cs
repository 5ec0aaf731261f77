namespace AdClick.Actors.Metrics;

/// <summary>A store that keeps rollups, which somebody has to bring up to date now and then.</summary>
public interface IRollupStore
{
    /// <summary>
    /// One step of the rollup job: computes about <paramref name="maxBuckets"/> buckets in one transaction, those first that changed since they were
    /// rolled up, then those that have ended. Returns how many; 0 when there is nothing to do now.
    /// </summary>
    /// <exception cref="MetricsStoreUnavailableException">The database can't answer now.</exception>
    Task<int> RecomputeRollupsAsync(int maxBuckets, CancellationToken cancellationToken);
}
