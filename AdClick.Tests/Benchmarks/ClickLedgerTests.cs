using AdClick.Actors.Clicks;
using AdClick.Benchmarks.Load;
using Xunit;

namespace AdClick.Tests.Benchmarks;

public class ClickLedgerTests
{
    private readonly ClickLedger _ledger = new(2);

    [Fact]
    public void Of_an_impressions_valid_clicks_one_is_accepted_and_the_others_are_duplicates()
    {
        var impression = Issue(0);
        _ledger.BookRedirect(impression, isBot: false);
        _ledger.BookRedirect(impression, isBot: false);
        _ledger.BookRedirect(Issue(0), isBot: false);

        Assert.Equal(new ExpectedClicks(2, 2, 3, 3, 0, 0), _ledger.Expect(0));
        Assert.Equal(default, _ledger.Expect(1));
        Assert.Null(_ledger.Expect(0).FindFault(new CountedClicks(2, 1, 0, 0)));
    }

    [Fact]
    public void A_bots_click_does_not_use_up_the_impression()
    {
        var impression = Issue(0);
        _ledger.BookRedirect(impression, isBot: true);
        _ledger.BookRedirect(impression, isBot: false);

        Assert.Equal(new ExpectedClicks(1, 1, 1, 1, 1, 1), _ledger.Expect(0));
    }

    [Fact]
    public void A_lost_answer_leaves_the_impression_open_until_another_click_is_answered()
    {
        var impression = Issue(0);
        Assert.True(_ledger.BookUnanswered(impression, isBot: false));
        Assert.Equal(new ExpectedClicks(0, 1, 0, 1, 0, 0), _ledger.Expect(0));

        _ledger.BookRedirect(impression, isBot: false);

        Assert.Equal(new ExpectedClicks(1, 1, 1, 2, 0, 0), _ledger.Expect(0));
        Assert.False(_ledger.NeedsAnotherClick(impression));
        Assert.Null(_ledger.Expect(0).FindFault(new CountedClicks(1, 0, 0, 0)));
        Assert.Null(_ledger.Expect(0).FindFault(new CountedClicks(1, 1, 0, 0)));
        Assert.NotNull(_ledger.Expect(0).FindFault(new CountedClicks(1, 2, 0, 0)));
    }

    [Fact]
    public void A_lost_answer_to_a_second_click_leaves_open_only_the_duplicate()
    {
        var impression = Issue(0);
        _ledger.BookRedirect(impression, isBot: false);

        Assert.False(_ledger.BookUnanswered(impression, isBot: false));

        Assert.Equal(new ExpectedClicks(1, 1, 1, 2, 0, 0), _ledger.Expect(0));
    }

    [Fact]
    public void A_bots_lost_answer_is_not_asked_for_again()
    {
        Assert.False(_ledger.BookUnanswered(Issue(0), isBot: true));
        Assert.Equal(new ExpectedClicks(0, 0, 0, 0, 0, 1), _ledger.Expect(0));
    }

    [Fact]
    public void A_refused_click_is_not_in_the_log()
    {
        var impression = Issue(0);
        Assert.False(_ledger.BookRefused(impression, isBot: false));
        Assert.Equal(default, _ledger.Expect(0));
        Assert.Equal(1, _ledger.Refused);
    }

    [Fact]
    public void A_refused_click_that_was_to_settle_a_lost_answer_is_tried_again()
    {
        var impression = Issue(0);
        _ledger.BookUnanswered(impression, isBot: false);

        Assert.True(_ledger.BookRefused(impression, isBot: false));
    }

    [Theory]
    [InlineData(9, 2, 1, 0, "accepted 9")]
    [InlineData(11, 1, 1, 0, "accepted 11")]
    [InlineData(10, 1, 1, 0, "duplicates 1")]
    [InlineData(10, 3, 1, 0, "duplicates 3")]
    [InlineData(10, 2, 0, 0, "bots 0")]
    [InlineData(10, 2, 2, 0, "bots 2")]
    [InlineData(10, 2, 1, 1, "1 clicks under outcomes")]
    public void Every_wrong_count_is_a_fault(long accepted, long duplicates, long bots, long others, string fault) =>
        Assert.StartsWith(fault, new ExpectedClicks(10, 10, 12, 12, 1, 1).FindFault(new CountedClicks(accepted, duplicates, bots, others)));

    [Fact]
    public void A_click_that_only_changed_its_outcome_is_a_fault() =>
        Assert.NotNull(new ExpectedClicks(10, 10, 12, 12, 0, 0).FindFault(new CountedClicks(11, 1, 0, 0)));

    private int Issue(int ad) => _ledger.Issue(ad, ImpressionId.New(DateTimeOffset.UnixEpoch.AddYears(56)), long.MaxValue);
}
