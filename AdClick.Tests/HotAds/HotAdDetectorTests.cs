using AdClick.Actors.HotAds;
using Xunit;

namespace AdClick.Tests.HotAds;

public sealed class HotAdDetectorTests
{
    private const long CoolDownMs = 60 * 60 * 1000;

    private readonly HotAdDetector _detector = new(new HotAdSettings { CoolDown = TimeSpan.FromMilliseconds(CoolDownMs) });
    private readonly Dictionary<string, AdSplit> _splits = [];
    private long _nowMs = 1_800_000_000_000;

    [Fact]
    public void An_ad_is_hot_when_it_was_over_the_threshold_for_five_seconds_on_end()
    {
        Assert.Empty(Seconds(4, 500));
        Assert.Empty(Seconds(1, 499));
        Assert.Empty(Seconds(4, 500));
        Assert.Equal([2], Seconds(1, 500));
    }

    [Fact]
    public void An_ad_that_was_quiet_for_a_second_begins_anew()
    {
        Seconds(4, 900);
        Step([]);
        Assert.Empty(Seconds(4, 900));
        Assert.Equal([2], Seconds(1, 900));
    }

    [Theory]
    [InlineData(500, 2)]
    [InlineData(1_000, 2)]
    [InlineData(1_001, 4)]
    [InlineData(2_000, 4)]
    [InlineData(10_000, 32)]
    [InlineData(32_000, 64)]
    [InlineData(3e9, 64)]
    public void It_gets_the_sub_shards_that_it_needs(double rate, int subShards)
    {
        Seconds(5, rate);
        Assert.Equal(subShards, _splits["a"].SubShards);
    }

    [Fact]
    public void It_grows_with_its_traffic_and_keeps_what_it_has_when_that_falls()
    {
        Assert.Equal([2], Seconds(5, 600));
        Assert.Equal([4, 8], Seconds(5, 4_000)); // by the mean of the last five
        Assert.Empty(Seconds(5, 600));
        Assert.Equal(8, _splits["a"].SubShards);
    }

    [Fact]
    public void It_shrinks_to_what_it_needs_when_it_has_not_needed_more_for_longer_than_the_cool_down()
    {
        Seconds(5, 30_000);
        Assert.Equal(64, _splits["a"].SubShards);
        Seconds(5, 600);
        _nowMs += CoolDownMs - 60_000;
        Assert.Empty(Seconds(5, 600));
        _nowMs += 60_000;
        Assert.Equal([2], Seconds(1, 600));
        _nowMs += CoolDownMs;
        Assert.Equal([1], Seconds(1, 3)); // which is no sub-shard but the ad
        Assert.Empty(_splits);
    }

    [Fact]
    public void An_ad_that_no_gateway_reports_any_more_shrinks_too()
    {
        Seconds(5, 600);
        _nowMs += CoolDownMs + 1;
        Step([]);
        Assert.Empty(_splits);
    }

    [Fact]
    public void While_it_is_hot_its_time_is_renewed_now_and_then()
    {
        Seconds(5, 600);
        var neededAt = _splits["a"].NeededAtMs;
        Assert.Empty(Seconds(55, 600));
        Assert.Equal([2], Seconds(6, 600));
        Assert.True(_splits["a"].NeededAtMs >= neededAt + 60_000);
    }

    [Fact]
    public void Ads_are_judged_each_by_itself()
    {
        for (var second = 0; second < 5; second++)
        {
            Step(new() { ["a"] = 700, ["b"] = 90, ["c"] = 3_000 });
        }

        Assert.Equal([("a", 2), ("c", 8)], _splits.Select(split => (split.Key, split.Value.SubShards)).Order());
    }

    // Numbers of sub-shards that were decided.
    private List<int> Seconds(int seconds, double rate) =>
        [.. Enumerable.Range(0, seconds).SelectMany(_ => Step(new() { ["a"] = rate }))];

    private List<int> Step(Dictionary<string, double> rates)
    {
        _nowMs += 1_000;
        var changes = _detector.Step(rates, _splits, _nowMs);
        foreach (var (adId, split) in changes)
        {
            if (split is null)
            {
                _splits.Remove(adId);
            }
            else
            {
                _splits[adId] = split;
            }
        }

        return [.. changes.Select(change => change.Split?.SubShards ?? 1)];
    }
}
