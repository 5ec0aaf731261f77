using AdClick.Actors.Ads;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Actors.Partitions;
using AdClick.Tests.Support;
using Akka.Actor;
using Google.Protobuf;
using Xunit;

namespace AdClick.Tests.Partitions;

/// <summary>Failing is restarting; what another start can't mend is paused and reported.</summary>
public sealed class PartitionFailureTests : PartitionTest
{
    [Theory, OnSqlite, OnPostgres]
    public async Task An_ad_that_fails_takes_its_partition_along_which_starts_again_and_counts_everything_once(JournalKind journal)
    {
        await UseAsync(journal);
        var context = PartitionHarness.Context(Log, Store);
        var entity = Harness.Start(context);
        Append(1, 100);
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);

        Harness.System.ActorSelection(entity.Path / "epoch-1" / "ad:0").Tell(Kill.Instance);
        await Board.WaitForAsync(
            context.Board, board => board.Any(status => status is { Phase: PartitionPhase.Running, OwnerEpoch: 2 }), "a second start");
        Append(51, 100);
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        AssertCounts(accepted: 150, duplicates: 50);
    }

    [Theory, OnSqlite, OnPostgres]
    public async Task A_partition_that_fails_three_times_at_one_record_is_paused_and_says_where_and_why(JournalKind journal)
    {
        await UseAsync(journal);
        // A counter at its limit: the next click of that minute can't be counted, by no owner.
        await TestJournal.WriteAsync(
            Harness.System,
            PersistenceId,
            new AdDelta
            {
                AdId = "full",
                MinuteCounts = ByteString.CopyFrom(CellBytes(new MinuteCell(Minute, ClickOutcome.Accepted, uint.MaxValue))),
            },
            new CheckpointReached { AllowedLatenessMs = TestClick.Hour, AliveUntilMs = long.MaxValue });
        Append(1, 10);
        Log.Append(0, TestClick.Start, TestClick.Record("full", 1, 1, TestClick.Start));

        var context = PartitionHarness.Context(Log, Store, CountingNode.FastSettings with { MaxBatchRecords = 5, MaxBatchesInFlight = 1 });
        var entity = Harness.Start(context);
        await PausedAsync(context);
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
            Log, Store, CountingNode.FastSettings with { MaxPendingCounts = bound, MaxBatchRecords = 10, MaxBatchesInFlight = 2 });
        Harness.Start(context);
        AppendAds(0, 1);
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);

        Store.Fault = new MetricsStoreUnavailableException("The store is away on purpose.");
        AppendAds(1, 1_000);
        await Board.WaitForAsync(
            context.Board, board => board.Any(status => status is { Reason: not null, NextOffset: >= bound }), "the store's fault on the board");
        for (var i = 0; i < 10; i++)
        {
            // One flush under way, one bound of what waits, and the batches that were read when the bound was reached.
            Assert.InRange(context.Board.Snapshot()[0].NextOffset, bound, (2 * bound) + (3 * 10) + 1);
            await Board.WaitForChangesAsync(context.Board, 1); // one posts at each flush tick
        }

        Assert.Contains("on purpose", context.Board.Snapshot()[0].Reason, StringComparison.Ordinal);
        Store.Fault = null;
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        Assert.Equal(1_001, Store.Counts().Count);
        Assert.All(Store.Counts(), count => Assert.Equal(1, count.Value));
        await Board.WaitForAsync(
            context.Board, board => board[0] is { Reason: null, OwnerEpoch: 1 }, "the fault to go from the board, without a restart");
    }

    [Fact]
    public async Task While_a_flush_is_slow_the_next_one_collects_newer_counts_in_place_of_older_ones()
    {
        var slow = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var rows = new List<int>();
        var gate = new GatedStore(Store);
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
        var context = PartitionHarness.Context(Log, gate, CountingNode.FastSettings with { MaxBatchRecords = 10 });
        Harness.Start(context);
        Append(1, 20);
        await Board.WaitForAsync(context.Board, _ => rows.Contains(1), "a first flush of one counter");
        Append(21, 500);
        await Board.WaitForAsync(
            context.Board, board => board.Any(status => status.NextOffset == 520), "all clicks to be counted while the flush is slow");
        slow.SetResult();
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        Assert.All(rows, count => Assert.InRange(count, 0, 1)); // one ad, one minute: one row, however many clicks
        AssertCounts(accepted: 520, duplicates: 0);
    }

    [Fact]
    public async Task A_flush_that_is_never_answered_ends_in_a_new_start()
    {
        var gate = new GatedStore(Store)
        {
            OnFlush = (flush, write) =>
            flush.Progress.OwnerEpoch == 1 && flush.Counts.Count > 0 ? new TaskCompletionSource().Task : write()
        };
        Harness.Start(PartitionHarness.Context(Log, gate, CountingNode.FastSettings with { AnswerTimeout = TimeSpan.FromMilliseconds(200) }));
        Append(1, 10);
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        AssertCounts(accepted: 10, duplicates: 0);
    }

    [Fact]
    public async Task A_damaged_log_pauses_the_partition_at_once_and_is_reported()
    {
        Append(1, 10);
        var context = PartitionHarness.Context(new WatchedClickLog(Log) { IsDamaged = true }, Store);
        Harness.Start(context);
        await PausedAsync(context);
        Assert.Equal(1, context.Board.Snapshot()[0].OwnerEpoch);
        Assert.Contains("segment 7", context.Board.Snapshot()[0].Reason, StringComparison.Ordinal);
    }

    [Theory, OnSqlite, OnPostgres]
    public async Task A_log_that_ends_before_the_checkpoint_is_refused_with_its_range(JournalKind journal)
    {
        await UseAsync(journal);
        Append(1, 10);
        var entity = Harness.Start(PartitionHarness.Context(Log, Store));
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        await PartitionHarness.HandOffAsync(entity);

        var context = PartitionHarness.Context(new WatchedClickLog(Log) { End = 4 }, Store);
        Harness.Start(context);
        await PausedAsync(context);
        Assert.Contains(", 4)", context.Board.Snapshot()[0].Reason, StringComparison.Ordinal);
    }

    [Theory, OnSqlite, OnPostgres]
    public async Task Clicks_that_the_log_let_go_of_before_they_were_counted_pause_the_partition_until_the_loss_is_accepted(JournalKind journal)
    {
        await UseAsync(journal);
        Append(1, 10);
        var entity = Harness.Start(PartitionHarness.Context(Log, Store));
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        await PartitionHarness.HandOffAsync(entity);
        Append(11, 10);
        Log.Checkpointed(0, 15, long.MaxValue, DateTimeOffset.MaxValue); // a retention that did not wait: 10 to 14 are gone

        var refusing = PartitionHarness.Context(Log, Store);
        entity = Harness.Start(refusing);
        await PausedAsync(refusing);
        var reason = refusing.Board.Snapshot()[0].Reason;
        Assert.Contains("[10, 15)", reason, StringComparison.Ordinal);
        Assert.Contains("5 records of them are not counted", reason, StringComparison.Ordinal);
        Assert.Contains("AdClick:SkipLostClicks", reason, StringComparison.Ordinal);
        AssertCounts(accepted: 10, duplicates: 0);
        await PartitionHarness.HandOffAsync(entity);

        entity = Harness.Start(PartitionHarness.Context(Log, Store, CountingNode.FastSettings with { SkipLostClicks = true }));
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        AssertCounts(accepted: 15, duplicates: 0);
        await PartitionHarness.HandOffAsync(entity);

        // From now on nothing is missing, and what was counted before the loss is still known.
        Append(1, 10);
        Harness.Start(PartitionHarness.Context(Log, Store));
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        AssertCounts(accepted: 15, duplicates: 10);
    }

    [Theory, OnSqlite, OnPostgres]
    public async Task A_store_that_is_behind_the_checkpoint_is_refused(JournalKind journal)
    {
        await UseAsync(journal);
        Append(1, 10);
        var entity = Harness.Start(PartitionHarness.Context(Log, Store));
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        await PartitionHarness.HandOffAsync(entity);

        var context = PartitionHarness.Context(Log, new InMemoryMetricsStore());
        Harness.Start(context);
        await PausedAsync(context);
        Assert.Contains("behind the checkpoint at 10", context.Board.Snapshot()[0].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_journal_whose_snapshot_is_missing_is_refused()
    {
        var settings = CountingNode.FastSettings with { MinSnapshotBytes = 1 };
        for (var i = 0; i < 4; i++)
        {
            Append(1, 10);
            var entity = Harness.Start(PartitionHarness.Context(Log, Store, settings));
            await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
            await PartitionHarness.HandOffAsync(entity);
        }

        Assert.NotEqual(0, Journal.Checkpoints(PersistenceId)[^1].SnapshotSequenceNr);
        await Harness.DisposeAsync();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        foreach (var file in Directory.GetFiles(Folder.Path, "snapshots.db*"))
        {
            File.Delete(file);
        }

        Harness = new PartitionHarness(Journal);
        var context = PartitionHarness.Context(Log, Store, settings);
        Harness.Start(context);
        await PausedAsync(context);
        Assert.Contains("snapshot", context.Board.Snapshot()[0].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_partition_starts_when_the_store_comes_back_however_long_it_was_away()
    {
        Store.Fault = new MetricsStoreUnavailableException("The store is away on purpose.");
        var attempts = 0;
        var gate = new GatedStore(Store)
        {
            OnAcquire = acquire =>
            {
                Interlocked.Increment(ref attempts);
                return acquire();
            },
        };
        var context = PartitionHarness.Context(Log, gate);
        Harness.Start(context);
        Append(1, 10);
        await Board.WaitForAsync(context.Board, _ => Volatile.Read(ref attempts) > 5, "more tries than would pause a partition that fails by itself");
        Store.Fault = null;
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        AssertCounts(accepted: 10, duplicates: 0);
    }

    [Theory, OnSqlite, OnPostgres]
    public async Task Ads_of_which_nothing_matters_any_more_have_no_actor_after_a_checkpoint_and_count_on_when_they_come_again(JournalKind journal)
    {
        await UseAsync(journal);
        var context = PartitionHarness.Context(Log, Store);
        Harness.Start(context);
        AppendAds(0, 20);
        await Board.WaitForAsync(context.Board, board => board.Any(status => status is { Ads: 20, Impressions: 20 }), "20 ads");

        // Over expiry (24 h) and allowed lateness (1 h).
        Mark(TestClick.Start + (26 * TestClick.Hour));
        await Board.WaitForAsync(context.Board, board => board.Any(status => status is { Ads: 0, Impressions: 0 }), "the ads to be gone");
        Log.Append(0, TestClick.Start + (26 * TestClick.Hour), TestClick.Record("ad1", 1_000, 1, TestClick.Start + (26 * TestClick.Hour),
            expiresAtMs: TestClick.Start + (30 * TestClick.Hour)));
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        Assert.Equal(21, Store.Counts().Count);
        Assert.All(Store.Counts(), count => Assert.Equal(1, count.Value));
    }

    [Theory, OnSqlite, OnPostgres]
    public async Task A_checkpoint_holds_the_marks_below_its_offset_and_none_that_came_while_it_was_written(JournalKind journal)
    {
        await UseAsync(journal);
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var gate = new GatedStore(Store);
        var context = PartitionHarness.Context(
            Log, gate, CountingNode.FastSettings with { FlushInterval = TimeSpan.FromHours(1), CheckpointInterval = TimeSpan.FromHours(1) });
        var entity = Harness.Start(context);
        Mark(TestClick.Start);
        await TellFlushUntilAsync(entity, context, status => status.NextOffset == 1);

        gate.OnFlush = async (flush, write) =>
        {
            reached.TrySetResult();
            await goOn.Task;
            await write();
        };
        Harness.System.ActorSelection(entity.Path / "*").Tell(PartitionActor.Tick.Checkpoint);
        await reached.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Mark(TestClick.Start + TestClick.Second);
        await TellFlushUntilAsync(entity, context, status => status.NextOffset == 2);
        goOn.SetResult();
        await TellFlushUntilAsync(entity, context, status => status.CheckpointOffset == 1);
        var checkpoint = Journal.Checkpoints(PersistenceId)[^1];
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
        Harness.Start(PartitionHarness.Context(log, Store));
        await Store.WaitForAsync(log.Identity.Epoch, rows => rows.Any(row => row.FlushedOffset == 4), "all four records");
        Assert.Equal([0L, 1L, 2L], Store.Rejected().Select(rejected => rejected.Offset).Order());
        Assert.Contains(Store.Rejected(), rejected => rejected.Reason.Contains("partition 1", StringComparison.Ordinal));
        Assert.Equal(1, Assert.Single(Store.Counts()).Value);
    }

    private static byte[] CellBytes(MinuteCell cell) =>
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(new ReadOnlySpan<MinuteCell>(in cell)).ToArray();
}
