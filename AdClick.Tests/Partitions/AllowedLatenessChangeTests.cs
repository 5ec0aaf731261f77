using AdClick.Actors.Clicks;
using AdClick.Actors.Partitions;
using Akka.Actor;
using Xunit;

namespace AdClick.Tests.Partitions;

/// <summary>A changed lateness takes effect at a checkpoint, and what was judged before is judged alike in a replay.</summary>
public sealed class AllowedLatenessChangeTests : PartitionTest
{
    [Fact]
    public async Task A_longer_allowed_lateness_takes_effect_at_a_checkpoint_of_its_own_and_brings_nothing_back()
    {
        var shortly = CountingNode.FastSettings with { AllowedLateness = TimeSpan.FromMinutes(10) };
        var entity = Harness.Start(PartitionHarness.Context(Log, Store, shortly));
        Mark(TestClick.Start + TestClick.Hour);
        Click(1, ageMinutes: 30); // late by ten minutes
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        await PartitionHarness.HandOffAsync(entity);

        var context = PartitionHarness.Context(Log, Store, shortly with { AllowedLateness = TimeSpan.FromMinutes(40) });
        entity = Harness.Start(context);
        await Board.WaitForAsync(
            context.Board,
            _ => Journal.Checkpoints(PersistenceId)[^1].AllowedLatenessMs == 40 * TestClick.Minute,
            "a checkpoint of the new lateness");
        var change = Journal.Checkpoints(PersistenceId)[^1];
        Assert.Equal((2, 40 * TestClick.Minute), (change.Offset, change.AllowedLatenessMs));
        Assert.Equal(TestClick.Start + (50 * TestClick.Minute), change.CountedFromMs);

        Click(2, ageMinutes: 30); // its counter may have been forgotten under the shorter one: late for ever
        Mark(TestClick.Start + (2 * TestClick.Hour));
        Click(3, ageMinutes: 80 - 50); // half an hour before the new clock: in time now
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        Assert.Equal(
            [(ClickOutcome.Late, 2L), (ClickOutcome.Accepted, 1L)],
            Store.Counts().GroupBy(count =>
                count.Key.Outcome).Select(group => (group.Key, group.Sum(count => count.Value))).OrderByDescending(x => x.Item2));

        void Click(int impression, int ageMinutes)
        {
            var now = Log.NewestAppendTime.ToUnixTimeMilliseconds();
            Log.Append(0, now, TestClick.Record("ad", impression, 1, now - (ageMinutes * TestClick.Minute)));
        }
    }

    [Fact]
    public async Task Reading_waits_while_the_allowed_lateness_changes()
    {
        var shortly = CountingNode.FastSettings with { AllowedLateness = TimeSpan.FromMinutes(10) };
        var entity = Harness.Start(PartitionHarness.Context(Log, Store, shortly));
        Mark(TestClick.Start);
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        await PartitionHarness.HandOffAsync(entity);

        var (gate, changing, goOn) = HoldFlushes();
        var watched = new WatchedClickLog(Log);
        var context = PartitionHarness.Context(watched, gate, shortly with { AllowedLateness = TimeSpan.FromMinutes(40) });
        Harness.Start(context);
        await changing.WaitAsync(TimeSpan.FromSeconds(30));
        Mark(TestClick.Start + TestClick.Hour);
        Log.Append(0, TestClick.Start + TestClick.Hour, TestClick.Record("ad", 1, 1, TestClick.Start + (30 * TestClick.Minute)));

        // The stream holds the batch, and the partition has done ten more things: it would have counted it, if reading did not wait.
        await watched.Read.WaitAsync(TimeSpan.FromSeconds(30));
        await Board.WaitForChangesAsync(context.Board, 10);
        goOn.SetResult();
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        Assert.Equal(ClickOutcome.Accepted, Assert.Single(Store.Counts()).Key.Outcome);
    }

    [Fact]
    public async Task A_batch_that_was_asked_for_before_the_change_is_judged_by_the_new_lateness()
    {
        var longer = CountingNode.FastSettings with { AllowedLateness = TimeSpan.FromMinutes(40) };
        var entity = Harness.Start(PartitionHarness.Context(Log, Store, longer));
        Mark(TestClick.Start);
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        await PartitionHarness.HandOffAsync(entity);
        Mark(TestClick.Start); // is replayed, so the change begins when reading goes on already

        var (gate, changing, goOn) = HoldFlushes();
        var context = PartitionHarness.Context(Log, gate, longer with { AllowedLateness = TimeSpan.FromMinutes(10) });
        Harness.Start(context);
        await changing.WaitAsync(TimeSpan.FromMinutes(1));
        Log.Append(0, TestClick.Start, TestClick.Record("ad", 1, 1, TestClick.Start - (30 * TestClick.Minute)));
        await Board.WaitForChangesAsync(context.Board, 10); // time enough to count it by the old one
        goOn.SetResult();
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        Assert.Equal(ClickOutcome.Late, Assert.Single(Store.Counts()).Key.Outcome);
    }

    [Fact]
    public async Task What_was_flushed_of_a_batch_half_counted_is_judged_again_by_the_same_lateness()
    {
        var settings = CountingNode.FastSettings with { AllowedLateness = TimeSpan.FromMinutes(10) };
        var gate = new GatedStore(Store);
        var context = PartitionHarness.Context(Log, gate, settings);
        var entity = Harness.Start(context);
        Log.Append(0, TestClick.Start, TestClick.Record("b", 1, 1, TestClick.Start));
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);

        // Ad "b" answers no more, so that no batch with a click of it can be counted as a whole.
        var silent = await Harness.System.ActorSelection(entity.Path / "*" / "b:0").ResolveOne(TimeSpan.FromSeconds(30));
        ((IInternalActorRef)silent).Suspend();
        var half = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        gate.OnFlush = async (flush, write) =>
        {
            await write();
            if (flush is { LateClicks.Count: 1, Progress.FlushedOffset: 1 })
            {
                half.TrySetResult();
                await new TaskCompletionSource().Task; // it is not told, and does no more
            }
        };
        var now = TestClick.Start + TestClick.Hour;
        Log.Append(0, now, TestClick.Record("b", 1, 2, now));
        Log.Append(0, now, TestClick.Record("a", 1, 1, now - (30 * TestClick.Minute))); // late by twenty minutes, in time under the second lateness
        await TellFlushUntilAsync(entity, context, _ => half.Task.IsCompleted);
        Harness.Stop(entity);

        Harness.Start(PartitionHarness.Context(Log, Store, settings with { AllowedLateness = TimeSpan.FromMinutes(40) }));
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        Assert.Equal(
            (ClickOutcome.Late, 1L),
            Assert.Single(Store.Counts().Where(count => count.Key.AdId == "a").Select(count => (count.Key.Outcome, count.Value))));
    }

    /// <summary>A store that tells when the first flush is on its way, and holds all back until it may go on.</summary>
    private (GatedStore Store, Task FirstFlush, TaskCompletionSource GoOn) HoldFlushes()
    {
        var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var store = new GatedStore(Store)
        {
            OnFlush = async (_, write) =>
            {
                first.TrySetResult();
                await goOn.Task;
                await write();
            },
        };
        return (store, first.Task, goOn);
    }
}
