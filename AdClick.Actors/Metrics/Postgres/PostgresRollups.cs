namespace AdClick.Actors.Metrics.Postgres;

/// <summary>
/// Rolls minutes up to quarters of an hour, and those to UTC days (docs/decisions/0008-postgres-store.md). Flushes go on meanwhile; so a quarter is
/// closed first: from then on every change in it is marked. One node at a time is at it.
/// </summary>
internal static class PostgresRollups
{
    private const string JobLock = "hashtext('adclick.rollups')";

    private const string SumsByOutcome =
        """
        nullif(click_sum(clicks) FILTER (WHERE outcome = 0), 0), nullif(click_sum(clicks) FILTER (WHERE outcome = 1), 0),
        nullif(click_sum(clicks) FILTER (WHERE outcome = 3), 0), nullif(click_sum(clicks) FILTER (WHERE outcome = 4), 0),
        nullif(click_sum(clicks) FILTER (WHERE outcome = 5), 0), nullif(click_sum(clicks) FILTER (WHERE outcome = 6), 0)
        """;

    /// <summary>
    /// Quarters of all ads, $1 to before $2, in the order of the key, which it is cheaper to add to; and of the advertisers. Repeats are shown in proofs only.
    /// </summary>
    private const string RollQuarters =
        $"""
        WITH rolled AS (
            INSERT INTO quarter_clicks
            SELECT ad, minute / 15, {SumsByOutcome}
            FROM (
                SELECT ad, minute, outcome, clicks FROM click_minute WHERE minute >= $1 * 15 AND minute < $2 * 15 AND outcome <> 2
                UNION ALL
                SELECT ad, minute, outcome, 1 FROM late_clicks WHERE minute >= $1 * 15 AND minute < $2 * 15 AND outcome <> 2
                UNION ALL
                SELECT ad, minute, outcome, recounted - streamed + settled FROM corrections
                WHERE is_current AND minute >= $1 * 15 AND minute < $2 * 15 AND outcome <> 2) AS found
            GROUP BY ad, minute / 15 HAVING click_sum(clicks) > 0 ORDER BY ad, minute / 15
            ON CONFLICT (ad, quarter) {RollupColumns.Replace}
            RETURNING ad, quarter, {RollupColumns.Names}),
        summed AS (
            INSERT INTO advertiser_quarter_clicks
            SELECT advertiser_id, quarter, {RollupColumns.Sums} FROM rolled JOIN ads USING (ad) GROUP BY 1, 2 ORDER BY 1, 2
            ON CONFLICT (advertiser_id, quarter) {RollupColumns.Replace})
        SELECT count(*)::int FROM rolled
        """;

    /// <summary>
    /// The (ad, quarter) pairs of $1 and $2, which lie from minute $3 to before $4. One that corrections have left nothing of goes. Advertisers get the difference.
    /// </summary>
    private const string RecomputeQuarters =
        $"""
        WITH marked AS (SELECT * FROM unnest($1, $2) AS marked (ad, quarter)),
        before AS (SELECT ad, quarter, {RollupColumns.Negative} FROM quarter_clicks JOIN marked USING (ad, quarter)),
        computed AS (
            INSERT INTO quarter_clicks
            SELECT ad, quarter, {SumsByOutcome}
            FROM (
                SELECT marked.ad, marked.quarter, outcome, clicks
                FROM marked JOIN click_minute AS stored
                    ON stored.ad = marked.ad AND minute >= marked.quarter * 15 AND minute < marked.quarter * 15 + 15
                WHERE minute >= $3 AND minute < $4 AND outcome <> 2
                UNION ALL
                SELECT marked.ad, marked.quarter, outcome, 1
                FROM marked JOIN late_clicks AS stored
                    ON stored.ad = marked.ad AND minute >= marked.quarter * 15 AND minute < marked.quarter * 15 + 15
                WHERE outcome <> 2
                UNION ALL
                SELECT marked.ad, marked.quarter, outcome, recounted - streamed + settled
                FROM marked JOIN corrections AS stored
                    ON stored.ad = marked.ad AND minute >= marked.quarter * 15 AND minute < marked.quarter * 15 + 15
                WHERE is_current AND outcome <> 2) AS found
            GROUP BY ad, quarter HAVING click_sum(clicks) > 0
            ON CONFLICT (ad, quarter) {RollupColumns.Replace}
            RETURNING ad, quarter, {RollupColumns.Names}),
        emptied AS (
            DELETE FROM quarter_clicks AS stored USING marked
            WHERE stored.ad = marked.ad AND stored.quarter = marked.quarter AND (stored.ad, stored.quarter) NOT IN (SELECT ad, quarter FROM computed))
        INSERT INTO advertiser_quarter_clicks AS stored
        SELECT advertiser_id, quarter, {RollupColumns.Sums}
        FROM (SELECT * FROM computed UNION ALL SELECT * FROM before) AS changed JOIN ads USING (ad)
        GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (advertiser_id, quarter) {RollupColumns.Add}
        """;

