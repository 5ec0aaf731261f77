using AdClick.Benchmarks.Load;
using Xunit;

namespace AdClick.Tests.Benchmarks;

public class ClickSourceTests
{
    private const long Now = 1_790_000_000_000;

    [Fact]
    public void The_shares_of_duplicates_and_bots_are_as_asked_for()
    {
        var ledger = new ClickLedger(101);
        var source = new ClickSource(ledger, 100, new ClickMix { Duplicates = 0.2, Bots = 0.05 }, seed: 1);
        var clicks = Enumerable.Range(0, 50_000).Select(_ => source.Next(Now)).ToArray();

        Assert.InRange(ledger.Impressions, 50_000 * 0.79, 50_000 * 0.81);
        Assert.InRange(clicks.Count(click => click.IsBot), 50_000 * 0.045, 50_000 * 0.055);
        Assert.All(Enumerable.Range(0, ledger.Impressions), impression => Assert.True(ledger.IdOf(impression).IsUuidV7));
        Assert.All(Enumerable.Range(0, ledger.Impressions), impression => Assert.Equal(Now, ledger.IdOf(impression).IssuedAtMs));
    }

    [Fact]
    public void The_same_seed_makes_the_same_clicks()
    {
        Assert.Equal(Clicks(1), Clicks(1));
        Assert.NotEqual(Clicks(1), Clicks(2));

        static (int, bool, int)[] Clicks(ulong seed)
        {
            var ledger = new ClickLedger(100);
            var source = new ClickSource(ledger, 100, new ClickMix(), seed);
            return [.. Enumerable.Range(0, 1_000).Select(_ => source.Next(Now)).Select(click => (click.Impression, click.IsBot, ledger.AdOf(click.Impression)))];
        }
    }

    [Fact]
    public void An_impression_that_is_about_to_end_is_not_clicked_again()
    {
        var ledger = new ClickLedger(1);
        var source = new ClickSource(ledger, 1, new ClickMix { Duplicates = 1, Lifetime = TimeSpan.FromMinutes(10) }, seed: 1);
        var (first, _) = source.Next(Now);
        var (second, _) = source.Next(Now + (8 * 60_000));
        var (third, _) = source.Next(Now + (10 * 60_000));

        Assert.Equal(first, second);
        Assert.NotEqual(first, third);
    }

    [Fact]
    public void What_must_be_clicked_again_comes_first_unless_it_was_answered_meanwhile()
    {
        var ledger = new ClickLedger(1);
        var source = new ClickSource(ledger, 1, new ClickMix { Bots = 1, Duplicates = 0 }, seed: 1);
        var lost = source.Issue(0, Now);
        var answered = source.Issue(0, Now);
        ledger.BookUnanswered(answered, isBot: false);
        ledger.BookUnanswered(lost, isBot: false);
        source.ClickAgain(answered);
        source.ClickAgain(lost);
        ledger.BookRedirect(answered, isBot: false);

        Assert.Equal((lost, false), source.Next(Now));
        Assert.Equal((2, true), source.Next(Now));
    }

    [Fact]
    public void The_probes_impressions_are_left_to_the_probe()
    {
        var ledger = new ClickLedger(2);
        var source = new ClickSource(ledger, 1, new ClickMix { Duplicates = 1 }, seed: 1);
        source.Issue(1, Now);

        Assert.Equal(0, ledger.AdOf(source.Next(Now).Impression));
    }
}
