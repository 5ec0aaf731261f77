using AdClick.Actors.Metrics;
using AdClick.Actors.Partitions;
using AdClick.Tests.Support;
using Akka.Actor;
using Xunit;

namespace AdClick.Tests.Partitions;

/// <summary>What operators want of a partition: whatever they do, and when, every click is counted once.</summary>
public sealed class PartitionOrderTests : PartitionTest
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly PartitionOrder Pause = new() { Pause = "somebody" };
    private static readonly PartitionOrder Resume = new() { Resume = "somebody" };

    [Theory, OnSqlite, OnPostgres]
    public async Task A_paused_partition_stands_at_a_checkpoint_also_for_later_owners_until_it_is_resumed(JournalKind journal)
    {
        await UseAsync(journal);
        var context = PartitionHarness.Context(Log, Store);
        var entity = Harness.Start(context);
        Append(1, 100);
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);

        Assert.Equal("It is paused at offset 100.", Done(await AskAsync(entity, Pause)));
        Append(51, 100);
        var status = Assert.Single(context.Board.Snapshot());
        Assert.Equal((PartitionPhase.Paused, 100, 100, 100), (status.Phase, status.NextOffset, status.FlushedOffset, status.CheckpointOffset));
        Assert.StartsWith("somebody, 2", status.PausedBy, StringComparison.Ordinal);
        Assert.Contains("clicks resume -p 0", status.Reason, StringComparison.Ordinal);
        Assert.Contains("paused already, by operator somebody", Refused(await AskAsync(entity, Pause)), StringComparison.Ordinal);
        Assert.Contains("does not count now", Refused(await AskAsync(entity, new PartitionOrder { Checkpoint = true })), StringComparison.Ordinal);

        // Moved or started again, it stays where it is.
        await PartitionHarness.HandOffAsync(entity);
        entity = Harness.Start(context);
        await PausedAsync(context);
        Assert.Equal(100, Assert.Single(await Store.ReadProgressAsync(Log.Identity.Epoch, default)).FlushedOffset);
        Assert.Equal(status.PausedBy, Assert.Single(context.Board.Snapshot()).PausedBy);

        Done(await AskAsync(entity, Resume));
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        AssertCounts(accepted: 150, duplicates: 50);
        Assert.Null(Assert.Single(context.Board.Snapshot()).PausedBy);
        Assert.Contains("not paused", Refused(await AskAsync(entity, Resume)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pausing_again_and_again_while_clicks_come_counts_each_once()
    {
        var context = PartitionHarness.Context(Log, Store, CountingNode.FastSettings with { MaxBatchRecords = 7 });
        var entity = Harness.Start(context);
        for (var round = 0; round < 4; round++)
        {
            Append(1 + (50 * round), 100);
            await AskAsync(entity, Pause);
            Append(51 + (50 * round), 20);
            await AskAsync(entity, Resume);
        }

        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        AssertCounts(accepted: 250, duplicates: (4 * 120) - 250);
    }

    [Fact]
    public async Task A_partition_that_paused_itself_is_resumed_when_what_was_wrong_is_mended_and_pauses_again_while_it_is_not()
    {
        Append(1, 10);
        var log = new WatchedClickLog(Log) { IsDamaged = true };
        var context = PartitionHarness.Context(log, Store);
        var entity = Harness.Start(context);
        await PausedAsync(context);

        var change = context.Board.NextChange;
        Done(await AskAsync(entity, Resume));
        await change.WaitAsync(Patience);
        await Board.WaitForAsync(context.Board, board => board.Any(status => status is { Phase: PartitionPhase.Paused, PausedBy: null }) && log.Offsets.Count >= 2, "it to pause again");

        log.IsDamaged = false;
        Done(await AskAsync(entity, Resume));
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        AssertCounts(accepted: 10, duplicates: 0);
    }

    [Fact]
    public async Task Without_the_store_nothing_is_paused_and_it_says_so()
    {
        var context = PartitionHarness.Context(Log, Store);
        var entity = Harness.Start(context);
        Append(1, 10);
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        Store.Fault = new MetricsStoreUnavailableException("The store is away on purpose.");
        Assert.Equal("Nothing was changed: The store is away on purpose.", Refused(await AskAsync(entity, Pause)));

        Store.Fault = null;
        Append(11, 10);
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        Assert.Null(Assert.Single(context.Board.Snapshot()).PausedBy);
    }

    [Theory, OnSqlite, OnPostgres]
    public async Task A_checkpoint_is_answered_when_all_that_was_read_lies_below_it(JournalKind journal)
    {
        await UseAsync(journal);
        var context = PartitionHarness.Context(Log, Store, CountingNode.FastSettings with { CheckpointInterval = TimeSpan.FromHours(1) });
        var entity = Harness.Start(context);
        Append(1, 100);
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);

        Assert.Equal("The checkpoint stands at offset 100.", Done(await AskAsync(entity, new PartitionOrder { Checkpoint = true })));
        Assert.Equal(100, Assert.Single(context.Board.Snapshot()).CheckpointOffset);
        Assert.Equal("The checkpoint stands at offset 100.", Done(await AskAsync(entity, new PartitionOrder { Checkpoint = true })));
    }

    [Fact]
    public async Task A_partition_tells_what_it_holds_of_an_ad()
    {
        var context = PartitionHarness.Context(Log, Store);
        var entity = Harness.Start(context);
        Append(1, 30);
        Append(1, 5);
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);

        var held = Assert.Single((await AskAsync(entity, new PartitionOrder { DescribeAd = "ad" })).SubShards);
        Assert.Equal((0, 30), (held.SubShard, held.Impressions));
        Assert.True(held.AliveUntilMs > TestClick.Start);
        Assert.Empty((await AskAsync(entity, new PartitionOrder { DescribeAd = "other" })).SubShards);
    }

    private static Task<PartitionAnswer> AskAsync(IActorRef entity, PartitionOrder order) => entity.Ask<PartitionAnswer>(order, Patience);

    private static string Done(PartitionAnswer answer)
    {
        Assert.True(answer.Done, answer.Text);
        return answer.Text;
    }

    private static string Refused(PartitionAnswer answer)
    {
        Assert.False(answer.Done, answer.Text);
        return answer.Text;
    }
}
