using AdClick.Actors.Metrics;
using AdClick.Actors.Partitions;
using Xunit;

namespace AdClick.Tests.Partitions;

/// <summary>A hand-off finishes what was read and leaves nothing to do twice; it ends in its time whatever is away.</summary>
public sealed class PartitionHandOffTests : PartitionTest
{
    [Theory, OnSqlite, OnPostgres]
    public async Task A_hand_off_checkpoints_what_was_read_so_that_the_successor_replays_nothing(JournalKind journal)
    {
        await UseAsync(journal);
        var settings = CountingNode.FastSettings with { FlushInterval = TimeSpan.FromHours(1), CheckpointInterval = TimeSpan.FromHours(1) };
        var first = PartitionHarness.Context(Log, Store, settings);
        var entity = Harness.Start(first);
        Append(1, 100);
        await TellFlushUntilAsync(entity, first, status => status.NextOffset == 100);
        await PartitionHarness.HandOffAsync(entity);

        var watched = new WatchedClickLog(Log);
        var second = PartitionHarness.Context(watched, Store, settings);
        entity = Harness.Start(second);
        await Board.WaitForAsync(
            second.Board, board => board.Any(status => status is { Phase: PartitionPhase.Running, OwnerEpoch: 2 }), "the successor to run");
        await watched.Opened.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal([100], watched.Offsets);
        Assert.Equal(100, second.Board.Snapshot()[0].Impressions);
        AssertCounts(accepted: 100, duplicates: 0);
    }

    [Theory, OnSqlite, OnPostgres]
    public async Task A_hand_off_ends_in_its_time_though_the_store_is_away(JournalKind journal)
    {
        await UseAsync(journal);
        var context = PartitionHarness.Context(Log, Store, CountingNode.FastSettings with { HandOffTimeout = TimeSpan.FromMilliseconds(300) });
        var entity = Harness.Start(context);
        Append(1, 10);
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        Store.Fault = new MetricsStoreUnavailableException("The store is away on purpose.");
        Append(11, 10);
        await Board.WaitForAsync(context.Board, board => board[0].Reason is not null, "the store's fault on the board");
        var started = TimeProvider.System.GetTimestamp();
        await PartitionHarness.HandOffAsync(entity);
        Assert.True(TimeProvider.System.GetElapsedTime(started) > TimeSpan.FromMilliseconds(250), "It did not use its time.");
        Assert.Empty(context.Board.Snapshot());

        Store.Fault = null;
        Harness.Start(PartitionHarness.Context(Log, Store));
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        AssertCounts(accepted: 20, duplicates: 0);
    }

    [Theory, OnSqlite, OnPostgres]
    public async Task A_hand_off_comes_through_while_the_partition_is_being_acquired_and_while_it_backs_off(JournalKind journal)
    {
        await UseAsync(journal);
        var gate = new GatedStore(Store) { OnAcquire = _ => new TaskCompletionSource<PartitionProgress>().Task };
        await PartitionHarness.HandOffAsync(Harness.Start(PartitionHarness.Context(Log, gate)));

        Store.Fault = new MetricsStoreUnavailableException("The store is away on purpose.");
        var context = PartitionHarness.Context(
            Log, Store, CountingNode.FastSettings with { MinBackOff = TimeSpan.FromHours(1), MaxBackOff = TimeSpan.FromHours(1) });
        var entity = Harness.Start(context);
        await Board.WaitForAsync(context.Board, board => board.Any(status => status.Phase == PartitionPhase.BackingOff), "the partition to back off");
        await PartitionHarness.HandOffAsync(entity);
        Assert.Empty(context.Board.Snapshot());
    }
}
