namespace AdClick.Actors.Metrics;

/// <summary>The second copies of clicks, which no answer about clicks shows.</summary>
public interface IRepeatStore
{
    /// <summary>
    /// Clicks of an ad with the outcome <see cref="Clicks.ClickOutcome.Repeat"/> by minute, ascending; null where minutes of the range are no longer kept.
    /// </summary>
    /// <param name="adId">Ad.</param>
    /// <param name="firstMinute">First minute since 1970-01-01T00:00Z.</param>
    /// <param name="endMinute">Minute after the last.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="MetricsStoreUnavailableException">The database can't answer now.</exception>
    Task<IReadOnlyList<(int Minute, long Clicks)>?> FindRepeatsAsync(string adId, int firstMinute, int endMinute, CancellationToken cancellationToken);
}
