using AdClick.Actors.Clicks;
using AdClick.Gateway.Clicks;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace AdClick.Tests.Gateway.Clicks;

public sealed class ImpressionLimiterTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void The_hundred_and_first_request_within_ten_seconds_is_refused()
    {
        var limiter = new ImpressionLimiter(_time);
        var id = ImpressionId.New(_time.GetUtcNow());
        for (var i = 0; i < 100; i++)
        {
            Assert.True(limiter.TryPass(id, out _));
        }

        Assert.False(limiter.TryPass(id, out _));
        _time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.False(limiter.TryPass(id, out _));
        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.True(limiter.TryPass(id, out _));
    }

    [Fact]
    public void A_flood_is_remembered_among_a_million_ordinary_clicks()
    {
        var limiter = new ImpressionLimiter(_time);
        var flooded = ImpressionId.New(_time.GetUtcNow());
        for (var i = 0; i < 101; i++)
        {
            limiter.TryPass(flooded, out _);
        }

        var random = new Random(1);
        for (var i = 0; i < 1_000_000; i++)
        {
            Assert.True(limiter.TryPass(new ImpressionId(7, (ulong)random.NextInt64()), out _));
        }

        Assert.False(limiter.TryPass(flooded, out _));
    }
}
