using AdClick.Actors.Clicks;
using AdClick.Actors.Lake;
using AdClick.Actors.Lake.Reconciling;
using AdClick.Actors.Metrics;
using AdClick.Tests.Partitions;
using AdClick.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace AdClick.Tests.Lake;

/// <summary>A log whose clicks are counted by <see cref="NaiveCount"/> and archived: the streamed side and the raw side of a reconciliation.</summary>
internal sealed class RecountFixture : IAsyncDisposable
{
    public static readonly TimeSpan ReadBack = TimeSpan.FromHours(3);

    private readonly LakeFixture _lake;

    public RecountFixture(int partitions = 1, long latenessMs = ClickSpec.AllowedLatenessMs)
    {
        _lake = new LakeFixture(partitions);
        LatenessMs = latenessMs;
        Reconciler = new Reconciler(Store, _lake.Storage, new RecountSettings { ReadBack = ReadBack }, TimeProvider.System, NullLogger.Instance);
    }

    public long LatenessMs { get; }

    public InMemoryClickLog Log => _lake.Log;

    public Actors.Metrics.Sqlite.SqliteMetricsStore Store => _lake.Store;

    public Reconciler Reconciler { get; }

    public LakeFixture Lake => _lake;

    /// <summary>All hours of the log, from its first click to its last.</summary>
    public HourRange Hours { get; private set; }

    /// <summary>The hour of <see cref="TestClick.Start"/>.</summary>
    public static HourRange FirstHour { get; } = HourRange.Around(TestClick.Start, TestClick.Start + 1);

    /// <summary>Appends a click to the partition of its ad.</summary>
    public void Click(string adId, long impression, ulong nonce, long atMs, long? appendMs = null, ClickVerdict verdict = ClickVerdict.Valid, long? expiresAtMs = null) => Log.Append(
        TestClick.PartitionOf(adId, 0, Log.Identity.Partitions), appendMs ?? atMs,
        TestClick.Record(adId, impression, nonce, atMs, verdict: verdict, expiresAtMs: expiresAtMs ?? TestClick.Start + TestClick.Hour));

    /// <summary>Moves the clocks of all partitions.</summary>
    public void Mark(long timeMs)
    {
        for (var partition = 0; partition < Log.Identity.Partitions; partition++)
        {
            Log.Append(partition, timeMs, TestClick.Mark("g1", timeMs, timeMs));
        }
    }

    /// <summary>Archives the log, and stores what its counts must be.</summary>
    /// <param name="store">Takes the counts; the fixture's own if null.</param>
    public async Task CountAsync(IMetricsStore? store = null)
    {
        await _lake.ArchiveAllAsync();
        var hours = new List<int>();
        for (var partition = 0; partition < Log.Identity.Partitions; partition++)
        {
            var naive = new NaiveCount(partition, Log.Identity.Partitions, LatenessMs);
            var late = new List<LateClick>();
            var owner = await Store.AcquireAsync(Log.Identity, partition, default);
            var end = Log.RangeOf(partition).End;
            using var reader = Log.OpenReader(partition, 0);
            for (var offset = 0L; offset < end;)
            {
                var batch = await reader.ReadAsync(1000, default);
                for (var i = 0; i < batch.Count; i++)
                {
                    var bytes = batch.Record(i).ToArray();
                    if (naive.Apply(batch[i].AppendTimeMs, bytes) is { } outcome)
                    {
                        var click = LogRecord.Parser.ParseFrom(bytes).Click;
                        var effectiveMs = Math.Min(click.ClickTimeMs, batch[i].AppendTimeMs);
                        hours.Add((int)(effectiveMs / HourRange.HourMs));
                        if (outcome == ClickOutcome.Late)
                        {
                            late.Add(new LateClick(
                                batch[i].Offset, click.AdId, (int)click.SubShard, (int)(effectiveMs / 60_000), outcome,
                                new ImpressionId(click.ImpressionHigh, click.ImpressionLow), click.ClickTimeMs));
                        }
                    }
                }

                offset = batch.NextOffset;
            }

            await (store ?? Store).FlushAsync(
                new PartitionFlush
                {
                    Progress = owner with { FlushedOffset = end, ClockMs = naive.ClockMs, AllowedLatenessMs = LatenessMs },
                    Counts = [.. naive.Counts.Where(cell => cell.Key.Outcome != ClickOutcome.Late)
                        .Select(cell => new MinuteCount(cell.Key.AdId, cell.Key.SubShard, cell.Key.Minute, cell.Key.Outcome, cell.Value))],
                    LateClicks = late,
                    Rejected = [],
                },
                default);
        }

        Hours = hours.Count == 0 ? FirstHour : new HourRange(hours.Min(), hours.Max() + 1);
    }

    /// <summary>Re-counts hours, the first one if none are given.</summary>
    public async Task<ReconciliationRun> RunAsync(HourRange? hours = null) =>
        (await Reconciler.RunAsync(hours ?? FirstHour, RunKind.Requested, "test", default)).Result;

    /// <summary>Answers for an hour of an ad.</summary>
    public Task<ClickReport> AskAsync(string adId, HourRange? hours = null) => Store.QueryAsync(
        new ClickQuery
        {
            AdId = adId,
            From = DateTimeOffset.FromUnixTimeMilliseconds((hours ?? FirstHour).StartMs),
            To = DateTimeOffset.FromUnixTimeMilliseconds((hours ?? FirstHour).EndMs),
            Granularity = Granularity.Hour,
            TimeZone = "UTC",
        },
        default);

    public Task SqlAsync(string sql) => Store.RunOnWriterAsync(database =>
    {
        database.Execute(sql);
        return true;
    });

    public ValueTask DisposeAsync() => _lake.DisposeAsync();
}
