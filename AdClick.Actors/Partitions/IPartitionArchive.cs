using AdClick.Actors.ClickLog;
using AdClick.Actors.Metrics;

namespace AdClick.Actors.Partitions;

/// <summary>Keeps the raw clicks of the partitions that this node owns, beside the counting: it reads the log by itself, and nothing waits for it.</summary>
public interface IPartitionArchive
{
    /// <summary>Notes where the archive of a partition begins, if it has not begun: before the first click of a new owner is counted.</summary>
    /// <exception cref="StaleOwnerException">There is a newer owner.</exception>
    /// <exception cref="MetricsStoreUnavailableException">The store can't answer now.</exception>
    Task PrepareAsync(PartitionProgress acquired, LogRange range, CancellationToken cancellationToken);

    /// <summary>Begins to archive a partition that was acquired and prepared. Ends when it is disposed, or when there is a newer owner.</summary>
    IDisposable Start(PartitionProgress acquired);

    /// <summary>The log must keep this offset of a partition and what follows it, whatever is counted: it is not archived.</summary>
    long KeepFrom(int partition);

    /// <summary>Archives without delay what the log holds, and ends when that is done.</summary>
    /// <param name="ranges">What it holds, by partition.</param>
    /// <param name="tell">Is told what holds it up.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task DrainAsync(IReadOnlyList<LogRange> ranges, Action<string> tell, CancellationToken cancellationToken);
}
