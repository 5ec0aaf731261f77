using System.Diagnostics;
using AdClick.Actors.Clicks;
using AdClick.Tests.Support;
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
        var started = Stopwatch.StartNew();
        await using (var node = await CountingNode.StartAsync(_folder, log, store))
        {
            log.Append(2, TestClick.Start, TestClick.Record(ad, 1, 1, TestClick.Start));
            log.Append(2, TestClick.Start, TestClick.Record(ad, 1, 2, TestClick.Start));
            await store.WaitForAsync(log.Identity.Epoch, rows => rows.Any(row => row is { Partition: 2, FlushedOffset: 2 }), "two clicks in the store");
            Assert.InRange(started.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(8));
            await node.WaitForAsync(board => board.Count == 4, "all partitions to run");
            await Task.Delay(TimeSpan.FromSeconds(1.2)); // let the waker wake: what it sends once the region is closing must not hold up the stop
            started.Restart();
        }

        // Well below the 20 s and more that any time-out on the way would take.
        Assert.InRange(started.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(10));
        await using (var node = await CountingNode.StartAsync(_folder, log, store))
        {
            await node.WaitForAsync(board => board.Any(status => status is { Partition: 2, OwnerEpoch: 2, CheckpointOffset: 2, NextOffset: 2, Impressions: 1 }),
                "the partition to go on from its last checkpoint");
            log.Append(2, TestClick.Start, TestClick.Record(ad, 1, 3, TestClick.Start));
            await store.WaitForAsync(log.Identity.Epoch, rows => rows.Any(row => row is { Partition: 2, FlushedOffset: 3 }), "the third click in the store");
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
}
