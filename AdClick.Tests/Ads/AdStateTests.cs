using AdClick.Actors.Ads;
using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.Partitions;
using AdClick.Tests.Partitions;
using FsCheck.Xunit;
using Google.Protobuf;
using Xunit;

namespace AdClick.Tests.Ads;

public sealed class AdStateTests
{
    private static readonly AdKey Key = new("ad", 0);
    private static readonly CountingTerms Terms = new(ClickSpec.AllowedLatenessMs, 0);

    [Property(MaxTest = 400, EndSize = 400)]
    public void The_counting_rule_agrees_with_a_naive_one_wherever_the_state_is_saved_and_loaded(ClickSpec[] specs, byte[] saves)
    {
        // One partition: all ads in one log; saved, and now and then loaded anew, after the records that `saves` says.
        var records = ClickSpec.WriteLog(specs, 1)[0];
        var naive = new NaiveCount(0, 1, ClickSpec.AllowedLatenessMs);
        var ads = new Dictionary<AdKey, Saved>();
        var counts = new Dictionary<(string, int, int, ClickOutcome), long>();
        var late = new Dictionary<(string, int, int, ClickOutcome), long>();
        var decoder = new BatchDecoder(0, 1, 0, 0);
        var checkpointClockMs = 0L;
        for (var i = 0; i < records.Count; i++)
        {
            var (appendTimeMs, record) = records[i];
            var batch = Decode(decoder, i, appendTimeMs, record);
            var expected = naive.Apply(appendTimeMs, record);
            foreach (var group in batch.Groups)
            {
                var click = batch.Clicks[group.Start];
                if (!ads.TryGetValue(group.Key, out var ad))
                {
                    ads.Add(group.Key, ad = new Saved(group.Key));
                }

                Assert.Equal(expected, ad.State.Apply(click, Terms, out var isLate));
                if (isLate)
                {
                    var cell = (group.Key.AdId, group.Key.SubShard, MinuteCounts.MinuteOf(click.EffectiveTimeMs), expected!.Value);
                    late[cell] = late.GetValueOrDefault(cell) + 1;
                }

                foreach (var cell in ad.State.TakeTouchedCounts())
                {
                    counts[(group.Key.AdId, group.Key.SubShard, cell.Minute, cell.Outcome)] = cell.Clicks;
                }
            }

            if (saves.Length > 0 && saves[i % saves.Length] is var save and < 100)
            {
                foreach (var ad in ads.Values)
                {
                    ad.Save(batch.ClockMs, checkpointClockMs, load: save < 50);
                }

                checkpointClockMs = batch.ClockMs;
            }
        }

        foreach (var (cell, clicks) in late)
        {
            counts[cell] = counts.GetValueOrDefault(cell) + clicks;
        }

        Assert.Equal(naive.Counts, counts);
    }

    [Fact]
    public void A_copy_of_a_click_is_a_repeat_and_a_bots_click_does_not_use_up_the_impression()
    {
        var state = new AdState(Key);
        Assert.Equal(ClickOutcome.Bot, Apply(state, 1, 10, ClickVerdict.Bot));
        Assert.Equal(ClickOutcome.Repeat, Apply(state, 1, 10, ClickVerdict.Bot));
        Assert.Equal(ClickOutcome.Accepted, Apply(state, 1, 11));
        Assert.Equal(ClickOutcome.Repeat, Apply(state, 1, 11));
        Assert.Equal(ClickOutcome.Duplicate, Apply(state, 1, 12));
        Assert.Equal(ClickOutcome.InactiveAd, Apply(state, 1, 13, ClickVerdict.InactiveAd));
        Assert.Equal(ClickOutcome.Repeat, Apply(state, 1, 12));
    }

    [Fact]
    public void Nine_nonces_are_kept_and_a_copy_of_a_later_click_is_a_duplicate()
    {
        var state = new AdState(Key);
        Apply(state, 1, 1);
        for (var nonce = 2UL; nonce <= 10; nonce++)
        {
            Assert.Equal(ClickOutcome.Duplicate, Apply(state, 1, nonce));
        }

        Assert.Equal(ClickOutcome.Repeat, Apply(state, 1, 9));
        Assert.Equal(ClickOutcome.Duplicate, Apply(state, 1, 10));
    }

    [Fact]
    public void A_click_after_the_tokens_expiry_is_expired_though_the_gateway_did_not_say_so()
    {
        var state = new AdState(Key);
        Assert.Equal(ClickOutcome.Accepted, Apply(state, 1, 1, expiresAtMs: TestClick.Start));
        Assert.Equal(ClickOutcome.Expired, Apply(state, 2, 1, expiresAtMs: TestClick.Start - 1));
    }

    [Fact]
    public void An_impression_is_let_go_when_the_clock_has_passed_its_bucket_by_the_allowed_lateness_and_so_is_its_counter()
    {
        var state = new AdState(Key);
        Apply(state, 1, 1, expiresAtMs: TestClick.Start + 1);
        var aliveUntil = TestClick.Start + ImpressionWindow.BucketMs;
        Assert.Equal(aliveUntil, state.AliveUntilMs);

        state.HandOver(Terms, aliveUntil + Terms.AllowedLatenessMs, 0, out _);
        Assert.Equal(1, state.Impressions);
        state.HandOver(Terms, aliveUntil + Terms.AllowedLatenessMs + 1, 0, out _);
        Assert.Equal(0, state.Impressions);

        // The counter goes only with a completed checkpoint beyond it.
        Assert.NotEqual(0, state.CopyAll(Terms, long.MaxValue / 2)[0].MinuteCounts.Length);
        state.HandOver(Terms, aliveUntil + Terms.AllowedLatenessMs, aliveUntil + Terms.AllowedLatenessMs, out _);
        Assert.Equal(0, state.CopyAll(Terms, long.MaxValue / 2)[0].MinuteCounts.Length);
    }