    private const string RollDay =
        $"""
        WITH rolled AS (
            INSERT INTO day_clicks
            SELECT ad, $1, {RollupColumns.Sums} FROM quarter_clicks WHERE quarter >= $1 * 96 AND quarter < $1 * 96 + 96 GROUP BY ad ORDER BY ad
            ON CONFLICT (ad, day) {RollupColumns.Replace}
            RETURNING ad, day, {RollupColumns.Names}),
        summed AS (
            INSERT INTO advertiser_day_clicks
            SELECT advertiser_id, day, {RollupColumns.Sums} FROM rolled JOIN ads USING (ad) GROUP BY 1, 2 ORDER BY 1, 2
            ON CONFLICT (advertiser_id, day) {RollupColumns.Replace})
        SELECT count(*)::int FROM rolled
        """;

    private const string RecomputeDays =
        $"""
        WITH marked AS (SELECT * FROM unnest($1, $2) AS marked (ad, day)),
        before AS (SELECT ad, day, {RollupColumns.Negative} FROM day_clicks JOIN marked USING (ad, day)),
        computed AS (
            INSERT INTO day_clicks
            SELECT ad, day, {RollupColumns.Sums}
            FROM (
                SELECT marked.ad, marked.day, {RollupColumns.Names}
                FROM marked JOIN quarter_clicks AS stored
                    ON stored.ad = marked.ad AND quarter >= marked.day * 96 AND quarter < marked.day * 96 + 96) AS found
            GROUP BY ad, day
            ON CONFLICT (ad, day) {RollupColumns.Replace}
            RETURNING ad, day, {RollupColumns.Names}),
        emptied AS (
            DELETE FROM day_clicks AS stored USING marked
            WHERE stored.ad = marked.ad AND stored.day = marked.day AND (stored.ad, stored.day) NOT IN (SELECT ad, day FROM computed))
        INSERT INTO advertiser_day_clicks AS stored
        SELECT advertiser_id, day, {RollupColumns.Sums}
        FROM (SELECT * FROM computed UNION ALL SELECT * FROM before) AS changed JOIN ads USING (ad)
        GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (advertiser_id, day) {RollupColumns.Add}
        """;

    /// <summary>Adds what is rolled up of ad $1 to its advertiser $2.</summary>
    private static readonly string[] AddToAdvertiser =
    [
        $"""
        INSERT INTO advertiser_quarter_clicks AS stored
        SELECT $2, quarter, {RollupColumns.Names} FROM quarter_clicks WHERE ad = $1 ORDER BY quarter
        ON CONFLICT (advertiser_id, quarter) {RollupColumns.Add}
        """,
        $"""
        INSERT INTO advertiser_day_clicks AS stored
        SELECT $2, day, {RollupColumns.Names} FROM day_clicks WHERE ad = $1 ORDER BY day
        ON CONFLICT (advertiser_id, day) {RollupColumns.Add}
        """,
    ];

    /// <summary>The first quarter that clocks still let clicks in, where the frontier has not closed what lies before it; otherwise null.</summary>
    public static async Task<int?> FindClosableAsync(PostgresSession session)
    {
        var (log, partitions) = await PostgresProgress.ReadCurrentAsync(session).ConfigureAwait(false);
        var end = RollupRules.FirstLiveQuarter(log, partitions);
        return end > (await RollupFrontier.ReadAsync(session).ConfigureAwait(false)).ClosedQuarter ? end : null;
    }

    /// <summary>Has every flush that begins from now on mark what it changes before a quarter; waits for those that are under way.</summary>
    public static Task<int> CloseAsync(PostgresSession session, int quarter, TimeSpan longestWait) => session.RunAsync(
        PostgresSession.Limit("lock_timeout", longestWait),
        PostgresSession.Sql(RollupFrontier.ExclusiveLock),
        PostgresSession.Sql("UPDATE rollup_frontier SET closed_quarter = greatest(closed_quarter, $1)", quarter));

