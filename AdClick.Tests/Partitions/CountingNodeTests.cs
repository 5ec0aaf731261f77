using AdClick.Actors.Clicks;
using AdClick.Tests.Support;
using Akka.Actor;
using Xunit;

namespace AdClick.Tests.Partitions;

public sealed class CountingNodeTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_node_starts_counts_and_goes_on_after_a_graceful_stop_without_replaying()
    {
        var log = new InMemoryClickLog(4);
        var store = new InMemoryMetricsStore();
        var ad = TestClick.AdIn(2, 4);
        await using (var node = await CountingNode.StartAsync(_folder, log, store))
        {
            log.Append(2, TestClick.Start, TestClick.Record(ad, 1, 1, TestClick.Start));
            log.Append(2, TestClick.Start, TestClick.Record(ad, 1, 2, TestClick.Start));
            await store.WaitForAsync(
                log.Identity.Epoch, rows => rows.Any(row => row is { Partition: 2, FlushedOffset: 2 }), "two clicks in the store");
            await node.WaitForAsync(board => board.Count == 4, "all partitions to run");
        }

        await using (var node = await CountingNode.StartAsync(_folder, log, store))
        {
            await node.WaitForAsync(board => board.Any(
                status => status is { Partition: 2, OwnerEpoch: 2, CheckpointOffset: 2, NextOffset: 2, Impressions: 1 }),
                "the partition to go on from its last checkpoint");
            log.Append(2, TestClick.Start, TestClick.Record(ad, 1, 3, TestClick.Start));
            await store.WaitForAsync(
                log.Identity.Epoch, rows => rows.Any(row => row is { Partition: 2, FlushedOffset: 3 }), "the third click in the store");
        }

        var minute = (int)(TestClick.Start / 60_000);
        Assert.Equal(
            new Dictionary<(string, int, int, ClickOutcome), long>
            {
                [(ad, 0, minute, ClickOutcome.Accepted)] = 1,
                [(ad, 0, minute, ClickOutcome.Duplicate)] = 2,
            },
            store.Counts());
    }

    [Fact]
    public async Task A_node_that_is_killed_goes_on_from_its_checkpoint_and_counts_everything_once()
    {
        var log = new InMemoryClickLog(4);
        var store = new InMemoryMetricsStore();
        for (var life = 0; life < 3; life++)
        {
            var node = await CountingNode.StartAsync(_folder, log, store, CountingNode.FastSettings with { MaxBatchRecords = 20 });
            for (var i = 0; i < 2_000; i++)
            {
                var adId = $"ad{i % 50}";
                log.Append(TestClick.PartitionOf(adId, 0, 4), TestClick.Start, TestClick.Record(adId, i, (ulong)life, TestClick.Start));
                if (i == 1_000)
                {
                    await node.WaitForAsync(board => board.Sum(status => status.NextOffset) > life * 2_000, "the partitions to count");
                }
            }

            await node.KillAsync();
        }

        await using var last = await CountingNode.StartAsync(_folder, log, store);
        await PartitionHarness.WaitUntilFlushedAsync(log, store);
        var byOutcome = store.Counts().GroupBy(count => count.Key.Outcome).ToDictionary(group => group.Key, group => group.Sum(count => count.Value));
        Assert.Equal(new Dictionary<ClickOutcome, long> { [ClickOutcome.Accepted] = 2_000, [ClickOutcome.Duplicate] = 4_000 }, byOutcome);
    }

    [Fact]
    public async Task Nobody_wakes_partitions_any_more_when_a_stopping_node_hands_them_off()
    {
        // A region that is shutting down keeps wake-ups for partitions that have gone, and then waits for them to its time-out.
        var log = new InMemoryClickLog(2);
        var store = new InMemoryMetricsStore();
        var isStopping = false;
        var lastFlush = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var gate = new GatedStore(store)
        {
            OnFlush = async (_, write) =>
            {
                if (Volatile.Read(ref isStopping))
                {
                    lastFlush.TrySetResult();
                    await goOn.Task;
                }

                await write();
            },
        };
        var node = await CountingNode.StartAsync(_folder, log, gate, CountingNode.FastSettings with { CheckpointInterval = TimeSpan.FromHours(1) });
        log.Append(1, TestClick.Start, TestClick.Record(TestClick.AdIn(1, 2), 1, 1, TestClick.Start));
        await PartitionHarness.WaitUntilFlushedAsync(log, store);
        var waker = node.System.ActorSelection("/user/partition-waker");
        var region = node.System.ActorSelection("/system/sharding/partitions");
        await waker.ResolveOne(TimeSpan.FromSeconds(30)); // there it is, and below it is not

        Volatile.Write(ref isStopping, true);
        var stopped = node.DisposeAsync().AsTask();
        await lastFlush.Task.WaitAsync(TimeSpan.FromSeconds(30)); // the hand-off is under way, and held here
        await Assert.ThrowsAsync<ActorNotFoundException>(() => waker.ResolveOne(TimeSpan.FromSeconds(30)));
        await region.ResolveOne(TimeSpan.FromSeconds(30));
        goOn.SetResult();
        await stopped.WaitAsync(TimeSpan.FromSeconds(15)); // any time-out on the way takes 20 s and more
    }
}
