using AdClick.Actors.Ads;
using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Actors.Partitions;
using AdClick.Actors.Partitions.Repartitioning;
using AdClick.Tests.Support;
using Akka.Actor;
using Xunit;

namespace AdClick.Tests.Partitions.Repartitioning;

/// <summary>The counting moves from log to log, and nobody sees it in the counts.</summary>
public sealed class RepartitionerTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TestFolder _folder = new();
    private readonly InMemoryMetricsStore _store = new();
    private readonly List<string> _told = [];
    private PartitionHarness _harness = null!;

    public Task InitializeAsync()
    {
        _harness = new PartitionHarness(TestJournal.OpenSqlite(_folder));
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _harness.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task Counts_are_those_of_one_log_though_the_clicks_went_to_three_partitions_then_five_then_two(int seed)
    {
        var random = new Random(seed);
        var naive = new NaiveCount(0, 1, RandomClicks.AllowedLatenessMs);
        var clicks = new RandomClicks(random);
        InMemoryClickLog? before = null;
        foreach (var partitions in (int[])[3, 5, 2])
        {
            var log = new InMemoryClickLog(partitions);
            if (before is not null)
            {
                await ChangeAsync(before, log);
            }

            var context = PartitionHarness.Context(log, _store, Settings);
            IActorRef[] entities = random.Next(3) == 0 && partitions != 2 ? [] : StartAll(context); // with none, the change itself counts
            for (var i = 0; i < 300; i++)
            {
                var (key, appendTimeMs, record) = clicks.Next();
                log.Append(key?.Partition(partitions) ?? random.Next(partitions), appendTimeMs, record);
                naive.Apply(appendTimeMs, record);
            }

            if (partitions == 2)
            {
                await PartitionHarness.WaitUntilFlushedAsync(log, _store);
            }
            else if (random.Next(2) == 0 && entities.Length > 0)
            {
                await PartitionHarness.WaitUntilFlushedAsync(log, _store);
                await PartitionHarness.HandOffAsync(entities);
            }
            else
            {
                _harness.Stop(entities); // somewhere on the way
                await PartitionHarness.WaitUntilStoppedAsync(entities);
            }

            before = log;
        }

        Assert.Equal(naive.Counts, _store.Counts());
        Assert.Equal(naive.Rejected, _store.Rejected().Count);
        foreach (var outcome in (ClickOutcome[])[ClickOutcome.Accepted, ClickOutcome.Duplicate, ClickOutcome.Repeat, ClickOutcome.Expired, ClickOutcome.Bot])
        {
            Assert.Contains(_store.Counts().Keys, cell => cell.Outcome == outcome);
        }
    }

    [Fact]
    public async Task A_click_of_an_impression_that_a_partition_ahead_has_forgotten_is_late_in_whatever_partition_it_comes()
    {
        // The ad's partition is three hours ahead of the other one, and has let go of the impression.
        var log = new InMemoryClickLog(2);
        var ad = TestClick.AdIn(0, 2);
        var expiresAtMs = TestClick.Start + (5 * TestClick.Minute);
        log.Append(0, TestClick.Start, TestClick.Record(ad, 1, 1, TestClick.Start, 0, expiresAtMs));
        log.Append(0, TestClick.Start + (3 * TestClick.Hour), TestClick.Mark("g", TestClick.Start + (3 * TestClick.Hour), TestClick.Start));
        log.Append(1, TestClick.Start, TestClick.Mark("g", TestClick.Start, TestClick.Start));
        var next = new InMemoryClickLog(3);
        await ChangeAsync(log, next);

        var context = PartitionHarness.Context(next, _store, Settings);
        StartAll(context);
        next.Append(new AdKey(ad, 0).Partition(3), TestClick.Start + (3 * TestClick.Hour), TestClick.Record(ad, 1, 2, TestClick.Start, 0, expiresAtMs));
        await PartitionHarness.WaitUntilFlushedAsync(next, _store);
        Assert.Equal(1, _store.Counts()[(ad, 0, (int)(TestClick.Start / TestClick.Minute), ClickOutcome.Accepted)]);
        Assert.Equal(1, _store.Counts()[(ad, 0, (int)(TestClick.Start / TestClick.Minute), ClickOutcome.Late)]);
    }

    [Fact]
    public async Task The_new_partitions_begin_with_the_greatest_clock_and_what_each_gateway_promised_least()
    {
        var log = new InMemoryClickLog(2);
        Mark(0, "a", TestClick.Second, openFrom: 0);
        Mark(0, "b", 9 * TestClick.Second, openFrom: 8 * TestClick.Second);
        Mark(1, "a", 2 * TestClick.Second, openFrom: TestClick.Second);
        Mark(1, "gone", 2 * TestClick.Second, openFrom: TestClick.Second);
        Mark(1, "b", 3 * TestClick.Hour, openFrom: TestClick.Hour);
        var next = new InMemoryClickLog(3);
        await ChangeAsync(log, next);

        Assert.Equal(next.Identity, await _store.FindLogAsync(default));
        Assert.Empty(await _store.ReadProgressAsync(log.Identity.Epoch, default));
        var rows = await _store.ReadProgressAsync(next.Identity.Epoch, default);
        Assert.Equal([0, 1, 2], rows.Select(row => row.Partition).Order());
        foreach (var row in rows)
        {
            var journal = TestJournal.OpenSqlite(_folder).Checkpoints(PartitionActor.PersistenceIdOf(next.Identity.Epoch, row.Partition));
            var checkpoint = Assert.Single(journal);
            Assert.Equal((0, 0, TestClick.Start + (3 * TestClick.Hour)), (row.FlushedOffset, row.CheckpointOffset, row.ClockMs));
            Assert.Equal((0, row.ClockMs, row.AllowedLatenessMs), (checkpoint.Offset, checkpoint.ClockMs, checkpoint.AllowedLatenessMs));
            GatewayMark[] expected =
            [
                new("a", TestClick.Start + TestClick.Second, TestClick.Start), // partition 1 hears it no more, and is not held up by it
                new("b", TestClick.Start + (3 * TestClick.Hour), TestClick.Start + (8 * TestClick.Second)),
            ];
            Assert.Equal(expected, row.Marks.OrderBy(mark => mark.Gateway));
            Assert.Equal(expected, checkpoint.Marks.Select(mark => new GatewayMark(mark.Gateway, mark.TimeMs, mark.OpenFromMs)).OrderBy(mark => mark.Gateway));
        }

        void Mark(int partition, string gateway, long time, long openFrom) =>
            log.Append(partition, TestClick.Start + time, TestClick.Mark(gateway, TestClick.Start + time, TestClick.Start + openFrom));
    }

    [Fact]
    public async Task A_partition_that_is_paused_refuses_the_change()
    {
        var log = new InMemoryClickLog(2);
        log.Append(0, TestClick.Start, TestClick.Record(TestClick.AdIn(0, 2), 1, 1, TestClick.Start));
        var damaged = new WatchedClickLog(log) { IsDamaged = true };
        var refusal = await RefusedAsync(damaged, new InMemoryClickLog(3));
        Assert.Contains("segment 7", refusal, StringComparison.Ordinal);
        Assert.Equal(log.Identity, await _store.FindLogAsync(default));
    }

    [Fact]
    public async Task A_new_log_that_has_clicks_already_refuses_the_change()
    {
        var next = new InMemoryClickLog(3);
        next.Append(2, TestClick.Start, [0xff]);
        Assert.Contains("not empty", await RefusedAsync(new InMemoryClickLog(2), next), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clicks_that_come_in_meanwhile_refuse_the_change_and_are_counted_by_the_old_log()
    {
        var log = new InMemoryClickLog(2);
        var ad = TestClick.AdIn(1, 2);
        var gate = new GatedStore(_store)
        {
            OnReadProgress = async read =>
            {
                log.Append(1, TestClick.Start, TestClick.Record(ad, 1, 1, TestClick.Start)); // the drain is through
                return await read();
            },
        };
        Assert.Contains("clicks still come in", await RefusedAsync(log, new InMemoryClickLog(3), gate), StringComparison.Ordinal);

        var context = PartitionHarness.Context(log, _store, Settings);
        StartAll(context);
        await PartitionHarness.WaitUntilFlushedAsync(log, _store);
        Assert.Equal(1, _store.Counts()[(ad, 0, (int)(TestClick.Start / TestClick.Minute), ClickOutcome.Accepted)]);
    }

    [Fact]
    public async Task A_node_that_takes_a_partition_meanwhile_refuses_the_change()
    {
        var log = new InMemoryClickLog(2);
        var gate = new GatedStore(_store)
        {
            OnReadProgress = async read =>
            {
                var rows = await read();
                await _store.AcquireAsync(log.Identity, 1, default);
                return rows;
            },
        };
        await RefusedAsync(log, new InMemoryClickLog(3), gate);
        Assert.Equal(log.Identity, await _store.FindLogAsync(default));
    }

    [Fact]
    public async Task A_second_attempt_at_the_same_log_leaves_nothing_of_the_first()
    {
        var log = new InMemoryClickLog(2);
        var ad = TestClick.AdIn(0, 2);
        log.Append(0, TestClick.Start, TestClick.Record(ad, 1, 1, TestClick.Start));
        var next = new InMemoryClickLog(3);
        var partition = new AdKey(ad, 0).Partition(3);
        var gate = new GatedStore(_store) { OnMove = _ => throw new MetricsStoreUnavailableException("The store is away on purpose.") };
        await Assert.ThrowsAsync<MetricsStoreUnavailableException>(() => ChangeAsync(log, next, gate));
        Assert.Single(TestJournal.OpenSqlite(_folder).Checkpoints(PartitionActor.PersistenceIdOf(next.Identity.Epoch, partition)));

        // Meanwhile the old log goes on, to where nothing of that click is left.
        log.Append(0, TestClick.Start + (48 * TestClick.Hour), TestClick.Mark("g", TestClick.Start + (48 * TestClick.Hour), TestClick.Start));
        await ChangeAsync(log, next);
        var saved = await PartitionJournal.ReadAsync(_harness.System, next.Identity, partition, default);
        Assert.Empty(saved.Ads);
        Assert.Equal(TestClick.Start + (48 * TestClick.Hour), saved.Checkpoint!.ClockMs);
    }

    [Fact]
    public async Task A_state_larger_than_one_write_arrives_as_a_whole()
    {
        const int Ads = 5;
        const int Impressions = 45_000; // of 24 bytes
        var terms = new CountingTerms(RandomClicks.AllowedLatenessMs, 0);
        var saved = new SavedPartition(0);
        for (var ad = 0; ad < Ads; ad++)
        {
            var state = new AdState(new AdKey($"ad{ad}", 0));
            for (var i = 0; i < Impressions; i++)
            {
                state.Apply(
                    new LoggedClick
                    {
                        Offset = i,
                        Nonce = (ulong)i,
                        Impression = TestClick.Impression(i),
                        ExpiresAtMs = TestClick.Start + TestClick.Hour,
                        ClickTimeMs = TestClick.Start,
                        EffectiveTimeMs = TestClick.Start,
                        ClockMs = TestClick.Start,
                        Verdict = ClickVerdict.Valid,
                    },
                    terms,
                    out _);
            }

            saved.Ads.Add(state.Key, state);
        }

        saved.Take(new CheckpointReached { Offset = 7, ClockMs = TestClick.Start, AllowedLatenessMs = RandomClicks.AllowedLatenessMs }, 1);
        var log = new LogIdentity(Guid.NewGuid(), 1);
        await PartitionJournal.WriteAsync(_harness.System, log, 0, RekeyedLog.Of([saved], log).CheckpointsOf(0, 0), default).WaitAsync(Patience);

        Assert.Equal(2, TestJournal.OpenSqlite(_folder).Checkpoints(PartitionActor.PersistenceIdOf(log.Epoch, 0)).Count);
        var read = await PartitionJournal.ReadAsync(_harness.System, log, 0, default).WaitAsync(Patience);
        Assert.Equal(0, read.Checkpoint!.Offset);
        Assert.Equal(Enumerable.Repeat(Impressions, Ads), read.Ads.Values.Select(ad => ad.Impressions));
        Assert.All(read.Ads.Values, ad => Assert.Equal(TestClick.Start + TestClick.Hour, ad.AliveUntilMs));
    }

    [Fact]
    public async Task Without_its_journal_a_log_that_continues_another_is_not_counted()
    {
        var next = new InMemoryClickLog(3);
        await ChangeAsync(new InMemoryClickLog(2), next);
        await using var emptied = new PartitionHarness();
        var context = PartitionHarness.Context(next, _store, Settings);
        emptied.Start(context, 1);
        await Board.WaitForAsync(
            context.Board, board => board.Any(status => status is { Phase: PartitionPhase.Paused } && status.Reason!.Contains("journal is missing", StringComparison.Ordinal)),
            "the partition to be paused");
    }

    [Fact]
    public async Task Partitions_that_judge_by_different_lateness_are_not_joined()
    {
        var log = new InMemoryClickLog(2);
        foreach (var partition in (int[])[0, 1])
        {
            var settings = Settings with { AllowedLateness = TimeSpan.FromMinutes(10 + partition) };
            var context = PartitionHarness.Context(log, _store, settings);
            var entity = _harness.Start(context, partition);
            await Board.WaitForAsync(context.Board, board => board.Any(status => status.Phase == PartitionPhase.Running), "the partition to run");
            await PartitionHarness.HandOffAsync(entity);
        }

        var saved = new List<SavedPartition>();
        foreach (var partition in (int[])[0, 1])
        {
            saved.Add(await PartitionJournal.ReadAsync(_harness.System, log.Identity, partition, default));
        }

        var refusal = Assert.Throws<RepartitioningRefusedException>(() => RekeyedLog.Of(saved, new LogIdentity(Guid.NewGuid(), 3)));
        Assert.Contains("600000, 660000", refusal.Message, StringComparison.Ordinal);
    }

    private static PartitionSettings Settings { get; } = CountingNode.FastSettings with
    {
        AllowedLateness = TimeSpan.FromMilliseconds(RandomClicks.AllowedLatenessMs),
        MinSnapshotBytes = 64,
        MaxBatchRecords = 50,
        HandOffTimeout = TimeSpan.FromHours(1), // one that hangs is to be seen
    };

    private IActorRef[] StartAll(PartitionContext context) =>
        [.. Enumerable.Range(0, context.Log.Identity.Partitions).Select(partition => _harness.Start(context, partition))];

    private async Task ChangeAsync(IClickLog from, IClickLog to, IMetricsStore? store = null)
    {
        var context = PartitionHarness.Context(from, store ?? _store, Settings);
        await new Repartitioner(_harness.System, context, to, _told.Add).RunAsync(default).WaitAsync(Patience);
    }

    private async Task<string> RefusedAsync(IClickLog from, IClickLog to, IMetricsStore? store = null) =>
        (await Assert.ThrowsAsync<RepartitioningRefusedException>(() => ChangeAsync(from, to, store))).Message;
}
