using AdClick.Actors.Ads;
using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Actors.Partitions;
using AdClick.Tests.Support;
using Akka.Actor;
using Google.Protobuf;
using Xunit;

namespace AdClick.Tests.Partitions;

/// <summary>Failing is restarting; what another start can't mend is paused and reported.</summary>
public sealed class PartitionFailureTests : IAsyncLifetime
{
    private const int Minute = (int)(TestClick.Start / 60_000);

    private readonly TestFolder _folder = new();
    private readonly InMemoryClickLog _log = new(1);
    private readonly InMemoryMetricsStore _store = new();
    private PartitionHarness _harness = null!;

    public Task InitializeAsync()
    {
        _harness = new PartitionHarness(_folder);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _harness.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task An_ad_that_fails_takes_its_partition_along_which_starts_again_and_counts_everything_once()
    {
        var context = PartitionHarness.Context(_log, _store);
        var entity = _harness.Start(context);
        Append(1, 100);
        await PartitionHarness.WaitUntilFlushedAsync(_log, _store);

        _harness.System.ActorSelection(entity.Path / "epoch-1" / "ad:0").Tell(Kill.Instance);
        await Board.WaitForAsync(
            context.Board, board => board.Any(status => status is { Phase: PartitionPhase.Running, OwnerEpoch: 2 }), "a second start");
        Append(51, 100);
        await PartitionHarness.WaitUntilFlushedAsync(_log, _store);
        AssertCounts(accepted: 150, duplicates: 50);
    }

    [Fact]
    public async Task A_partition_that_fails_three_times_at_one_record_is_paused_and_says_where_and_why()
    {
        // A counter at its limit: the next click of that minute can't be counted, by no owner.
        await TestJournal.WriteAsync(
            _harness.System,
            PartitionActor.PersistenceIdOf(_log.Identity.Epoch, 0),
            new AdDelta
            {
                AdId = "full",
                MinuteCounts = ByteString.CopyFrom(CellBytes(new MinuteCell(Minute, ClickOutcome.Accepted, uint.MaxValue))),
            },
            new CheckpointReached { AllowedLatenessMs = TestClick.Hour, AliveUntilMs = long.MaxValue });
        Append(1, 10);
        _log.Append(0, TestClick.Start, TestClick.Record("full", 1, 1, TestClick.Start));

        var context = PartitionHarness.Context(_log, _store, CountingNode.FastSettings with { MaxBatchRecords = 5 });
        var entity = _harness.Start(context);
        await Board.WaitForAsync(context.Board, board => board.Any(status => status.Phase == PartitionPhase.Paused), "the partition to be paused");
        var status = Assert.Single(context.Board.Snapshot());
        Assert.Equal(10, status.NextOffset);
        Assert.Contains("overflow", status.Reason, StringComparison.OrdinalIgnoreCase);
        Assert.InRange(status.OwnerEpoch, 3, 5);

        // Another is started by hand: it stops on request though it is paused.
        await PartitionHarness.HandOffAsync(entity);
    }

    [Fact]
    public async Task While_the_store_is_away_reading_stops_at_the_bound_and_nothing_is_lost()
    {
        const int bound = 50;
        var context = PartitionHarness.Context(
            _log, _store, CountingNode.FastSettings with { MaxPendingCounts = bound, MaxBatchRecords = 10, MaxBatchesInFlight = 2 });
        _harness.Start(context);
        AppendAds(0, 1);
        await PartitionHarness.WaitUntilFlushedAsync(_log, _store);

        _store.Fault = new MetricsStoreUnavailableException("The store is away on purpose.");
        AppendAds(1, 1_000);
        await Board.WaitForAsync(
            context.Board, board => board.Any(status => status is { Reason: not null, NextOffset: >= bound }), "the store's fault on the board");
        for (var i = 0; i < 10; i++)
        {
            // One flush under way, one bound of what waits, and the batches that were read when the bound was reached.
            Assert.InRange(context.Board.Snapshot()[0].NextOffset, bound, (2 * bound) + (3 * 10) + 1);
            await Task.Delay(CountingNode.FastSettings.FlushInterval);
        }

        Assert.Contains("on purpose", context.Board.Snapshot()[0].Reason, StringComparison.Ordinal);
        _store.Fault = null;
        await PartitionHarness.WaitUntilFlushedAsync(_log, _store);
        Assert.Equal(1_001, _store.Counts().Count);
        Assert.All(_store.Counts(), count => Assert.Equal(1, count.Value));
        await Board.WaitForAsync(
            context.Board, board => board[0] is { Reason: null, OwnerEpoch: 1 }, "the fault to go from the board, without a restart");
    }

    [Fact]
    public async Task While_a_flush_is_slow_the_next_one_collects_newer_counts_in_place_of_older_ones()
    {
        var slow = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var rows = new List<int>();
        var gate = new GatedStore(_store);
        gate.OnFlush = async (flush, write) =>
        {
            lock (rows)
            {
                rows.Add(flush.Counts.Count);
            }

            if (flush.Counts.Count > 0)
            {
                await slow.Task;
            }

            await write();
        };
        var context = PartitionHarness.Context(_log, gate, CountingNode.FastSettings with { MaxBatchRecords = 10 });
        _harness.Start(context);
        Append(1, 20);
        await Board.WaitForAsync(context.Board, _ => rows.Contains(1), "a first flush of one counter");
        Append(21, 500);
        await Board.WaitForAsync(
            context.Board, board => board.Any(status => status.NextOffset == 520), "all clicks to be counted while the flush is slow");
        slow.SetResult();
        await PartitionHarness.WaitUntilFlushedAsync(_log, _store);
        Assert.All(rows, count => Assert.InRange(count, 0, 1)); // one ad, one minute: one row, however many clicks
        AssertCounts(accepted: 520, duplicates: 0);
    }

    [Fact]
    public async Task A_flush_that_is_never_answered_ends_in_a_new_start()
    {
        var gate = new GatedStore(_store)
        {
            OnFlush = (flush, write) =>
            flush.Progress.OwnerEpoch == 1 && flush.Counts.Count > 0 ? new TaskCompletionSource().Task : write()
        };
        _harness.Start(PartitionHarness.Context(_log, gate, CountingNode.FastSettings with { AnswerTimeout = TimeSpan.FromMilliseconds(200) }));
        Append(1, 10);
        await PartitionHarness.WaitUntilFlushedAsync(_log, _store);
        AssertCounts(accepted: 10, duplicates: 0);
    }

    [Fact]
    public async Task A_damaged_log_pauses_the_partition_at_once_and_is_reported()
    {
        Append(1, 10);
        var context = PartitionHarness.Context(new DamagedClickLog(_log), _store);
        _harness.Start(context);
        await Board.WaitForAsync(context.Board, board => board.Any(status => status.Phase == PartitionPhase.Paused), "the partition to be paused");
        Assert.Equal(1, context.Board.Snapshot()[0].OwnerEpoch);
        Assert.Contains("segment 7", context.Board.Snapshot()[0].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_log_that_ends_before_the_checkpoint_is_refused_with_its_range()
    {
        Append(1, 10);
        var entity = _harness.Start(PartitionHarness.Context(_log, _store));
        await PartitionHarness.WaitUntilFlushedAsync(_log, _store);
        await PartitionHarness.HandOffAsync(entity);

        var context = PartitionHarness.Context(new DamagedClickLog(_log) { End = 4 }, _store);
        _harness.Start(context);
        await Board.WaitForAsync(context.Board, board => board.Any(status => status.Phase == PartitionPhase.Paused), "the partition to be paused");
        Assert.Contains(", 4)", context.Board.Snapshot()[0].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_that_is_behind_the_checkpoint_is_refused()
    {
        Append(1, 10);
        var entity = _harness.Start(PartitionHarness.Context(_log, _store));
        await PartitionHarness.WaitUntilFlushedAsync(_log, _store);
        await PartitionHarness.HandOffAsync(entity);

        var context = PartitionHarness.Context(_log, new InMemoryMetricsStore());
        _harness.Start(context);
        await Board.WaitForAsync(context.Board, board => board.Any(status => status.Phase == PartitionPhase.Paused), "the partition to be paused");
        Assert.Contains("behind the checkpoint at 10", context.Board.Snapshot()[0].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_journal_whose_snapshot_is_missing_is_refused()
    {
        var settings = CountingNode.FastSettings with { MinSnapshotBytes = 1 };
        for (var i = 0; i < 4; i++)
        {
            Append(1, 10);
            var entity = _harness.Start(PartitionHarness.Context(_log, _store, settings));
            await PartitionHarness.WaitUntilFlushedAsync(_log, _store);
            await PartitionHarness.HandOffAsync(entity);
        }

        Assert.NotEqual(
            0, TestJournal.Checkpoints(_folder["journal.db"], PartitionActor.PersistenceIdOf(_log.Identity.Epoch, 0))[^1].SnapshotSequenceNr);
        await _harness.DisposeAsync();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        foreach (var file in Directory.GetFiles(_folder.Path, "snapshots.db*"))
        {
            File.Delete(file);
        }

        _harness = new PartitionHarness(_folder);
        var context = PartitionHarness.Context(_log, _store, settings);
        _harness.Start(context);
        await Board.WaitForAsync(context.Board, board => board.Any(status => status.Phase == PartitionPhase.Paused), "the partition to be paused");
        Assert.Contains("snapshot", context.Board.Snapshot()[0].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hand_off_checkpoints_what_was_read_so_that_the_successor_replays_nothing()
    {
        var settings = CountingNode.FastSettings with { FlushInterval = TimeSpan.FromHours(1), CheckpointInterval = TimeSpan.FromHours(1) };
        var first = PartitionHarness.Context(_log, _store, settings);
        var entity = _harness.Start(first);
        Append(1, 100);
        await TellFlushUntilAsync(entity, first, status => status.NextOffset == 100);
        await PartitionHarness.HandOffAsync(entity);

        var offsets = new List<long>();
        var second = PartitionHarness.Context(new DamagedClickLog(_log) { OnOpen = offsets.Add, IsDamaged = false }, _store, settings);
        entity = _harness.Start(second);
        await Board.WaitForAsync(
            second.Board, board => board.Any(status => status is { Phase: PartitionPhase.Running, OwnerEpoch: 2 }), "the successor to run");
        await Board.WaitForAsync(second.Board, _ => offsets.Count > 0, "the successor to read");
        Assert.Equal([100], offsets);
        Assert.Equal(100, second.Board.Snapshot()[0].Impressions);
        AssertCounts(accepted: 100, duplicates: 0);
    }

    [Fact]
    public async Task A_hand_off_ends_in_its_time_though_the_store_is_away()
    {
        var context = PartitionHarness.Context(_log, _store, CountingNode.FastSettings with { HandOffTimeout = TimeSpan.FromMilliseconds(300) });
        var entity = _harness.Start(context);
        Append(1, 10);
        await PartitionHarness.WaitUntilFlushedAsync(_log, _store);
        _store.Fault = new MetricsStoreUnavailableException("The store is away on purpose.");
        Append(11, 10);
        await Board.WaitForAsync(context.Board, board => board[0].Reason is not null, "the store's fault on the board");
        var started = TimeProvider.System.GetTimestamp();
        await PartitionHarness.HandOffAsync(entity);
        Assert.InRange(TimeProvider.System.GetElapsedTime(started), TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(10));
        Assert.Empty(context.Board.Snapshot());

        _store.Fault = null;
        _harness.Start(PartitionHarness.Context(_log, _store));
        await PartitionHarness.WaitUntilFlushedAsync(_log, _store);
        AssertCounts(accepted: 20, duplicates: 0);
    }

    [Fact]
    public async Task A_hand_off_comes_through_while_the_partition_is_being_acquired_and_while_it_backs_off()
    {
        var gate = new GatedStore(_store) { OnAcquire = _ => new TaskCompletionSource<PartitionProgress>().Task };
        await PartitionHarness.HandOffAsync(_harness.Start(PartitionHarness.Context(_log, gate)));

        _store.Fault = new MetricsStoreUnavailableException("The store is away on purpose.");
        var context = PartitionHarness.Context(
            _log, _store, CountingNode.FastSettings with { MinBackOff = TimeSpan.FromHours(1), MaxBackOff = TimeSpan.FromHours(1) });
        var entity = _harness.Start(context);
        await Board.WaitForAsync(context.Board, board => board.Any(status => status.Phase == PartitionPhase.BackingOff), "the partition to back off");
        await PartitionHarness.HandOffAsync(entity);
        Assert.Empty(context.Board.Snapshot());
    }

    [Fact]
    public async Task A_partition_starts_when_the_store_comes_back_however_long_it_was_away()
    {
        _store.Fault = new MetricsStoreUnavailableException("The store is away on purpose.");
        var attempts = 0;
        var gate = new GatedStore(_store)
        {
            OnAcquire = acquire =>
            {
                Interlocked.Increment(ref attempts);
                return acquire();
            },
        };
        var context = PartitionHarness.Context(_log, gate);
        _harness.Start(context);
        Append(1, 10);
        await Board.WaitForAsync(context.Board, _ => Volatile.Read(ref attempts) > 5, "more tries than would pause a partition that fails by itself");
        _store.Fault = null;
        await PartitionHarness.WaitUntilFlushedAsync(_log, _store);
        AssertCounts(accepted: 10, duplicates: 0);
    }

    [Fact]
    public async Task Ads_of_which_nothing_matters_any_more_have_no_actor_after_a_checkpoint_and_count_on_when_they_come_again()
    {
        var context = PartitionHarness.Context(_log, _store);
        _harness.Start(context);
        AppendAds(0, 20);
        await Board.WaitForAsync(context.Board, board => board.Any(status => status is { Ads: 20, Impressions: 20 }), "20 ads");

        // Over expiry (24 h) and allowed lateness (1 h).
        Mark(TestClick.Start + (26 * TestClick.Hour));
        await Board.WaitForAsync(context.Board, board => board.Any(status => status is { Ads: 0, Impressions: 0 }), "the ads to be gone");
        _log.Append(0, TestClick.Start + (26 * TestClick.Hour), TestClick.Record("ad1", 1_000, 1, TestClick.Start + (26 * TestClick.Hour),
            expiresAtMs: TestClick.Start + (30 * TestClick.Hour)));
        await PartitionHarness.WaitUntilFlushedAsync(_log, _store);
        Assert.Equal(21, _store.Counts().Count);
        Assert.All(_store.Counts(), count => Assert.Equal(1, count.Value));
    }

    [Fact]
    public async Task A_longer_allowed_lateness_takes_effect_at_a_checkpoint_of_its_own_and_brings_nothing_back()
    {
        var shortly = CountingNode.FastSettings with { AllowedLateness = TimeSpan.FromMinutes(10) };
        var entity = _harness.Start(PartitionHarness.Context(_log, _store, shortly));
        Mark(TestClick.Start + TestClick.Hour);
        Click(1, ageMinutes: 30); // late by ten minutes
        await PartitionHarness.WaitUntilFlushedAsync(_log, _store);
        await PartitionHarness.HandOffAsync(entity);

        entity = _harness.Start(PartitionHarness.Context(_log, _store, shortly with { AllowedLateness = TimeSpan.FromMinutes(40) }));
        var id = PartitionActor.PersistenceIdOf(_log.Identity.Epoch, 0);
        for (var i = 0; i < 3_000 && TestJournal.Checkpoints(_folder["journal.db"], id)[^1].AllowedLatenessMs != 40 * TestClick.Minute; i++)
        {
            await Task.Delay(10);
        }

        var change = TestJournal.Checkpoints(_folder["journal.db"], id)[^1];
        Assert.Equal((2, 40 * TestClick.Minute), (change.Offset, change.AllowedLatenessMs));
        Assert.Equal(TestClick.Start + (50 * TestClick.Minute), change.CountedFromMs);

        Click(2, ageMinutes: 30); // its counter may have been forgotten under the shorter one: late for ever
        Mark(TestClick.Start + (2 * TestClick.Hour));
        Click(3, ageMinutes: 80 - 50); // half an hour before the new clock: in time now
        await PartitionHarness.WaitUntilFlushedAsync(_log, _store);
        Assert.Equal(
            [(ClickOutcome.Late, 2L), (ClickOutcome.Accepted, 1L)],
            _store.Counts().GroupBy(count =>
                count.Key.Outcome).Select(group => (group.Key, group.Sum(count => count.Value))).OrderByDescending(x => x.Item2));

        void Click(int impression, int ageMinutes)
        {
            var now = _log.NewestAppendTime.ToUnixTimeMilliseconds();
            _log.Append(0, now, TestClick.Record("ad", impression, 1, now - (ageMinutes * TestClick.Minute)));
        }
    }

    [Fact]
    public async Task Reading_waits_while_the_allowed_lateness_changes()
    {
        var shortly = CountingNode.FastSettings with { AllowedLateness = TimeSpan.FromMinutes(10) };
        var entity = _harness.Start(PartitionHarness.Context(_log, _store, shortly));
        Mark(TestClick.Start);
        await PartitionHarness.WaitUntilFlushedAsync(_log, _store);
        await PartitionHarness.HandOffAsync(entity);

        var changing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var gate = new GatedStore(_store)
        {
            OnFlush = async (_, write) =>
            {
                changing.TrySetResult();
                await goOn.Task;
                await write();
            },
        };
        _harness.Start(PartitionHarness.Context(_log, gate, shortly with { AllowedLateness = TimeSpan.FromMinutes(40) }));
        await changing.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Mark(TestClick.Start + TestClick.Hour);
        _log.Append(0, TestClick.Start + TestClick.Hour, TestClick.Record("ad", 1, 1, TestClick.Start + (30 * TestClick.Minute)));
        await Task.Delay(100); // time enough to be read, if reading did not wait
        goOn.SetResult();
        await PartitionHarness.WaitUntilFlushedAsync(_log, _store);
        Assert.Equal(ClickOutcome.Accepted, Assert.Single(_store.Counts()).Key.Outcome);
    }

    [Fact]
    public async Task What_was_flushed_of_a_batch_half_counted_is_judged_again_by_the_same_lateness()
    {
        // One batch: a click that is late under the first lateness, in time under the second, and so many of another ad that a flush comes in
        // between.
        var now = TestClick.Start + TestClick.Hour;
        Mark(now);
        _log.Append(0, now, TestClick.Record("a", 1, 1, now - (30 * TestClick.Minute)));
        var another = TestClick.Record("b", 1, 1, now);
        for (var i = 0; i < 600_000; i++)
        {
            _log.Append(0, now, another);
        }

        var half = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var gate = new GatedStore(_store);
        gate.OnFlush = async (flush, write) =>
        {
            await write();
            if (flush is { LateClicks.Count: 1, Progress.FlushedOffset: 0 })
            {
                half.TrySetResult();
                await new TaskCompletionSource().Task; // it is not told, and does no more
            }
        };
        var settings = CountingNode.FastSettings with
        {
            AllowedLateness = TimeSpan.FromMinutes(10),
            MaxBatchRecords = 1_000_000,
        };
        var entity = _harness.Start(PartitionHarness.Context(_log, gate, settings));
        var partition = _harness.System.ActorSelection(entity.Path / "*");
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!half.Task.IsCompleted)
        {
            partition.Tell(PartitionActor.Tick.Flush);
            await Task.Delay(1, patience.Token); // far less than counting the batch takes
        }

        _harness.Stop(entity);

        _harness.Start(PartitionHarness.Context(_log, _store, settings with { AllowedLateness = TimeSpan.FromMinutes(40) }));
        await PartitionHarness.WaitUntilFlushedAsync(_log, _store);
        Assert.Equal(
            (ClickOutcome.Late, 1L),
            Assert.Single(_store.Counts().Where(count => count.Key.AdId == "a").Select(count => (count.Key.Outcome, count.Value))));
    }

    [Fact]
    public async Task A_checkpoint_holds_the_marks_below_its_offset_and_none_that_came_while_it_was_written()
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var gate = new GatedStore(_store);
        var context = PartitionHarness.Context(
            _log, gate, CountingNode.FastSettings with { FlushInterval = TimeSpan.FromHours(1), CheckpointInterval = TimeSpan.FromHours(1) });
        var entity = _harness.Start(context);
        Mark(TestClick.Start);
        await TellFlushUntilAsync(entity, context, status => status.NextOffset == 1);

        gate.OnFlush = async (flush, write) =>
        {
            reached.TrySetResult();
            await goOn.Task;
            await write();
        };
        _harness.System.ActorSelection(entity.Path / "*").Tell(PartitionActor.Tick.Checkpoint);
        await reached.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Mark(TestClick.Start + TestClick.Second);
        await TellFlushUntilAsync(entity, context, status => status.NextOffset == 2);
        goOn.SetResult();
        await TellFlushUntilAsync(entity, context, status => status.CheckpointOffset == 1);
        var checkpoint = TestJournal.Checkpoints(_folder["journal.db"], PartitionActor.PersistenceIdOf(_log.Identity.Epoch, 0))[^1];
        Assert.Equal((1, TestClick.Start), (checkpoint.Offset, checkpoint.ClockMs));
        Assert.Equal(TestClick.Start, Assert.Single(checkpoint.Marks).TimeMs);
    }

    [Fact]
    public async Task Records_that_cannot_be_counted_are_kept_with_a_reason_and_passed()
    {
        var log = new InMemoryClickLog(2);
        var stranger = TestClick.AdIn(1, 2);
        log.Append(0, TestClick.Start, [0xff, 0xff]);
        log.Append(0, TestClick.Start, TestClick.Record(stranger, 1, 1, TestClick.Start));
        log.Append(0, TestClick.Start, TestClick.Record("white space", 1, 1, TestClick.Start));
        log.Append(0, TestClick.Start, TestClick.Record(TestClick.AdIn(0, 2), 1, 1, TestClick.Start));
        _harness.Start(PartitionHarness.Context(log, _store));
        await _store.WaitForAsync(log.Identity.Epoch, rows => rows.Any(row => row.FlushedOffset == 4), "all four records");
        Assert.Equal([0L, 1L, 2L], _store.Rejected().Select(rejected => rejected.Offset).Order());
        Assert.Contains(_store.Rejected(), rejected => rejected.Reason.Contains("partition 1", StringComparison.Ordinal));
        Assert.Equal(1, Assert.Single(_store.Counts()).Value);
    }

    private void Append(int firstImpression, int count)
    {
        for (var i = 0; i < count; i++)
        {
            // Nonces differ, so that what is clicked again is a duplicate.
            _log.Append(0, TestClick.Start, TestClick.Record("ad", firstImpression + i, (ulong)_log.RangeOf(0).End + 1, TestClick.Start));
        }
    }

    private void AppendAds(int first, int count)
    {
        for (var i = first; i < first + count; i++)
        {
            _log.Append(0, TestClick.Start, TestClick.Record($"ad{i}", i, 1, TestClick.Start));
        }
    }

    private void Mark(long timeMs) => _log.Append(0, timeMs, TestClick.Mark("gateway", timeMs, timeMs));

    private void AssertCounts(long accepted, long duplicates)
    {
        Assert.Equal(accepted, _store.Counts()[("ad", 0, Minute, ClickOutcome.Accepted)]);
        Assert.Equal(duplicates, _store.Counts().GetValueOrDefault(("ad", 0, Minute, ClickOutcome.Duplicate)));
        Assert.Equal(accepted + duplicates, _store.Counts().Values.Sum());
    }

    private async Task TellFlushUntilAsync(IActorRef entity, PartitionContext context, Func<PartitionStatus, bool> condition)
    {
        var partition = _harness.System.ActorSelection(entity.Path / "*");
        await Board.WaitForAsync(context.Board, board =>
        {
            partition.Tell(PartitionActor.Tick.Flush);
            return board.Any(condition);
        }, "the clicks to be counted");
    }

    private static byte[] CellBytes(MinuteCell cell) =>
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(new ReadOnlySpan<MinuteCell>(in cell)).ToArray();

    /// <summary>The log, with a damage in it or an end of its own, or just watched.</summary>
    private sealed class DamagedClickLog(InMemoryClickLog log) : IClickLog
    {
        public long? End { get; init; }

        public bool IsDamaged { get; init; } = true;

        public Action<long>? OnOpen { get; init; }

        public LogIdentity Identity => log.Identity;

        public DateTimeOffset NewestAppendTime => log.NewestAppendTime;

        public string? Fault => log.Fault;

        public Task AppendAsync(int partition, ReadOnlySpan<byte> key, ReadOnlySpan<byte> record) => log.AppendAsync(partition, key, record);

        public IClickLogReader OpenReader(int partition, long offset)
        {
            OnOpen?.Invoke(offset);
            return IsDamaged ? throw new ClickLogDamagedException("Bytes of segment 7 are missing, on purpose.") : log.OpenReader(partition, offset);
        }

        public LogRange RangeOf(int partition) => log.RangeOf(partition) with { End = End ?? log.RangeOf(partition).End };

        public void Truncate(int partition, long offset, DateTimeOffset olderThan) => log.Truncate(partition, offset, olderThan);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
