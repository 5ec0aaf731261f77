using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Sqlite;

namespace AdClick.Tests.Support;

/// <summary>A store in a temporary folder, with short ways to write to it.</summary>
public sealed class SqliteStoreFile : IAsyncDisposable
{
    /// <summary>The allowed lateness of all flushes: one hour.</summary>
    public const long LatenessMs = 3_600_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("adclick-store-").FullName;
    private long _offset;

    private SqliteStoreFile() => File = Path.Combine(_folder, "metrics.db");

    public string File { get; }

    public SqliteMetricsStore Store { get; private set; } = null!;

    public LogIdentity Log { get; private set; } = null!;

    /// <summary>A store of which all partitions are acquired.</summary>
    public static async Task<SqliteStoreFile> OpenAsync(int partitions = 1)
    {
        var file = new SqliteStoreFile { Log = new LogIdentity(Guid.NewGuid(), partitions) };
        file.Store = SqliteMetricsStore.Open(file.File, TimeProvider.System);
        for (var partition = 0; partition < partitions; partition++)
        {
            await file.Store.AcquireAsync(file.Log, partition, default);
        }

        return file;
    }

    public async Task ReopenAsync()
    {
        await Store.DisposeAsync();
        Store = SqliteMetricsStore.Open(File, TimeProvider.System);
    }

    /// <summary>Minutes since 1970 of a time.</summary>
    public static int Minute(string time) => (int)(DateTimeOffset.Parse(time, null).ToUnixTimeSeconds() / 60);

    public PartitionProgress Progress(int partition = 0, long ownerEpoch = 1, long clockMs = 0) => new()
    {
        LogEpoch = Log.Epoch,
        Partition = partition,
        OwnerEpoch = ownerEpoch,
        FlushedOffset = Interlocked.Increment(ref _offset),
        ClockMs = clockMs,
        AllowedLatenessMs = LatenessMs,
    };

    public PartitionFlush FlushOf(params MinuteCount[] counts) => new() { Progress = Progress(), Counts = counts, LateClicks = [], Rejected = [] };

    public Task FlushAsync(params MinuteCount[] counts) => Store.FlushAsync(FlushOf(counts), default);

    /// <summary>Sets the clock of every partition, with a mark of one gateway that has nothing open.</summary>
    public async Task SetClockAsync(string time)
    {
        var clockMs = DateTimeOffset.Parse(time, null).ToUnixTimeMilliseconds();
        for (var partition = 0; partition < Log.Partitions; partition++)
        {
            var progress = Progress(partition, clockMs: clockMs) with { Marks = [new GatewayMark("g1", clockMs, clockMs)] };
            await Store.FlushAsync(FlushOf() with { Progress = progress }, default);
        }
    }

    public async Task<int> RollUpAllAsync(int step = 1000)
    {
        var all = 0;
        int done;
        do
        {
            all += done = await Store.RecomputeRollupsAsync(step, default);
        }
        while (done > 0);
        return all;
    }

    public LateClick Late(string adId, string time, ClickOutcome outcome = ClickOutcome.Late) => new(
        Interlocked.Increment(ref _offset), adId, 0, Minute(time), outcome,
        ImpressionId.New(DateTimeOffset.Parse(time, null)), DateTimeOffset.Parse(time, null).ToUnixTimeMilliseconds());

    public static ClickQuery Ask(string adId, string from, string to, Granularity granularity = Granularity.Minute, string zone = "UTC") => new()
    {
        AdId = adId,
        From = DateTimeOffset.Parse(from, null),
        To = DateTimeOffset.Parse(to, null),
        Granularity = granularity,
        TimeZone = zone,
    };

    public Task<ClickReport> AskAsync(string adId, string from, string to, Granularity granularity = Granularity.Minute, string zone = "UTC") =>
        Store.QueryAsync(Ask(adId, from, to, granularity, zone), default);

    /// <summary>Accepted clicks of an ad, over all time.</summary>
    public async Task<long> ClicksAsync(string adId) =>
        (await AskAsync(adId, "2020-01-01T00:00Z", "2030-01-01T00:00Z", Granularity.Day)).Total.Clicks;

    /// <summary>Runs SQL on the writing connection.</summary>
    internal Task SqlAsync(string sql) => Store.RunOnWriterAsync(database =>
    {
        database.Execute(sql);
        return true;
    });

    internal Task<long> ReadAsync(string sql) => Store.RunOnWriterAsync(database => database.ReadInt64(sql));

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

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
