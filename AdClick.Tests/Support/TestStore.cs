using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;

namespace AdClick.Tests.Support;

/// <summary>A store of its own for a test, with short ways to write to it.</summary>
public abstract class TestStore : IAsyncDisposable
{
    /// <summary>The allowed lateness of all flushes: one hour.</summary>
    public const long LatenessMs = 3_600_000;

    private long _offset;

    protected TestStore(int partitions) => Log = new LogIdentity(Guid.NewGuid(), partitions);

    public LogIdentity Log { get; }

    public abstract IMetricsStore Store { get; }

    public abstract ICatalogueStore Catalogue { get; }

    public abstract IRollupStore Rollups { get; }

    public IReconciliationStore Reconciliation => (IReconciliationStore)Store;

    /// <summary>What minute counts with their ad IDs are read from.</summary>
    public abstract string MinuteRows { get; }

    /// <summary>A store of which all partitions are acquired.</summary>
    public static async Task<TestStore> OpenAsync(StoreKind kind, int partitions = 1) => kind == StoreKind.Sqlite
        ? await SqliteStoreFile.OpenAsync(partitions)
        : await PostgresTestStore.OpenAsync(kind, partitions);

    /// <summary>Closes the store and opens what it has left.</summary>
    public abstract Task ReopenAsync();

    /// <summary>Runs SQL that gives no rows, statements separated by semicolons.</summary>
    public abstract Task SqlAsync(string sql);

    /// <summary>The first number that SQL gives.</summary>
    public abstract Task<long> ReadAsync(string sql);

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
            all += done = await Rollups.RecomputeRollupsAsync(step, default);
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

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        await DeleteAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes the store; what is in it stays until the end of the test.</summary>
    public abstract ValueTask CloseAsync();

    protected abstract ValueTask DeleteAsync();

    protected async Task AcquireAllAsync()
    {
        for (var partition = 0; partition < Log.Partitions; partition++)
        {
            await Store.AcquireAsync(Log, partition, default);
        }
    }
}
