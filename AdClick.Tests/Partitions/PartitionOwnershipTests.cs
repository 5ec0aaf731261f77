using AdClick.Actors.Partitions;
using Akka.Actor;
using Xunit;

namespace AdClick.Tests.Partitions;

/// <summary>An owner that was frozen, and is woken after another took over, writes nothing anywhere.</summary>
public sealed class PartitionOwnershipTests : PartitionTest
{
    [Theory, OnSqlite, OnPostgres]
    public async Task A_stale_owner_is_stopped_by_its_flush_and_writes_neither_counts_nor_a_checkpoint(JournalKind journal)
    {
        await UseAsync(journal);
        // The old owner freezes at the moment when its flush, the first step of a checkpoint, is on its way.
        var frozen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var gate = new GatedStore(Store)
        {
            OnFlush = async (flush, write) =>
            {
                if (flush.Counts.Count > 0)
                {
                    reached.TrySetResult();
                    await frozen.Task;
                }

                await write();
            },
        };
        var old = await StartOwnerAsync(PartitionHarness.Context(Log, gate));
        Append(1, 1);
        await reached.Task.WaitAsync(TimeSpan.FromSeconds(30));

        var entity = Harness.Start(PartitionHarness.Context(Log, Store));
        Append(2, 1);
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        await PartitionHarness.HandOffAsync(entity);
        var (counts, rows) = (Store.Counts(), Rows());

        var stopped = old.WatchAsync();
        frozen.SetResult();
        await stopped.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(counts, Store.Counts());
        Assert.Equal(rows, Rows());
    }

    [Theory, OnSqlite, OnPostgres]
    public async Task A_stale_owner_that_got_past_the_flush_is_stopped_by_the_journals_unique_key(JournalKind journal)
    {
        await UseAsync(journal);
        // The fence is taken away: the old owner's flushes seem to succeed.
        var isOver = false;
        var gate = new GatedStore(Store) { OnFlush = (_, write) => isOver ? Task.CompletedTask : write() };
        var context = PartitionHarness.Context(Log, gate, CountingNode.FastSettings with { CheckpointInterval = TimeSpan.FromHours(1) });
        var old = await StartOwnerAsync(context);
        await Board.WaitForAsync(context.Board, _ => Rows().Count > 0, "its first checkpoint, of the terms");
        isOver = true;

        var entity = Harness.Start(PartitionHarness.Context(Log, Store));
        Append(1, 1);
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        await PartitionHarness.HandOffAsync(entity);
        var (counts, rows) = (Store.Counts(), Rows());
        Assert.True(rows.Count > 1);

        var stopped = old.WatchAsync();
        old.Tell(PartitionActor.Tick.Checkpoint);
        await stopped.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(counts, Store.Counts());
        Assert.Equal(rows, Rows());
    }

    [Theory, OnSqlite, OnPostgres]
    public async Task Every_start_raises_the_owner_epoch_and_a_checkpoint_names_its_writer(JournalKind journal)
    {
        await UseAsync(journal);
        for (var owner = 1; owner <= 3; owner++)
        {
            Append(owner, 1);
            var entity = Harness.Start(PartitionHarness.Context(Log, Store));
            await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
            await PartitionHarness.HandOffAsync(entity);
            Assert.Equal(owner, Journal.Checkpoints(PersistenceId)[^1].OwnerEpoch);
        }
    }

    [Theory, OnSqlite, OnPostgres]
    public async Task An_owner_that_lost_its_partition_does_not_take_it_back_at_once(JournalKind journal)
    {
        await UseAsync(journal);
        var former = PartitionHarness.Context(Log, Store, CountingNode.FastSettings with { StaleOwnerPause = TimeSpan.FromHours(1) });
        Harness.Start(former);
        Append(1, 1);
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);

        var newer = PartitionHarness.Context(Log, Store);
        Harness.Start(newer);
        await Board.WaitForAsync(newer.Board, board => board.Any(status => status is { Phase: PartitionPhase.Running, OwnerEpoch: 2 }), "the newer owner to run");
        Append(2, 1); // with nothing to flush, nobody notices
        await Board.WaitForAsync(former.Board, board => board.Any(status => status.Phase == PartitionPhase.BackingOff), "the former one to notice");
        for (var more = 0; more < 20; more++)
        {
            Append(3 + more, 1);
            await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        }

        Assert.Equal(2, newer.Board.Snapshot()[0].OwnerEpoch);
        Assert.Equal(PartitionPhase.BackingOff, former.Board.Snapshot()[0].Phase);
        AssertCounts(accepted: 22, duplicates: 0);
    }

    private IReadOnlyList<string> Rows() => [.. Journal.Read(PersistenceId).Select(row => $"{row.SequenceNr} {row.Message}")];

    /// <summary>An owner without the entity that would start it again.</summary>
    private async Task<IActorRef> StartOwnerAsync(PartitionContext context)
    {
        var acquired = await context.Store.AcquireAsync(Log.Identity, 0, CancellationToken.None);
        var parent = Harness.System.ActorOf(Props.Create(() => new Parent(PartitionActor.Props(context, acquired, context.Log.RangeOf(0)))));
        return await parent.Ask<IActorRef>("who?", TimeSpan.FromSeconds(30));
    }

    private sealed class Parent : UntypedActor
    {
        private readonly IActorRef _owner;

        public Parent(Props owner) => _owner = Context.ActorOf(owner);

        protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

        protected override void OnReceive(object message) => Sender.Tell(_owner);
    }
}
