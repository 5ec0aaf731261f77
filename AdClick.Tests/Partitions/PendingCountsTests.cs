using AdClick.Actors.Ads;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Actors.Partitions;
using Akka.Actor;
using FsCheck.Xunit;
using Xunit;

namespace AdClick.Tests.Partitions;

public sealed class PendingCountsTests
{
    private static readonly PartitionProgress Progress = new() { LogEpoch = Guid.Empty, Partition = 0, OwnerEpoch = 1 };

    [Property]
    public void A_flush_holds_the_newest_count_of_every_counter_put_since_the_one_before((byte Ad, byte Minute, byte Outcome, bool Flush)[] puts)
    {
        AdSlot[] slots = [.. Enumerable.Range(0, 3).Select(i => new AdSlot(i, new AdKey($"ad{i}", i), ActorRefs.Nobody))];
        var pending = new PendingCounts();
        var expected = new Dictionary<(int Slot, int Minute, ClickOutcome Outcome), uint>();
        for (var i = 0; i < puts.Length; i++)
        {
            var put = puts[i];
            var key = (put.Ad % 3, put.Minute % 5, (ClickOutcome)(put.Outcome % ClickOutcomes.Count));
            expected[key] = (uint)i;
            pending.Put(slots[key.Item1], [new MinuteCell(key.Item2, key.Item3, (uint)i)]);
            Assert.Equal(expected.Count, pending.Count);
            if (put.Flush)
            {
                var flush = pending.Take(Progress);
                Assert.Equal(
                    expected.Select(one =>
                        new MinuteCount($"ad{one.Key.Slot}", one.Key.Slot, one.Key.Minute, one.Key.Outcome, one.Value)).ToHashSet(),
                    flush.Counts.ToHashSet());
                Assert.Equal(expected.Count, flush.Counts.Count);
                Assert.Equal(0, pending.Count);
                expected.Clear();
            }
        }
    }

    [Fact]
    public void Late_clicks_and_rejected_records_count_as_rows_and_go_with_the_next_flush()
    {
        var pending = new PendingCounts();
        pending.Put([new LateClick(1, "ad", 0, 1, ClickOutcome.Late, default, 0), new LateClick(2, "ad", 0, 1, ClickOutcome.Bot, default, 0)]);
        pending.Put([new RejectedRecord(3, "It is garbage.", [1])]);
        Assert.Equal(3, pending.Count);
        var flush = pending.Take(Progress);
        Assert.Equal((2, 1, 0), (flush.LateClicks.Count, flush.Rejected.Count, pending.Count));
        Assert.Empty(pending.Take(Progress).LateClicks);
    }
}
