using AdClick.Actors.Clicks;
using AdClick.Gateway.Clicks;
using AdClick.Gateway.Operators;
using AdClick.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace AdClick.Tests.Gateway.Operators;

/// <summary>The instruments belong to the process, so that no other gateway may run beside these tests.</summary>
[Collection(HeavyTests.Name)]
public sealed class RedirectWatchTests : IDisposable
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 24, 1, 0, 0, TimeSpan.Zero));
    private readonly RedirectWatch _watch;

    public RedirectWatchTests() => _watch = new RedirectWatch(_time);

    public void Dispose() => _watch.Dispose();

    [Fact]
    public void Redirects_are_told_second_by_second()
    {
        GatewayClickMetrics.Redirected(ClickVerdict.Valid);
        GatewayClickMetrics.Redirected(ClickVerdict.Valid);
        GatewayClickMetrics.Redirected(ClickVerdict.Bot);
        _time.Advance(TimeSpan.FromSeconds(2));
        GatewayClickMetrics.Redirected(ClickVerdict.Expired);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([(0, 0), (2, 1), (0, 0), (0, 1)], _watch.PerSecond(4).Select(second => ((int)second.Valid, (int)second.Invalid)));
        Assert.Equal(_time.GetUtcNow().AddSeconds(-4), _watch.PerSecond(4)[0].At);

        // What is older than the ring is gone, though its place is still there.
        _time.Advance(TimeSpan.FromSeconds(RedirectWatch.Seconds));
        Assert.All(_watch.PerSecond(60), second => Assert.Equal((0, 0), (second.Valid, second.Invalid)));
    }

    [Fact]
    public void Percentiles_are_right_within_an_eighth()
    {
        Assert.Null(_watch.Latency(60).Median);
        for (var ms = 1; ms <= 1000; ms++)
        {
            GatewayClickMetrics.RedirectDuration.Record(ms / 1000.0);
        }

        var latency = _watch.Latency(60);
        Assert.Equal(1000, latency.Redirects);
        foreach (var (found, expected) in (IEnumerable<(TimeSpan?, double)>)[(latency.Median, 500), (latency.P95, 950), (latency.P99, 990), (latency.Max, 1000)])
        {
            Assert.InRange(found!.Value.TotalMilliseconds, expected * 0.875, expected * 1.125);
        }

        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(0, _watch.Latency(60).Redirects);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3600)]
    public void No_duration_is_too_short_or_too_long(double seconds)
    {
        GatewayClickMetrics.RedirectDuration.Record(seconds);
        Assert.Equal(1, _watch.Latency(60).Redirects);
        Assert.NotNull(_watch.Latency(60).Max);
    }
}
