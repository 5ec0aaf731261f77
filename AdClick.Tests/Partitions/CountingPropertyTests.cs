using System.Collections.Concurrent;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Actors.Partitions;
using AdClick.Tests.Support;
using Akka.Actor;
using FsCheck.Xunit;
using Xunit;

namespace AdClick.Tests.Partitions;

/// <summary>
/// I1 to I4: whatever is in the log, however it is cut into batches, and whenever the partitions are stopped, the store holds what the rule says.
/// </summary>
public sealed class CountingPropertyTests : IAsyncLifetime
{
    private const int Partitions = 3;

    private readonly PartitionHarness _harness = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _harness.DisposeAsync();

    /// <summary>How the partitions of a run are stopped, after another part of the log was written.</summary>
    public enum Stop
    {
        AtOnce,
        WhenFlushed,
        ByHandOff,
        ByHandOffWhenFlushed,
        NotBeforeTheNextOneRuns,
    }

    [Property(MaxTest = 60, EndSize = 400)]
    public async Task Counts_are_what_the_rule_says_however_batches_and_restarts_fall(
        ClickSpec[] specs, Stop[] stops, byte maxBatchRecords, byte maxBatchesInFlight)
    {
        var written = ClickSpec.WriteLog(specs, Partitions);
        var log = new InMemoryClickLog(Partitions);
        var store = new InMemoryMetricsStore();
        var untrue = new ConcurrentQueue<string>();
        var watched = new GatedStore(store)
        {
            OnFlush = async (flush, write) =>
            {
                await write();
                if (Untruth(flush.Progress, written[flush.Progress.Partition]) is { } what)
                {
                    untrue.Enqueue(what);
                }
            },
        };
        await RunAsync(log, store, watched, written, stops, phase => Settings(maxBatchRecords, maxBatchesInFlight));

        var expected = new Dictionary<(string, int, int, ClickOutcome), long>();
        var rejected = 0;
        for (var partition = 0; partition < Partitions; partition++)
        {
            var naive = new NaiveCount(partition, Partitions, ClickSpec.AllowedLatenessMs);
            foreach (var (appendTimeMs, record) in written[partition])
            {
                naive.Apply(appendTimeMs, record);
            }

            rejected += naive.Rejected;
            foreach (var (cell, clicks) in naive.Counts)
            {
                expected.Add(cell, clicks); // no key is in two partitions
            }
        }

        Assert.Equal(expected, store.Counts());
        Assert.Equal(rejected, store.Rejected().Count);
        Assert.Empty(untrue);
    }

    [Property(MaxTest = 60, EndSize = 400)]
    public async Task The_sum_holds_though_the_allowed_lateness_changes_with_every_restart(
        ClickSpec[] specs, Stop[] stops, byte maxBatchRecords, byte[] minutes)
    {
        var written = ClickSpec.WriteLog(specs, Partitions);
        var log = new InMemoryClickLog(Partitions);
        var store = new InMemoryMetricsStore();
        await RunAsync(log, store, store, written, stops, phase => Settings(maxBatchRecords, 2) with
        {
            AllowedLateness = TimeSpan.FromMinutes(minutes.Length == 0 ? 10 : minutes[phase % minutes.Length] % 30),
        });

        var expected = new Dictionary<(string, int, int), long>();
        for (var partition = 0; partition < Partitions; partition++)
        {
            var naive = new NaiveCount(partition, Partitions, ClickSpec.AllowedLatenessMs);
            foreach (var (appendTimeMs, record) in written[partition])
            {
                naive.Apply(appendTimeMs, record);
            }

            foreach (var ((adId, subShard, minute, _), clicks) in naive.Counts)
            {
                expected[(adId, subShard, minute)] = expected.GetValueOrDefault((adId, subShard, minute)) + clicks;
            }
        }

        var counted = store.Counts().GroupBy(count => (count.Key.AdId, count.Key.SubShard, count.Key.Minute))
            .ToDictionary(group => group.Key, group => group.Sum(count => count.Value));
        Assert.Equal(expected, counted);
    }

