using System.Diagnostics;
using AdClick.Actors.Metrics.Postgres;
using Xunit;

namespace AdClick.Tests.Support;

/// <summary>A store in a database of its own.</summary>
public sealed class PostgresTestStore : TestStore
{
    private readonly PostgresServer _server;
    private readonly TimeProvider _time;
    private PostgresMetricsStore _store;

    private PostgresTestStore(PostgresServer server, int partitions, TimeProvider time) : base(partitions)
    {
        _server = server;
        _time = time;
        ConnectionString = server.NewDatabase();
        _store = Connect();
    }

    public override PostgresMetricsStore Store => _store;

    public override PostgresMetricsStore Catalogue => _store;

    public override PostgresMetricsStore Rollups => _store;

    public override string MinuteRows => "click_minute JOIN ad_ids USING (ad)";

    public string ConnectionString { get; }

    public static Task<PostgresTestStore> OpenAsync(StoreKind kind, int partitions = 1, TimeProvider? time = null) =>
        OpenAsync(PostgresServer.Of(kind), partitions, time);

    /// <summary>A store on a server of the test's own, with options for CREATE DATABASE.</summary>
    public static async Task<PostgresTestStore> OpenAsync(PostgresServer server, int partitions = 1, TimeProvider? time = null, string options = "")
    {
        var store = new PostgresTestStore(server, partitions, time ?? TimeProvider.System);
        await server.CreateAsync(store.ConnectionString, options);
        await store.AcquireAllAsync();
        return store;
    }

    /// <summary>Another node's store on the same database.</summary>
    public PostgresMetricsStore Connect() => Connect(ConnectionString);

    /// <summary>Another node's store on the same database, reached in another way.</summary>
    public PostgresMetricsStore Connect(string connectionString) => new(new PostgresStoreOptions { ConnectionString = connectionString }, _time);

    public override async Task ReopenAsync()
    {
        await _store.DisposeAsync();
        _store = Connect();
    }

    public override Task SqlAsync(string sql) => _store.RunAsync(session =>
        session.RunAsync(sql.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(statement => PostgresSession.Sql(statement))));

    public override Task<long> ReadAsync(string sql) =>
        _store.RunAsync(async session => Convert.ToInt64(await session.ReadValueAsync(sql), null));

    /// <summary>Waits until so many sessions of the database wait for a lock.</summary>
    public async Task UntilBlockedAsync(int sessions)
    {
        var since = Stopwatch.StartNew();
        while (await ReadAsync("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") < sessions)
        {
            Assert.True(since.Elapsed < TimeSpan.FromMinutes(2), $"Waited 2 min for {sessions} sessions to wait for a lock.");
            await ReadAsync("SELECT 1 FROM pg_sleep(0.01)");
        }
    }

    public override ValueTask CloseAsync() => _store.DisposeAsync();

    protected override async ValueTask DeleteAsync() => await _server.DropAsync(ConnectionString);
}
