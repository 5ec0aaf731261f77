namespace AdClick.Actors.Metrics.Postgres;

/// <summary>The six columns of clicks that all rollup tables have, in SQL. NULL stands for 0.</summary>
internal static class RollupColumns
{
    /// <summary>Their names.</summary>
    public const string Names = "clicks, duplicates, late, bot, expired, inactive_ad";

    /// <summary>Their negative values.</summary>
    public const string Negative = "-clicks, -duplicates, -late, -bot, -expired, -inactive_ad";

    /// <summary>Their sums, to be stored.</summary>
    public const string Sums =
        """
        nullif(click_sum(clicks), 0), nullif(click_sum(duplicates), 0), nullif(click_sum(late), 0),
        nullif(click_sum(bot), 0), nullif(click_sum(expired), 0), nullif(click_sum(inactive_ad), 0)
        """;

    /// <summary>What to do with a row that is there: take the new values.</summary>
    public const string Replace =
        """
        DO UPDATE SET clicks = excluded.clicks, duplicates = excluded.duplicates, late = excluded.late, bot = excluded.bot,
            expired = excluded.expired, inactive_ad = excluded.inactive_ad
        """;

    /// <summary>What to do with a row of <c>stored</c> that is there: add the new values to it.</summary>
    public const string Add =
        """
        DO UPDATE SET
            clicks = nullif(coalesce(stored.clicks, 0) + coalesce(excluded.clicks, 0), 0),
            duplicates = nullif(coalesce(stored.duplicates, 0) + coalesce(excluded.duplicates, 0), 0),
            late = nullif(coalesce(stored.late, 0) + coalesce(excluded.late, 0), 0),
            bot = nullif(coalesce(stored.bot, 0) + coalesce(excluded.bot, 0), 0),
            expired = nullif(coalesce(stored.expired, 0) + coalesce(excluded.expired, 0), 0),
            inactive_ad = nullif(coalesce(stored.inactive_ad, 0) + coalesce(excluded.inactive_ad, 0), 0)
        """;
}