    /// <summary>
    /// I5: clock and marks are those of the records below the flushed offset, no more and no less (those outlived may be left out).
    /// </summary>
    private static string? Untruth(PartitionProgress progress, List<(long AppendTimeMs, byte[] Record)> written)
    {
        var clockMs = 0L;
        var marks = new Dictionary<string, GatewayMark>();
        var naive = new NaiveCount(progress.Partition, Partitions, ClickSpec.AllowedLatenessMs);
        foreach (var (appendTimeMs, record) in written.Take((int)progress.FlushedOffset))
        {
            naive.Apply(appendTimeMs, record);
            clockMs = naive.ClockMs;
            if (NaiveCount.ReadMark(record) is { } mark)
            {
                marks[mark.Gateway] = new GatewayMark(mark.Gateway, Math.Min(mark.TimeMs, appendTimeMs), mark.OpenFromMs);
            }
        }

        bool Lives(GatewayMark mark) => clockMs - mark.TimeMs <= ClickSpec.AllowedLatenessMs;
        return clockMs == progress.ClockMs && marks.Values.Where(Lives).ToHashSet().SetEquals(progress.Marks.Where(Lives))
            ? null
            : $"{progress} with marks [{string.Join(", ", progress.Marks)}], but clock {clockMs} and [{string.Join(", ", marks.Values)}]";
    }

    private static PartitionSettings Settings(byte maxBatchRecords, byte maxBatchesInFlight) => new()
    {
        AllowedLateness = TimeSpan.FromMilliseconds(ClickSpec.AllowedLatenessMs),
        FlushInterval = TimeSpan.FromMilliseconds(1),
        CheckpointInterval = TimeSpan.FromMilliseconds(3),
        MaxBatchRecords = 1 + (maxBatchRecords % 50),
        MaxBatchesInFlight = 1 + (maxBatchesInFlight % 4),
        BatchLinger = TimeSpan.FromMilliseconds(maxBatchesInFlight % 3),
        MinSnapshotBytes = 64,
        MinBackOff = TimeSpan.FromMilliseconds(2),
        MaxBackOff = TimeSpan.FromMilliseconds(20),
        HandOffTimeout = TimeSpan.FromHours(1), // one that hangs is to be seen
    };

    private async Task RunAsync(
        InMemoryClickLog log,
        InMemoryMetricsStore store,
        IMetricsStore storeOfPartitions,
        List<(long AppendTimeMs, byte[] Record)>[] written,
        Stop[] stops,
        Func<int, PartitionSettings> settings)
    {
        stops = [.. stops.Take(6)];
        IActorRef[] lingering = [];
        for (var phase = 0; phase <= stops.Length; phase++)
        {
            var context = PartitionHarness.Context(log, storeOfPartitions, settings(phase));
            IActorRef[] entities = [.. Enumerable.Range(0, Partitions).Select(partition => _harness.Start(context, partition))];
            for (var partition = 0; partition < Partitions; partition++)
            {
                var records = written[partition];
                var (from, to) = (records.Count * phase / (stops.Length + 1), records.Count * (phase + 1) / (stops.Length + 1));
                foreach (var (appendTimeMs, record) in records[from..to])
                {
                    log.Append(partition, appendTimeMs, record);
                    if (record.Length % 8 == 0)
                    {
                        await Board.WaitForChangesAsync(context.Board, 1); // so that flushes come while there is more to read
                    }
                }
            }

            var stop = phase < stops.Length ? stops[phase] : Stop.WhenFlushed;
            if (stop is Stop.WhenFlushed or Stop.ByHandOffWhenFlushed)
            {
                await PartitionHarness.WaitUntilFlushedAsync(log, store);
            }

            _harness.Stop(lingering);
            lingering = [];
            switch (stop)
            {
                case Stop.ByHandOff or Stop.ByHandOffWhenFlushed:
                    await PartitionHarness.HandOffAsync(entities);
                    break;
                case Stop.NotBeforeTheNextOneRuns:
                    lingering = entities;
                    break;
                default:
                    _harness.Stop(entities);
                    break;
            }
        }
    }
}
