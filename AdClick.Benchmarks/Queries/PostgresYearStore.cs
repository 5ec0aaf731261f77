using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Postgres;
using AdClick.Benchmarks.Processes;
using Npgsql;
using NpgsqlTypes;

namespace AdClick.Benchmarks.Queries;

/// <summary>A year in PostgreSQL, in a server of the run's own that waits for its disk as one in production does.</summary>
internal sealed class PostgresYearStore : YearStore
{
    private const int Writers = 2;

    // Of every table with what hangs below it: partitions, or chunks.
    private const string Sizes =
        """
        WITH RECURSIVE family AS (
            SELECT oid, relname AS name FROM pg_class WHERE relname IN ('click_minute', 'quarter_clicks', 'day_clicks', 'rollup_marks') AND relkind IN ('r', 'p')
            UNION ALL
            SELECT inhrelid, name FROM family JOIN pg_inherits ON inhparent = oid)
        SELECT name::text, sum(greatest(reltuples, 0))::bigint, sum(pg_table_size(family.oid))::bigint, sum(pg_indexes_size(family.oid))::bigint
        FROM family JOIN pg_class USING (oid) GROUP BY name ORDER BY 3 DESC
        """;

    private readonly PostgresServerProcess _server;
    private readonly PostgresMetricsStore _store;
    private readonly NpgsqlDataSource _source;

    private PostgresYearStore(PostgresServerProcess server)
    {
        _server = server;
        _store = new PostgresMetricsStore(new PostgresStoreOptions { ConnectionString = server.ConnectionString }, TimeProvider.System);
        _source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(server.ConnectionString) { CommandTimeout = 0 });
    }

    /// <inheritdoc/>
    public override IMetricsStore Metrics => _store;

    /// <inheritdoc/>
    public override ICatalogueStore Catalogue => _store;

    /// <inheritdoc/>
    public override IRollupStore Rollups => _store;

    /// <inheritdoc/>
    public override int RollupBucketsAtOnce => 50_000;

    /// <summary>Starts the server.</summary>
    /// <param name="kind">Which: plain or timescale.</param>
    /// <param name="folder">Folder for its data.</param>
    /// <param name="isKept">Whether they stay.</param>
    /// <param name="sharedBuffers">Memory of the server's own, as PostgreSQL writes it.</param>
    public static async Task<PostgresYearStore> StartAsync(string kind, string folder, bool isKept, string sharedBuffers) =>
        new(await PostgresServerProcess.StartNewAsync(
            kind,
            folder,
            $"fsync=on full_page_writes=on shared_buffers={sharedBuffers} effective_cache_size=12GB work_mem=16MB maintenance_work_mem=512MB max_wal_size=8GB "
            + "checkpoint_timeout=15min random_page_cost=1.1 max_connections=50",
            isKept));

    /// <inheritdoc/>
    public override async Task<long> WriteAsync(YearOfCounts year, LivePartition live)
    {
        var ads = new Dictionary<string, int>();
        await using (var command = _source.CreateCommand("SELECT ad_id, ad FROM ad_ids"))
        await using (var reader = await command.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                ads.Add(reader.GetString(0), reader.GetInt32(1));
            }
        }

        var endDay = (year.EndMinute - 1) / 1440;
        await using (var command = _source.CreateCommand("SELECT add_click_days($1)"))
        {
            command.Parameters.Add(new NpgsqlParameter { Value = Enumerable.Range(endDay - YearOfCounts.Days, YearOfCounts.Days + 1).ToArray() });
            await command.ExecuteNonQueryAsync();
        }

        // Flushes would write the same, row by row into the index; the last of them moves the clock.
        var written = await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(
            () => CopyAsync(year, ads, YearOfCounts.Days * writer / Writers, YearOfCounts.Days * (writer + 1) / Writers))));
        await live.FlushAsync([], year.EndMinute);
        return written.Sum();
    }

    /// <inheritdoc/>
    public override async Task SettleAsync()
    {
        await using var connection = await _source.OpenConnectionAsync();
        foreach (var statement in (string[])["VACUUM (ANALYZE) click_minute", "VACUUM (ANALYZE) quarter_clicks", "VACUUM (ANALYZE) day_clicks", "CHECKPOINT"])
        {
            await using var command = new NpgsqlCommand(statement, connection);
            await command.ExecuteNonQueryAsync();
        }
    }

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<TableSize>> ReadSizesAsync()
    {
        var sizes = new List<TableSize>();
        await using var command = _source.CreateCommand(Sizes);
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            sizes.Add(new TableSize(reader.GetString(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3)));
        }

        return sizes;
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await _source.DisposeAsync();
        await _store.DisposeAsync();
        await _server.DisposeAsync();
    }

    private async Task<long> CopyAsync(YearOfCounts year, Dictionary<string, int> ads, int firstDay, int endDay)
    {
        long written = 0;
        await using var connection = await _source.OpenConnectionAsync();
        for (var day = firstDay; day < endDay; day++)
        {
            await using var importer = await connection.BeginBinaryImportAsync(
                "COPY click_minute (clicks, ad, minute, sub_shard, outcome) FROM STDIN (FORMAT BINARY)");
            foreach (var count in year.CountsOf(day))
            {
                await importer.StartRowAsync();
                await importer.WriteAsync(count.Clicks, NpgsqlDbType.Bigint);
                await importer.WriteAsync(ads[count.AdId], NpgsqlDbType.Integer);
                await importer.WriteAsync(count.Minute, NpgsqlDbType.Integer);
                await importer.WriteAsync((short)count.SubShard, NpgsqlDbType.Smallint);
                await importer.WriteAsync((short)count.Outcome, NpgsqlDbType.Smallint);
                written++;
            }

            await importer.CompleteAsync();
        }

        return written;
    }
}
