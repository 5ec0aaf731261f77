using AdClick.Actors.Ads;
using AdClick.Actors.Clicks;

namespace AdClick.Actors.Lake.Receipts;

/// <summary>
/// The counting rule for the clicks of one impression. No other impression has a say in it, so that what counts the whole ad says the same of these alone, and it
/// is what is asked here: there is one rule.
/// </summary>
internal static class ImpressionJudge
{
    /// <summary>The outcomes, in the order of the clicks.</summary>
    /// <param name="ad">The ad key.</param>
    /// <param name="clicks">All logged clicks of one impression of this ad key, in the order of the log, each with the partition clock before it.</param>
    /// <param name="terms">The allowed lateness that they were judged by.</param>
    public static IReadOnlyList<ClickOutcome> Judge(AdKey ad, IEnumerable<LoggedClick> clicks, CountingTerms terms)
    {
        var state = new AdState(ad);
        return [.. clicks.Select(click => state.Apply(click, terms, out _))];
    }
}
