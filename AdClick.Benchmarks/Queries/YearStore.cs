using AdClick.Actors.Metrics;

namespace AdClick.Benchmarks.Queries;

/// <summary>A metrics store that is filled with a year of counts.</summary>
internal abstract class YearStore : IAsyncDisposable
{
    /// <summary>Counts and answers.</summary>
    public abstract IMetricsStore Metrics { get; }

    /// <summary>The ads.</summary>
    public abstract ICatalogueStore Catalogue { get; }

    /// <summary>The job that rolls up.</summary>
    public abstract IRollupStore Rollups { get; }

    /// <summary>Buckets that a node has it compute at once.</summary>
    public abstract int RollupBucketsAtOnce { get; }

    /// <summary>Writes all minute rows; the ads are in the catalogue.</summary>
    /// <param name="year">What is written.</param>
    /// <param name="live">Flushes of the partition that has counted it.</param>
    public abstract Task<long> WriteAsync(YearOfCounts year, LivePartition live);

    /// <summary>Does what the database would have done by itself in a year, and has everything on disk.</summary>
    public abstract Task SettleAsync();

    /// <summary>How large the tables are.</summary>
    public abstract Task<IReadOnlyList<TableSize>> ReadSizesAsync();

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();
}

/// <summary>Size of a table.</summary>
/// <param name="Table">Name.</param>
/// <param name="Rows">Rows as the database estimates them; 0 where it doesn't.</param>
/// <param name="TableBytes">Rows.</param>
/// <param name="IndexBytes">Its indexes.</param>
internal sealed record TableSize(string Table, long Rows, long TableBytes, long IndexBytes);
