using AdClick.Actors.Metrics.Postgres;

namespace AdClick.Tests.Support;

/// <summary>A store in a database of its own.</summary>
public sealed class PostgresTestStore : TestStore
{
    private readonly StoreKind _kind;
    private readonly TimeProvider _time;
    private PostgresMetricsStore _store;

    private PostgresTestStore(StoreKind kind, int partitions, TimeProvider time) : base(partitions)
    {
        _kind = kind;
        _time = time;
        ConnectionString = PostgresServer.NewDatabase(kind);
        _store = Connect();
    }

    public override PostgresMetricsStore Store => _store;

    public override PostgresMetricsStore Catalogue => _store;

    public override PostgresMetricsStore Rollups => _store;

    public override string MinuteRows => "click_minute JOIN ad_ids USING (ad)";

    public string ConnectionString { get; }

    public static async Task<PostgresTestStore> OpenAsync(StoreKind kind, int partitions = 1, TimeProvider? time = null)
    {
        var store = new PostgresTestStore(kind, partitions, time ?? TimeProvider.System);
        await PostgresServer.CreateAsync(kind, store.ConnectionString);
        await store.AcquireAllAsync();
        return store;
    }

    /// <summary>Another node's store on the same database.</summary>
    public PostgresMetricsStore Connect() => new(new PostgresStoreOptions { ConnectionString = ConnectionString }, _time);

    public override async Task ReopenAsync()
    {
        await _store.DisposeAsync();
        _store = Connect();
    }

    public override Task SqlAsync(string sql) => _store.RunAsync(session =>
        session.RunAsync(sql.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(statement => PostgresSession.Sql(statement))));

    public override Task<long> ReadAsync(string sql) =>
        _store.RunAsync(async session => Convert.ToInt64(await session.ReadValueAsync(sql), null));

    public override ValueTask CloseAsync() => _store.DisposeAsync();

    protected override async ValueTask DeleteAsync() => await PostgresServer.DropAsync(_kind, ConnectionString);
}