    [Fact]
    public void A_delta_holds_only_what_changed_since_the_one_before()
    {
        var state = new AdState(Key);
        Apply(state, 1, 1);
        Apply(state, 2, 1);
        Assert.Equal(2 * WindowEntry.ByteLength, Assert.Single(HandOver(state)).Impressions.Length);
        Assert.Equal(0, Assert.Single(HandOver(state)).CalculateSize() - new AdDelta { AdId = "ad" }.CalculateSize());
        Apply(state, 2, 2);
        Apply(state, 3, 1);
        var delta = Assert.Single(HandOver(state));
        Assert.Equal(2 * WindowEntry.ByteLength, delta.Impressions.Length);
        Assert.Equal([2u], Assert.Single(delta.FurtherNonces).Nonces);
        Assert.Equal(2 * 8, delta.MinuteCounts.Length);
    }

    [Fact]
    public void A_large_state_comes_in_deltas_that_fit_into_journal_events_and_loads_whole()
    {
        var state = new AdState(Key);
        for (var i = 0; i < 20_000; i++)
        {
            Apply(state, i, 1);
            if (i % 4 == 0)
            {
                Apply(state, i, 2);
            }
        }

        var deltas = state.CopyAll(Terms, TestClick.Start);
        Assert.All(deltas, delta => Assert.InRange(delta.CalculateSize(), 1, 200 * 1024));
        var loaded = new AdState(Key);
        foreach (var delta in deltas)
        {
            loaded.Load(AdDelta.Parser.ParseFrom(delta.ToByteArray()));
        }

        Assert.Equal(20_000, loaded.Impressions);
        for (var i = 0; i < 20_000; i++)
        {
            Assert.Equal(ClickOutcome.Repeat, Apply(loaded, i, 1));
            Assert.Equal(i % 4 == 0 ? ClickOutcome.Repeat : ClickOutcome.Duplicate, Apply(loaded, i, 2));
        }
    }

    [Fact]
    public void An_impression_that_died_and_came_again_loads_without_the_nonces_of_its_first_life()
    {
        var first = new AdState(Key);
        Apply(first, 1, 1);
        Apply(first, 1, 2);
        var loaded = new AdState(Key);
        loaded.Load(HandOver(first)[0]);
        var again = new AdState(Key);
        Apply(again, 1, 3);
        loaded.Load(HandOver(again)[0]);
        Assert.Equal(ClickOutcome.Duplicate, Apply(loaded, 1, 4));
        Assert.Equal(ClickOutcome.Duplicate, Apply(loaded, 1, 2));
    }

    [Theory]
    [InlineData(10, 60)]
    [InlineData(60, 10)]
    public void What_was_late_under_the_old_lateness_stays_late_under_the_new(int minutesBefore, int minutesAfter)
    {
        var clock = TestClick.Start + (2 * TestClick.Hour);
        var before = new CountingTerms(minutesBefore * TestClick.Minute, 0);
        var after = before.ChangeTo(minutesAfter * TestClick.Minute, clock);
        for (var age = 0; age < 120; age++)
        {
            Assert.Equal(age > Math.Min(minutesBefore, minutesAfter), after.IsLate(clock - (age * TestClick.Minute), clock));
        }
    }

    private static IReadOnlyList<AdDelta> HandOver(AdState state) => state.HandOver(Terms, TestClick.Start, 0, out _);

    private static ClickOutcome Apply(
        AdState state, long impression, ulong nonce, ClickVerdict verdict = ClickVerdict.Valid, long? expiresAtMs = null) => state.Apply(
        new LoggedClick
        {
            Offset = 0,
            Nonce = nonce,
            Impression = TestClick.Impression(impression),
            ExpiresAtMs = expiresAtMs ?? TestClick.Start + TestClick.Hour,
            ClickTimeMs = TestClick.Start,
            EffectiveTimeMs = TestClick.Start,
            ClockMs = TestClick.Start,
            Verdict = verdict,
        },
        Terms,
        out _);

    private static PartitionBatch Decode(BatchDecoder decoder, long offset, long appendTimeMs, byte[] record)
    {
        var batch = new LogBatch { NextOffset = offset + 1 };
        batch.Add(offset, appendTimeMs, record);
        return decoder.Decode(batch);
    }

    /// <summary>An ad's state and what checkpoints hold of it.</summary>
    private sealed class Saved(AdKey key)
    {
        private readonly List<byte[]> _journal = [];

        public AdState State { get; private set; } = new(key);

        public void Save(long clockMs, long checkpointClockMs, bool load)
        {
            _journal.AddRange(State.HandOver(Terms, clockMs, checkpointClockMs, out _).Select(delta => delta.ToByteArray()));
            if (load)
            {
                State = new AdState(key);
                foreach (var delta in _journal)
                {
                    State.Load(AdDelta.Parser.ParseFrom(delta));
                }
            }
        }
    }
}
