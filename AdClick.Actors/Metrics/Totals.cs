using AdClick.Actors.Clicks;

namespace AdClick.Actors.Metrics;

/// <summary>How outcomes become the columns that users see.</summary>
internal static class Totals
{
    /// <summary>Clicks of one outcome. A repeat is shown in proofs only.</summary>
    public static ClickTotals Of(ClickOutcome outcome, long clicks) => outcome switch
    {
        ClickOutcome.Accepted => new ClickTotals { Clicks = clicks },
        ClickOutcome.Duplicate => new ClickTotals { Duplicates = clicks },
        ClickOutcome.Late => new ClickTotals { Late = clicks },
        ClickOutcome.Bot => new ClickTotals { Bot = clicks },
        ClickOutcome.Expired => new ClickTotals { Expired = clicks },
        ClickOutcome.InactiveAd => new ClickTotals { InactiveAd = clicks },
        ClickOutcome.Repeat => default,
        _ => throw new InvalidOperationException(
            $"The metrics database holds the unknown outcome {(int)outcome}: it was written by a newer AdClick."),
    };
}
