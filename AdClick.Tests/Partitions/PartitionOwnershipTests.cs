using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Actors.Partitions;
using AdClick.Tests.Support;
using Akka.Actor;
using Xunit;

namespace AdClick.Tests.Partitions;

/// <summary>An owner that was frozen, and is woken after another took over, writes nothing anywhere.</summary>
public sealed class PartitionOwnershipTests : IAsyncLifetime
{
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
    public async Task A_stale_owner_is_stopped_by_its_flush_and_writes_neither_counts_nor_a_checkpoint()
    {
        // The old owner freezes at the moment when its flush, the first step of a checkpoint, is on its way.
        var frozen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var gate = new GatedStore(_store)
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
        var old = await StartOwnerAsync(gate);
        Append(1);
        await reached.Task.WaitAsync(TimeSpan.FromSeconds(30));

        var entity = _harness.Start(PartitionHarness.Context(_log, _store));
        Append(2);
        await PartitionHarness.WaitUntilFlushedAsync(_log, _store);
        await PartitionHarness.HandOffAsync(entity);
        var (counts, rows) = (_store.Counts(), Rows());

        var stopped = old.WatchAsync();
        frozen.SetResult();
        await stopped.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(counts, _store.Counts());
        Assert.Equal(rows, Rows());
    }

    [Fact]
    public async Task A_stale_owner_that_got_past_the_flush_is_stopped_by_the_journals_unique_key()
    {
        // The fence is taken away: the old owner's flushes seem to succeed.
        var isOver = false;
        var gate = new GatedStore(_store) { OnFlush = (_, write) => isOver ? Task.CompletedTask : write() };
        var old = await StartOwnerAsync(gate, TimeSpan.FromHours(1));
        await WaitForRowsAsync(1); // its first checkpoint, of the terms
        isOver = true;

        var entity = _harness.Start(PartitionHarness.Context(_log, _store));
        Append(1);
        await PartitionHarness.WaitUntilFlushedAsync(_log, _store);
        await PartitionHarness.HandOffAsync(entity);
        var (counts, rows) = (_store.Counts(), Rows());
        Assert.True(rows.Count > 1);

        var stopped = old.WatchAsync();
        old.Tell(PartitionActor.Tick.Checkpoint);
        await stopped.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(counts, _store.Counts());
        Assert.Equal(rows, Rows());
    }

    [Fact]
    public async Task Every_start_raises_the_owner_epoch_and_a_checkpoint_names_its_writer()
    {
        for (var owner = 1; owner <= 3; owner++)
        {
            Append(owner);
            var entity = _harness.Start(PartitionHarness.Context(_log, _store));
            await PartitionHarness.WaitUntilFlushedAsync(_log, _store);
            await PartitionHarness.HandOffAsync(entity);
            Assert.Equal(owner, TestJournal.Checkpoints(_folder["journal.db"], Id)[^1].OwnerEpoch);
        }
    }

    private string Id => PartitionActor.PersistenceIdOf(_log.Identity.Epoch, 0);

    private IReadOnlyList<string> Rows() => [.. TestJournal.Read(_folder["journal.db"], Id).Select(row => $"{row.SequenceNr} {row.Message}")];

    private void Append(int impression) => _log.Append(0, TestClick.Start, TestClick.Record("ad", impression, 1, TestClick.Start));

    private async Task WaitForRowsAsync(int rows)
    {
        for (var i = 0; i < 3_000 && TestJournal.Read(_folder["journal.db"], Id).Count < rows; i++)
        {
            await Task.Delay(10);
        }

        Assert.True(TestJournal.Read(_folder["journal.db"], Id).Count >= rows, "Waited 30 s for a checkpoint.");
    }

    /// <summary>An owner without the entity that would start it again.</summary>
    private async Task<IActorRef> StartOwnerAsync(GatedStore store, TimeSpan? checkpointInterval = null)
    {
        var settings = CountingNode.FastSettings with { CheckpointInterval = checkpointInterval ?? CountingNode.FastSettings.CheckpointInterval };
        var acquired = await store.AcquireAsync(_log.Identity, 0, CancellationToken.None);
        var parent = _harness.System.ActorOf(
            Props.Create(() => new Parent(PartitionActor.Props(PartitionHarness.Context(_log, store, settings), acquired))));
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
