using AdClick.Actors.ClickLog;
using AdClick.Actors.ClickLog.Embedded;
using AdClick.Actors.ClickLog.Kafka;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Postgres;
using AdClick.Actors.Metrics.Sqlite;
using AdClick.Tests.Support;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace AdClick.Tests.Partitions;

/// <summary>What a run's log and metrics store are.</summary>
internal enum CrashRunKind
{
    EmbeddedDefault,
    Memory,
    Kafka,
    Timescale,
}

/// <summary>What stays when the process ends.</summary>
internal abstract class CrashRunData : IAsyncDisposable
{
    protected FakeTimeProvider Time { get; } = new(DateTimeOffset.FromUnixTimeMilliseconds(TestClick.Start));

    public abstract IClickLog Log { get; }

    public abstract IMetricsStore Store { get; }

    public virtual void SetTime(long timeMs)
    {
        if (timeMs > Time.GetUtcNow().ToUnixTimeMilliseconds())
        {
            Time.SetUtcNow(DateTimeOffset.FromUnixTimeMilliseconds(timeMs));
        }
    }

    /// <summary>A count as a line that can be compared.</summary>
    internal static string Line(string adId, int subShard, int minute, ClickOutcome outcome, long clicks) =>
        $"{adId}/{subShard} {minute} {outcome.Name()} {clicks}";

    protected static IEnumerable<string> CountsOf(InMemoryMetricsStore store) => store.Counts()
        .Select(count => Line(count.Key.AdId, count.Key.SubShard, count.Key.Minute, count.Key.Outcome, count.Value));

    /// <summary>A new process opens it.</summary>
    public abstract Task RestartAsync();

    public abstract IEnumerable<string> Counts();

    public abstract ValueTask DisposeAsync();
}

internal sealed class MemoryRunData : CrashRunData
{
    private readonly InMemoryMetricsStore _store = new();

    public MemoryRunData() => Log = new InMemoryClickLog(1, Time);

    public override IClickLog Log { get; }

    public override IMetricsStore Store => _store;

    public override Task RestartAsync() => Task.CompletedTask;

    public override IEnumerable<string> Counts() => CountsOf(_store);

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

internal sealed class KafkaRunData : CrashRunData
{
    private readonly InMemoryMetricsStore _store = new();
    private readonly TestFolder _folder;
    private readonly KafkaOptions _options;
    private KafkaClickLog? _log;

    private KafkaRunData(TestFolder folder, KafkaOptions options)
    {
        _folder = folder;
        _options = options;
    }

    public override IClickLog Log => _log!;

    public override IMetricsStore Store => _store;

    public static async Task<KafkaRunData> OpenAsync(TestFolder folder, KafkaCluster kafka)
    {
        var options = kafka.Options(await kafka.CreateTopicAsync(1), 1);
        var data = new KafkaRunData(folder, options with { SpoolFolder = folder["spool"], Linger = TimeSpan.Zero });
        await data.RestartAsync();
        return data;
    }

    public override async Task RestartAsync()
    {
        await DisposeAsync();

        // Its own clock: append times are Kafka's, later than any click of the script.
        _log = await KafkaClickLog.OpenAsync(_options, _folder["."], TimeSpan.FromHours(1), TimeProvider.System);
    }

    public override IEnumerable<string> Counts() => CountsOf(_store);

    public override async ValueTask DisposeAsync()
    {
        if (_log is not null)
        {
            await _log.DisposeAsync();
        }
    }
}

/// <summary>TimescaleDB, with the log in memory or on Kafka.</summary>
internal sealed class TimescaleRunData : CrashRunData
{
    private readonly CrashRunData _log;
    private readonly TestDatabase _database;
    private PostgresMetricsStore _store;

    private TimescaleRunData(CrashRunData log, TestDatabase database)
    {
        _log = log;
        _database = database;
        _store = Open();
    }

    public override IClickLog Log => _log.Log;

    public override IMetricsStore Store => _store;

    public static async Task<TimescaleRunData> OpenAsync(TestFolder folder, KafkaCluster? kafka)
    {
        CrashRunData log = kafka is null ? new EmbeddedRunData(folder) : await KafkaRunData.OpenAsync(folder, kafka);
        return new TimescaleRunData(log, await TestDatabase.CreateAsync(TestDatabases.Timescale!));
    }

    public override void SetTime(long timeMs) => _log.SetTime(timeMs);

    public override async Task RestartAsync()
    {
        await _store.DisposeAsync();
        await _log.RestartAsync();
        _store = Open();
    }

    public override IEnumerable<string> Counts()
    {
        using var connection = new NpgsqlConnection(_database.ConnectionString);
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText =
            """
            SELECT ad_id, sub_shard::int, minute, outcome::int, sum(clicks)::bigint FROM (
                SELECT ad, sub_shard, minute, outcome, clicks FROM click_minute
                UNION ALL SELECT ad, sub_shard, minute, outcome, 1 FROM late_clicks) AS counts JOIN ad_ids USING (ad)
            GROUP BY 1, 2, 3, 4
            """;
        using var rows = command.ExecuteReader();
        while (rows.Read())
        {
            yield return Line(rows.GetString(0), rows.GetInt32(1), rows.GetInt32(2), (ClickOutcome)rows.GetInt32(3), rows.GetInt64(4));
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        await _log.DisposeAsync();
        await _database.DisposeAsync();
    }

    private PostgresMetricsStore Open() =>
        new(new PostgresStoreOptions { ConnectionString = _database.ConnectionString }, TimeProvider.System);
}

internal sealed class EmbeddedRunData : CrashRunData
{
    // Small ones, so that a script drops some.
    private static readonly EmbeddedLogOptions Sizes = new() { PageBytes = 16 * 1024, SegmentBytes = 32 * 1024 };

    private readonly TestFolder _folder;
    private EmbeddedClickLog _log;
    private SqliteMetricsStore _store;

    public EmbeddedRunData(TestFolder folder)
    {
        _folder = folder;
        (_log, _store) = Open();
    }

    public override IClickLog Log => _log;

    public override IMetricsStore Store => _store;

    public override async Task RestartAsync()
    {
        await DisposeAsync();
        (_log, _store) = Open();
    }

    public override IEnumerable<string> Counts()
    {
        using var connection = new SqliteConnection($"Data Source={_folder["metrics.db"]};Pooling=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText =
            """
            SELECT ad_id, sub_shard, minute, outcome, sum(clicks) FROM (
                SELECT ad_id, sub_shard, minute, outcome, clicks FROM click_minute
                UNION ALL SELECT ad_id, sub_shard, minute, outcome, 1 FROM late_clicks JOIN ad_ids USING (ad))
            GROUP BY 1, 2, 3, 4
            """;
        using var rows = command.ExecuteReader();
        while (rows.Read())
        {
            yield return Line(rows.GetString(0), rows.GetInt32(1), rows.GetInt32(2), (ClickOutcome)rows.GetInt32(3), rows.GetInt64(4));
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        await _log.DisposeAsync();
    }

    private (EmbeddedClickLog Log, SqliteMetricsStore Store) Open() =>
        (EmbeddedClickLog.Open(_folder["log"], 1, Time, null, Sizes), SqliteMetricsStore.Open(_folder["metrics.db"], Time));
}
