using AdClick.Actors.Clicks;

namespace AdClick.Actors.Metrics.Sqlite;

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

    /// <summary>Reads six columns of a rollup row.</summary>
    public static ClickTotals Read(SqliteStatement row, int firstColumn) => new(
        row.Int64(firstColumn), row.Int64(firstColumn + 1), row.Int64(firstColumn + 2),
        row.Int64(firstColumn + 3), row.Int64(firstColumn + 4), row.Int64(firstColumn + 5));

    /// <summary>Binds six parameters of a rollup row.</summary>
    public static void Bind(SqliteStatement statement, int firstParameter, in ClickTotals totals) => statement
        .Bind(firstParameter, totals.Clicks).Bind(firstParameter + 1, totals.Duplicates).Bind(firstParameter + 2, totals.Late)
        .Bind(firstParameter + 3, totals.Bot).Bind(firstParameter + 4, totals.Expired).Bind(firstParameter + 5, totals.InactiveAd);
}
