using AdClick.Actors.HotAds;
using Xunit;

namespace AdClick.Tests.HotAds;

public sealed class TrafficMeterTests
{
    // Reported from 640 / 64 = 10 on.
    private readonly TrafficMeter _meter = new(new HotAdSettings { ClicksPerSecond = 640 });
    private readonly AdTraffic _a = new("a");
    private readonly AdTraffic _b = new("b");

    [Fact]
    public void Only_busy_ads_are_told_each_once_with_all_their_traffic()
    {
        Click(_a, 25);
        Click(_b, 9);
        _meter.Issued(_a, 1_000);
        Assert.Equal([("a", 25, 1_000)], _meter.Take());
        Assert.Empty(_meter.Take());
    }

    [Fact]
    public void The_few_clicks_of_a_quiet_ad_are_kept_until_they_are_more()
    {
        Click(_b, 9);
        Assert.Empty(_meter.Take());
        Click(_b, 1);
        Assert.Equal([("b", 10, 0)], _meter.Take());
    }

    [Fact]
    public void Issued_impressions_make_an_ad_busy_however_they_come()
    {
        _meter.Issued(_a, 3);
        _meter.Issued(_a, 3);
        Assert.Empty(_meter.Take());
        _meter.Issued(_a, 500);
        _meter.Issued(_b, 9);
        _meter.Issued(_b, 1);
        Assert.Equal([("a", 0, 506), ("b", 0, 10)], _meter.Take());
    }

    [Fact]
    public void Nothing_is_lost_or_counted_twice_between_threads()
    {
        long told = 0;
        var adding = Parallel.ForAsync(0, 8, async (_, _) =>
        {
            await Task.Yield();
            Click(_a, 100_000);
        });
        while (!adding.IsCompleted)
        {
            told += _meter.Take().Sum(ad => (long)ad.Clicks);
        }

        Click(_a, 10); // so that the rest is told
        told += _meter.Take().Sum(ad => (long)ad.Clicks);
        Assert.Equal(800_010, told);
    }

    private void Click(AdTraffic traffic, int clicks)
    {
        for (var i = 0; i < clicks; i++)
        {
            _meter.Clicked(traffic);
        }
    }
}