    /// <summary>Computes about that many buckets; returns how many, 0 when there is nothing left to do now, or another node is at it.</summary>
    public static async Task<int> RunAsync(PostgresSession session, int maxBuckets)
    {
        if (await session.ReadValueAsync($"SELECT pg_try_advisory_xact_lock({JobLock})").ConfigureAwait(false) is not true)
        {
            return 0;
        }

        var frontier = await RollupFrontier.ReadAsync(session).ConfigureAwait(false);
        var before = frontier;
        var done = await RecomputeMarkedAsync(session, frontier, maxBuckets).ConfigureAwait(false);
        for (var quarters = 1; done < maxBuckets && frontier.Quarter < frontier.ClosedQuarter; quarters = Math.Min(2 * quarters, StoredTime.QuartersPerDay))
        {
            // Nobody knows how many minutes lie in a quarter, and a statement must come to its end in time: so twice as many quarters each time, as long as
            // they were few. None reaches beyond a day, which is a chunk or partition.
            var day = await NextDayAsync(session, frontier.Quarter / StoredTime.QuartersPerDay).ConfigureAwait(false);
            var start = Math.Max(frontier.Quarter, (long)day * StoredTime.QuartersPerDay);
            if (start >= frontier.ClosedQuarter)
            {
                frontier = frontier with { Quarter = frontier.ClosedQuarter };
                break;
            }

            var end = (int)Math.Min(Math.Min(frontier.ClosedQuarter, (day + 1) * StoredTime.QuartersPerDay), start + quarters);
            done += (int)(await session.ReadValueAsync(RollQuarters, (int)start, end).ConfigureAwait(false))!;
            frontier = frontier with { Quarter = end };
        }

        while (done < maxBuckets && frontier.Day < frontier.Quarter / StoredTime.QuartersPerDay)
        {
            // Days end when their last quarter is rolled up.
            var day = await NextDayAsync(session, frontier.Day).ConfigureAwait(false);
            if (day >= frontier.Quarter / StoredTime.QuartersPerDay)
            {
                frontier = frontier with { Day = frontier.Quarter / StoredTime.QuartersPerDay };
                break;
            }

            done += (int)(await session.ReadValueAsync(RollDay, day).ConfigureAwait(false))!;
            frontier = frontier with { Day = day + 1 };
        }

        if (frontier != before)
        {
            await session.RunAsync(PostgresSession.Sql("UPDATE rollup_frontier SET quarter = $1, day = $2", frontier.Quarter, frontier.Day))
                .ConfigureAwait(false);
        }

        return done;
    }

    /// <summary>
    /// Keeps job and flushes from adding to the rollups until the transaction ends, so that what is rolled up of an ad can be added to its advertiser.
    /// </summary>
    public static Task<int> StopAsync(PostgresSession session) => session.RunAsync(
        PostgresSession.Sql($"SELECT pg_advisory_xact_lock({JobLock})"), PostgresSession.Sql(RollupFrontier.ExclusiveLock));

    /// <summary>Adds an ad, which was counted before it was catalogued, to the sums of its advertiser; after <see cref="StopAsync"/>.</summary>
    public static Task<int> AddToAdvertiserAsync(PostgresSession session, int ad, string advertiserId) =>
        session.RunAsync(AddToAdvertiser.Select(statement => PostgresSession.Sql(statement, ad, advertiserId)));

    private static async Task<int> RecomputeMarkedAsync(PostgresSession session, RollupFrontier frontier, int maxBuckets)
    {
        var taken = 0;
        var quarters = new HashSet<(int Ad, int Quarter)>();
        await using (var marks = await session.ReadAsync(PostgresSession.Sql(
            "DELETE FROM rollup_marks WHERE mark IN (SELECT mark FROM rollup_marks ORDER BY mark LIMIT $1) RETURNING ad, quarter", maxBuckets))
            .ConfigureAwait(false))
        {
            while (await marks.ReadAsync(session.CancellationToken).ConfigureAwait(false))
            {
                taken++;
                if (marks.GetInt32(1) < frontier.Quarter)
                {
                    quarters.Add((marks.GetInt32(0), marks.GetInt32(1))); // the others are rolled up below, or some other time
                }
            }
        }

        if (quarters.Count == 0)
        {
            return taken;
        }

        await session.RunAsync(PostgresSession.Sql(
            RecomputeQuarters, quarters.Select(marked => marked.Ad).ToArray(), quarters.Select(marked => marked.Quarter).ToArray(),
            quarters.Min(marked => marked.Quarter) * StoredTime.MinutesPerQuarter,
            (quarters.Max(marked => marked.Quarter) + 1) * StoredTime.MinutesPerQuarter)).ConfigureAwait(false);

        // Should another quarter of such a day still be marked, the day is computed once more along with it, and not believed until then.
        var days = quarters.Select(marked => (marked.Ad, Day: marked.Quarter / StoredTime.QuartersPerDay))
            .Where(marked => marked.Day < frontier.Day).Distinct().ToList();
        await session.RunAsync(PostgresSession.Sql(
            RecomputeDays, days.Select(marked => marked.Ad).ToArray(), days.Select(marked => marked.Day).ToArray())).ConfigureAwait(false);
        return taken;
    }

    private static async Task<int> NextDayAsync(PostgresSession session, int day) =>
        await session.ReadValueAsync("SELECT min(day) FROM click_days WHERE day >= $1", day).ConfigureAwait(false) as int?
        ?? (StoredTime.EndOfMinutes / StoredTime.MinutesPerDay) + 1;
}
