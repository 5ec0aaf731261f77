using AdClick.Gateway.Clicks;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace AdClick.Tests.Gateway.Clicks;

public sealed class OpenClicksTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 24, 1, 0, 0, TimeSpan.Zero));

    private long Now => _time.GetUtcNow().ToUnixTimeMilliseconds();

    [Fact]
    public void Without_clicks_everything_up_to_now_is_complete()
    {
        var open = new OpenClicks(_time);
        _time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(Now, open.Rotate());
    }

    [Fact]
    public void A_click_in_hand_holds_the_time_back_until_it_leaves()
    {
        var open = new OpenClicks(_time);
        _time.Advance(TimeSpan.FromSeconds(1));
        open.Rotate();
        var since = Now;
        _time.Advance(TimeSpan.FromMilliseconds(10));
        var ticket = open.Enter();
        for (var i = 0; i < 5; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(since, open.Rotate());
        }

        Assert.True(ticket.ClickTimeMs >= since);
        OpenClicks.Leave(ticket);
        Assert.Equal(Now, open.Rotate());
    }

    [Fact]
    public void A_younger_click_that_leaves_first_does_not_release_an_older_one()
    {
        var open = new OpenClicks(_time);
        var start = Now;
        var older = open.Enter();
        _time.Advance(TimeSpan.FromSeconds(1));
        open.Rotate();
        var younger = open.Enter();
        OpenClicks.Leave(younger);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(start, open.Rotate());
        OpenClicks.Leave(older);
    }

    [Fact]
    public async Task No_click_is_ever_older_than_what_a_rotation_promised_before_it_left()
    {
        var open = new OpenClicks(TimeProvider.System);
        var inHand = new long[4]; // click time while a click is in hand, else 0
        using var stop = new CancellationTokenSource();
        var clickers = Enumerable.Range(0, inHand.Length).Select(i => Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                var ticket = open.Enter();
                Volatile.Write(ref inHand[i], ticket.ClickTimeMs);
                Thread.SpinWait(20);
                Volatile.Write(ref inHand[i], 0);
                OpenClicks.Leave(ticket);
            }
        })).ToArray();
        try
        {
            for (var i = 0; i < 20_000; i++)
            {
                var before = inHand.Select((_, clicker) => Volatile.Read(ref inHand[clicker])).ToArray();
                var openFrom = open.Rotate();
                for (var clicker = 0; clicker < inHand.Length; clicker++)
                {
                    // The same click before and after: it was in hand all the while (or one of the same millisecond was).
                    if (before[clicker] != 0 && before[clicker] == Volatile.Read(ref inHand[clicker]))
                    {
                        Assert.True(openFrom <= before[clicker], $"{openFrom} was promised while a click of {before[clicker]} was in hand.");
                    }
                }
            }
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(clickers);
        }
    }
}
