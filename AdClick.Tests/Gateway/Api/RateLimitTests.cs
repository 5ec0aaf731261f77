using System.Net;
using AdClick.Gateway.Api;
using AdClick.Gateway.Keys;
using AdClick.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace AdClick.Tests.Gateway.Api;

public sealed class RateLimitTests
{
    [Fact]
    public async Task A_key_may_burst_twice_its_rate_and_is_then_told_when_to_come_back()
    {
        await using var host = await ApiHost.StartAsync(requestsPerSecond: 5);
        var other = await host.WithNewKeyAsync("admin");
        for (var i = 0; i < 9; i++) // the tenth made the key
        {
            Assert.Equal(HttpStatusCode.OK, (await host.Admin.GetAsync("/v1/keys")).StatusCode);
        }

        using var refused = await host.Admin.GetAsync("/v1/keys");
        await ApiHost.ProblemOfAsync(refused, ProblemKind.RateLimited);
        Assert.Equal(TimeSpan.FromSeconds(1), refused.Headers.RetryAfter?.Delta);
        Assert.Equal(HttpStatusCode.OK, (await other.GetAsync("/v1/keys")).StatusCode);

        host.Time.Advance(TimeSpan.FromSeconds(0.2));
        Assert.Equal(HttpStatusCode.OK, (await host.Admin.GetAsync("/v1/keys")).StatusCode);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await host.Admin.GetAsync("/v1/keys")).StatusCode);
    }

    [Fact]
    public async Task Calls_that_a_key_may_not_make_count_as_well_and_a_refresh_forgives_nothing()
    {
        await using var host = await ApiHost.StartAsync(requestsPerSecond: 2);
        var publisher = await host.WithNewKeyAsync("publisher");
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal(HttpStatusCode.Forbidden, (await publisher.GetAsync("/v1/keys")).StatusCode);
        }

        await host.Services.GetRequiredService<ApiKeyDirectory>().RefreshAsync(default);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await publisher.GetAsync("/v1/keys")).StatusCode);
    }

    [Fact]
    public async Task Guessing_keys_is_bounded_by_address_and_does_not_lock_out_those_who_know_theirs()
    {
        await using var host = await ApiHost.StartAsync(requestsPerSecond: 3);
        for (var i = 0; i < 6; i++)
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await host.WithKey($"guess{i}").GetAsync("/v1/keys")).StatusCode);
        }

        using var refused = await host.WithKey("guess").GetAsync("/v1/keys");
        await ApiHost.ProblemOfAsync(refused, ProblemKind.RateLimited);
        Assert.NotNull(refused.Headers.RetryAfter);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await host.Anonymous.GetAsync("/v1/keys")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await host.Admin.GetAsync("/v1/keys")).StatusCode);
    }

    [Fact]
    public void A_bucket_gives_its_burst_and_then_its_rate_whatever_the_pattern()
    {
        var time = new FakeTimeProvider();
        var bucket = new TokenBucket(perSecond: 10, burst: 20, time);
        var random = new Random(1);
        var taken = 0;
        for (var elapsedMs = 0; elapsedMs < 10_000; elapsedMs += 10)
        {
            for (var i = random.Next(3); i >= 0; i--)
            {
                taken += bucket.TryTake(out var wait) ? 1 : 0;
                Assert.InRange(wait, TimeSpan.Zero, TimeSpan.FromSeconds(0.1));
            }

            time.Advance(TimeSpan.FromMilliseconds(10));
        }

        Assert.InRange(taken, 20 + 99, 20 + 100);
        Assert.False(bucket.IsFull);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.True(bucket.IsFull);
    }

    [Fact]
    public async Task A_bucket_gives_no_token_twice_to_threads_that_race()
    {
        var bucket = new TokenBucket(perSecond: 1, burst: 1_000, new FakeTimeProvider());
        var taken = 0;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 1_000; i++)
            {
                if (bucket.TryTake(out var _))
                {
                    Interlocked.Increment(ref taken);
                }
            }
        })));
        Assert.Equal(1_000, taken);
    }

    [Fact]
    public void Addresses_are_bounded_and_a_household_is_one()
    {
        var time = new FakeTimeProvider();
        var settings = new ApiSettings
        {
            AdminKey = null,
            PublicUrl = () => "",
            ImpressionLifetime = TimeSpan.FromHours(1),
            RequestsPerSecondPerKey = 1,
        };
        var limits = new AddressLimits(settings, time);
        bool Take(string address) => limits.TryTake(IPAddress.Parse(address), out _);
        Assert.True(Take("2001:db8::1"));
        Assert.True(Take("2001:db8::2"));
        Assert.False(Take("2001:db8::3"));
        Assert.True(Take("2001:db8:0:1::1"));
        Assert.True(Take("192.0.2.1"));
        Assert.True(Take("::ffff:192.0.2.1"));
        Assert.False(Take("192.0.2.1"));

        var taken = 0;
        for (var i = 0; i < 2 * AddressLimits.MaxAddresses; i++)
        {
            taken += limits.TryTake(new IPAddress((0x0a000000L | i) << 1), out _) ? 1 : 0;
        }

        Assert.InRange(taken, AddressLimits.MaxAddresses - 10, AddressLimits.MaxAddresses + 2); // the others share one bucket
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.True(Take("198.51.100.1"));
        Assert.True(Take("198.51.100.1"));
    }
}
