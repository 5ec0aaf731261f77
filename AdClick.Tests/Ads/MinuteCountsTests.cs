using AdClick.Actors.Ads;
using AdClick.Actors.Clicks;
using FsCheck.Xunit;
using Xunit;

namespace AdClick.Tests.Ads;

public sealed class MinuteCountsTests
{
    private static readonly CountingTerms Terms = new(600_000, 0);

    [Property(MaxTest = 200)]
    public void Touched_and_handed_over_counters_are_those_that_changed_and_absolute((byte Minute, byte Outcome, byte Then)[] adds)
    {
        var counts = new MinuteCounts();
        var all = new Dictionary<(int, ClickOutcome), uint>();
        var touched = new HashSet<(int, ClickOutcome)>();
        var changed = new HashSet<(int, ClickOutcome)>();
        foreach (var add in adds)
        {
            var key = (add.Minute % 12, (ClickOutcome)(add.Outcome % ClickOutcomes.Count));
            counts.Add(key.Item1, key.Item2);
            all[key] = all.GetValueOrDefault(key) + 1;
            touched.Add(key);
            changed.Add(key);
            if (add.Then % 4 == 0)
            {
                AssertAre(touched, counts.TakeTouched());
                touched.Clear();
            }

            if (add.Then % 16 == 0)
            {
                AssertAre(touched, counts.TakeTouched()); // as an ad does before it hands over
                touched.Clear();
                AssertAre(changed, counts.HandOver(all: false, out _));
                counts.MarkHandedOver();
                changed.Clear();
            }
        }

        AssertAre([.. all.Keys], counts.HandOver(all: true, out var endMs));
        Assert.Equal(all.Count == 0 ? 0 : (all.Keys.Max(key => key.Item1) + 1) * 60_000L, endMs);

        void AssertAre(HashSet<(int, ClickOutcome)> keys, MinuteCell[] cells) => Assert.Equal(
            keys.ToDictionary(key => key, key => all[key]), cells.ToDictionary(cell => (cell.Minute, cell.Outcome), cell => cell.Clicks));
    }

    [Fact]
    public void A_counter_is_forgotten_only_when_handed_over_and_passed_by_a_completed_checkpoint()
    {
        var counts = new MinuteCounts();
        counts.Add(10, ClickOutcome.Accepted);
        var lastMs = (11 * 60_000L) - 1;
        counts.Forget(Terms, lastMs + Terms.AllowedLatenessMs + 1);
        Assert.Equal(1, counts.Count); // not handed over
        counts.MarkHandedOver();
        counts.Forget(Terms, lastMs + Terms.AllowedLatenessMs);
        Assert.Equal(1, counts.Count); // a click of its last millisecond would still be counted
        counts.Forget(Terms, lastMs + Terms.AllowedLatenessMs + 1);
        Assert.Equal(0, counts.Count);
    }

    [Fact]
    public void The_last_minute_that_a_record_can_name_fits()
    {
        var cell = new MinuteCell(MinuteCounts.MinuteOf(8_000_000_000_000 - 1), ClickOutcome.InactiveAd, 1);
        var counts = new MinuteCounts();
        counts.Load(cell);
        counts.Add(cell.Minute, cell.Outcome);
        Assert.Equal([new MinuteCell(cell.Minute, cell.Outcome, 2)], counts.TakeTouched());
    }

    [Fact]
    public void A_counter_at_its_limit_refuses_rather_than_begin_anew()
    {
        var counts = new MinuteCounts();
        counts.Load(new MinuteCell(1, ClickOutcome.Duplicate, uint.MaxValue));
        Assert.Throws<OverflowException>(() => counts.Add(1, ClickOutcome.Duplicate));
    }
}
