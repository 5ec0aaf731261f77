using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Sqlite;

namespace AdClick.Benchmarks.Queries;

/// <summary>A year in SQLite.</summary>
internal sealed class SqliteYearStore : YearStore
{
    private const int RowsPerFlush = 50_000;

    private readonly string _file;
    private readonly SqliteMetricsStore _store;

    /// <summary>Opens or makes it.</summary>
    public SqliteYearStore(string folder)
    {
        _file = Path.Combine(folder, "metrics.db");
        _store = SqliteMetricsStore.Open(_file, TimeProvider.System);
    }

    /// <inheritdoc/>
    public override IMetricsStore Metrics => _store;

    /// <inheritdoc/>
    public override ICatalogueStore Catalogue => _store;

    /// <inheritdoc/>
    public override IRollupStore Rollups => _store;

    /// <inheritdoc/>
    public override int RollupBucketsAtOnce => 5_000;

    /// <inheritdoc/>
    public override async Task<long> WriteAsync(YearOfCounts year, LivePartition live)
    {
        long written = 0;
        for (var day = 0; day < YearOfCounts.Days; day++)
        {
            foreach (var counts in year.CountsOf(day).Chunk(RowsPerFlush))
            {
                await live.FlushAsync(counts, counts[^1].Minute + 1);
                written += counts.Length;
            }
        }

        return written;
    }

    /// <inheritdoc/>
    public override Task SettleAsync() => Task.CompletedTask;

    /// <inheritdoc/>
    public override Task<IReadOnlyList<TableSize>> ReadSizesAsync() =>
        Task.FromResult<IReadOnlyList<TableSize>>([new TableSize(Path.GetFileName(_file), 0, new FileInfo(_file).Length, 0)]);

    /// <inheritdoc/>
    public override ValueTask DisposeAsync() => _store.DisposeAsync();
}
