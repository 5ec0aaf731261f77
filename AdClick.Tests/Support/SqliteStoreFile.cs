using AdClick.Actors.Metrics.Sqlite;

namespace AdClick.Tests.Support;

/// <summary>A store in a temporary folder.</summary>
public sealed class SqliteStoreFile : TestStore
{
    private readonly string _folder = Directory.CreateTempSubdirectory("adclick-store-").FullName;
    private SqliteMetricsStore _store;

    private SqliteStoreFile(int partitions) : base(partitions)
    {
        File = Path.Combine(_folder, "metrics.db");
        _store = SqliteMetricsStore.Open(File, TimeProvider.System);
    }

    public string File { get; }

    public override SqliteMetricsStore Store => _store;

    public override SqliteMetricsStore Catalogue => _store;

    public override SqliteMetricsStore Rollups => _store;

    public override string MinuteRows => "click_minute";

    /// <summary>A store of which all partitions are acquired.</summary>
    public static async Task<SqliteStoreFile> OpenAsync(int partitions = 1)
    {
        var file = new SqliteStoreFile(partitions);
        await file.AcquireAllAsync();
        return file;
    }

    public override async Task ReopenAsync()
    {
        await _store.DisposeAsync();
        _store = SqliteMetricsStore.Open(File, TimeProvider.System);
    }

    public override Task SqlAsync(string sql) => _store.RunOnWriterAsync(database =>
    {
        database.Execute(sql);
        return true;
    });

    public override Task<long> ReadAsync(string sql) => _store.RunOnWriterAsync(database => database.ReadInt64(sql));

    /// <summary>Holds the writer up, so that what comes next gathers behind it; the call of the result lets it go on.</summary>
    /// <param name="before">Done on the writing connection first.</param>
    internal async Task<Func<Task>> HoldWriterAsync(Action<SqliteDatabase>? before = null)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource();
        var held = Store.RunOnWriterAsync(database =>
        {
            before?.Invoke(database);
            started.TrySetResult();
            return release.Task.Wait(TimeSpan.FromSeconds(30));
        });
        await started.Task.WaitAsync(TimeSpan.FromSeconds(30));
        return async () =>
        {
            release.SetResult();
            if (!await held)
            {
                throw new TimeoutException("The writer was held for 30 s.");
            }
        };
    }

    public override ValueTask CloseAsync() => _store.DisposeAsync();

    protected override ValueTask DeleteAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return default;
    }
}
