using Npgsql;

namespace AdClick.Actors.Metrics.Postgres;

/// <summary>What sums are made by.</summary>
internal enum SumBy
{
    /// <summary>The stored bucket, whichever ad.</summary>
    Bucket,

    /// <summary>The ad, over the whole range.</summary>
    Ad,

    /// <summary>The ad and the stored bucket.</summary>
    AdAndBucket,
}

/// <summary>
/// Reads the clicks of ads, within one snapshot: rolled-up buckets where they are true, minutes for any bucket that is marked or not rolled up yet.
/// The database sums them up, so that what comes over the network does not grow with the number of ads.
/// </summary>
/// <param name="session">Snapshot.</param>
/// <param name="frontier">How far the rollups have come in it.</param>
/// <param name="marks">What is marked in it, for all ads that will be asked for.</param>
/// <param name="hasCorrections">Whether reconciliation has corrected anything in the range.</param>
/// <param name="wholeAdvertiser">The advertiser, when the sum of all its ads is asked for.</param>
internal sealed class PostgresReader(
    PostgresSession session, RollupFrontier frontier, IReadOnlyCollection<(int Ad, int Quarter)> marks, bool hasCorrections, string? wholeAdvertiser)
{
    private const string OfColumns =
        """
        coalesce(click_sum(clicks), 0), coalesce(click_sum(duplicates), 0), coalesce(click_sum(late), 0),
        coalesce(click_sum(bot), 0), coalesce(click_sum(expired), 0), coalesce(click_sum(inactive_ad), 0)
        """;

    private const string OfCounts =
        """
        coalesce(click_sum(clicks) FILTER (WHERE outcome = 0), 0), coalesce(click_sum(clicks) FILTER (WHERE outcome = 1), 0), 0::bigint,
        coalesce(click_sum(clicks) FILTER (WHERE outcome = 4), 0), coalesce(click_sum(clicks) FILTER (WHERE outcome = 5), 0),
        coalesce(click_sum(clicks) FILTER (WHERE outcome = 6), 0)
        """;

    private const string OfLateClicks =
        """
        count(*) FILTER (WHERE outcome = 0), count(*) FILTER (WHERE outcome = 1), count(*) FILTER (WHERE outcome = 3),
        count(*) FILTER (WHERE outcome = 4), count(*) FILTER (WHERE outcome = 5), count(*) FILTER (WHERE outcome = 6)
        """;

    private const string OfCorrections =
        """
        coalesce(click_sum(recounted - streamed + settled) FILTER (WHERE outcome = 0), 0), coalesce(click_sum(recounted - streamed + settled) FILTER (WHERE outcome = 1), 0),
        coalesce(click_sum(recounted - streamed + settled) FILTER (WHERE outcome = 3), 0), coalesce(click_sum(recounted - streamed + settled) FILTER (WHERE outcome = 4), 0),
        coalesce(click_sum(recounted - streamed + settled) FILTER (WHERE outcome = 5), 0), coalesce(click_sum(recounted - streamed + settled) FILTER (WHERE outcome = 6), 0)
        """;

    private const string DayIsTrue =
        " AND NOT EXISTS (SELECT FROM rollup_marks AS mark WHERE mark.ad = stored.ad AND mark.quarter >= day * 96 AND mark.quarter < day * 96 + 96)";

    private const string QuarterIsTrue =
        " AND NOT EXISTS (SELECT FROM rollup_marks AS mark WHERE mark.ad = stored.ad AND mark.quarter = stored.quarter)";

    private const string InMarkedQuarter =
        "stored.ad = marked.ad AND stored.minute >= marked.quarter * 15 AND stored.minute < marked.quarter * 15 + 15";

    /// <summary>Reads some ads.</summary>
    /// <param name="ads">Numbers of the ads.</param>
    /// <param name="pieces">Plan.</param>
    /// <param name="sumBy">What the sums are made by; the sink gets ad 0, or minute 0, where they are not made by it.</param>
    /// <param name="sink">Where they go.</param>
    /// <exception cref="MinutesNotKeptException">The plan needs minutes that were let go of.</exception>
    public async Task ReadAsync(int[] ads, List<Piece> pieces, SumBy sumBy, ClickSink sink)
    {
        var parts = CutAtFrontier(pieces);
        if (ads.Length == 0 || parts.Count == 0)
        {
            return;
        }

        var statements = new List<NpgsqlBatchCommand>();
        foreach (var part in parts)
        {
            Add(statements, part, ads, sumBy);
        }

        AddMarked(statements, parts, [.. ads], sumBy);
        await using var reader = await session.ReadAsync(statements).ConfigureAwait(false);
        do
        {
            while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
            {
                sink.Add(reader.GetInt32(0), reader.GetInt32(1), new ClickTotals(
                    reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4), reader.GetInt64(5), reader.GetInt64(6), reader.GetInt64(7)));
            }
        }
        while (await reader.NextResultAsync(session.CancellationToken).ConfigureAwait(false));
    }

    /// <summary>Takes finer units where the plan's are not rolled up yet.</summary>
    private List<Piece> CutAtFrontier(List<Piece> pieces)
    {
        var parts = new List<Piece>();
        foreach (var piece in pieces)
        {
            var at = piece.Start;
            if (piece.Source == CountSource.Days)
            {
                Cut(CountSource.Days, frontier.Day * StoredTime.MinutesPerDay);
            }

            if (piece.Source != CountSource.Minutes)
            {
                Cut(CountSource.Quarters, frontier.Quarter * StoredTime.MinutesPerQuarter);
            }

            Cut(CountSource.Minutes, piece.End);

            void Cut(CountSource source, int rolledUpTo)
            {
                var end = Math.Clamp(rolledUpTo, at, piece.End);
                QueryPlan.Add(parts, source, at, end);
                at = end;
            }
        }

        return parts.Any(part => part.Source == CountSource.Minutes && part.Start < frontier.FirstMinute)
            ? throw new MinutesNotKeptException(
                $"Clicks by minute are kept from {BucketAlignment.TimeOf(frontier.FirstMinute):yyyy-MM-ddTHH:mm}Z on: ask for a later 'from', or for "
                + "the granularity quarter-hour, hour or day.")
            : parts;
    }

    private void Add(List<NpgsqlBatchCommand> statements, Piece part, int[] ads, SumBy sumBy)
    {
        const string AreWanted = "ad = ANY ($1)";
        switch (part.Source)
        {
            case CountSource.Days:
                AddRollups("day", StoredTime.MinutesPerDay, DayIsTrue);
                break;
            case CountSource.Quarters:
                AddRollups("quarter", StoredTime.MinutesPerQuarter, QuarterIsTrue);
                break;
            default:
                Add("minute", OfCounts, $"click_minute AS stored WHERE {AreWanted} AND minute >= $2 AND minute < $3", ads, part.Start, part.End);
                Add("minute", OfLateClicks, $"late_clicks AS stored WHERE {AreWanted} AND minute >= $2 AND minute < $3", ads, part.Start, part.End);
                if (hasCorrections)
                {
                    Add("minute", OfCorrections, $"corrections AS stored WHERE is_current AND {AreWanted} AND minute >= $2 AND minute < $3", ads, part.Start, part.End);
                }

                break;
        }

        void AddRollups(string bucket, int unit, string isTrue)
        {
            var (minute, start, end) = ($"{bucket} * {unit}", part.Start / unit, part.End / unit);
            if (wholeAdvertiser is null || sumBy != SumBy.Bucket)
            {
                var areTrue = marks.Count > 0 ? isTrue : "";
                Add(minute, OfColumns, $"{bucket}_clicks AS stored WHERE {AreWanted} AND {bucket} >= $2 AND {bucket} < $3{areTrue}", ads, start, end);
                return;
            }

            // A bucket in which any of the advertiser's ads is marked is summed up from all of them.
            int[] marked =
            [
                .. marks.Select(mark => mark.Quarter * StoredTime.MinutesPerQuarter / unit).Where(number => number >= start && number < end).Distinct(),
            ];
            Add(
                minute, OfColumns, $"advertiser_{bucket}_clicks AS stored WHERE advertiser_id = $1 AND {bucket} >= $2 AND {bucket} < $3 AND {bucket} <> ALL ($4)",
                wholeAdvertiser, start, end, marked);
            if (marked.Length > 0)
            {
                Add(minute, OfColumns, $"{bucket}_clicks AS stored WHERE {AreWanted} AND {bucket} = ANY ($2){isTrue}", ads, marked);
            }
        }

        void Add(string minute, string sums, string from, params ReadOnlySpan<object?> parameters) =>
            statements.Add(PostgresSession.Sql(Select(sumBy, minute, sums, from), parameters));
    }

    /// <summary>Adds what is read in place of marked days and quarters.</summary>
    private void AddMarked(List<NpgsqlBatchCommand> statements, List<Piece> parts, HashSet<int> ads, SumBy sumBy)
    {
        var quarters = new List<(int Ad, int Quarter)>();
        var days = new HashSet<(int Ad, int Day)>();
        foreach (var mark in marks.Where(mark => ads.Contains(mark.Ad)))
        {
            var minute = mark.Quarter * StoredTime.MinutesPerQuarter;
            var source = parts.FirstOrDefault(part => minute >= part.Start && minute < part.End, new Piece(CountSource.Minutes, 0, 0)).Source;
            if (source != CountSource.Minutes)
            {
                quarters.Add(mark);
            }

            if (source == CountSource.Days)
            {
                days.Add((mark.Ad, mark.Quarter / StoredTime.QuartersPerDay));
            }
        }

        if (days.Count > 0)
        {
            statements.Add(PostgresSession.Sql(
                Select(
                    sumBy, "stored.quarter * 15", OfColumns,
                    "unnest($1, $2) AS marked (ad, day) JOIN quarter_clicks AS stored "
                    + $"ON stored.ad = marked.ad AND stored.quarter >= marked.day * 96 AND stored.quarter < marked.day * 96 + 96{QuarterIsTrue}"),
                days.Select(marked => marked.Ad).ToArray(), days.Select(marked => marked.Day).ToArray()));
        }

        if (quarters.Count > 0)
        {
            var (markedAds, markedQuarters) = (quarters.Select(marked => marked.Ad).ToArray(), quarters.Select(marked => marked.Quarter).ToArray());
            statements.Add(PostgresSession.Sql(
                Select(
                    sumBy, "stored.minute", OfCounts,
                    $"unnest($1, $2) AS marked (ad, quarter) JOIN click_minute AS stored ON {InMarkedQuarter} WHERE minute >= $3 AND minute < $4"),
                markedAds, markedQuarters,
                markedQuarters.Min() * StoredTime.MinutesPerQuarter, (markedQuarters.Max() + 1) * StoredTime.MinutesPerQuarter));
            statements.Add(PostgresSession.Sql(
                Select(
                    sumBy, "stored.minute", OfLateClicks,
                    $"unnest($1, $2) AS marked (ad, quarter) JOIN late_clicks AS stored ON {InMarkedQuarter}"),
                markedAds, markedQuarters));
            if (hasCorrections)
            {
                statements.Add(PostgresSession.Sql(
                    Select(
                        sumBy, "stored.minute", OfCorrections,
                        $"unnest($1, $2) AS marked (ad, quarter) JOIN corrections AS stored ON is_current AND {InMarkedQuarter}"),
                    markedAds, markedQuarters));
            }
        }
    }

    private static string Select(SumBy sumBy, string minute, string sums, string from) => sumBy switch
    {
        SumBy.Bucket => $"SELECT 0, {minute}, {sums} FROM {from} GROUP BY 2",
        SumBy.Ad => $"SELECT stored.ad, 0, {sums} FROM {from} GROUP BY 1",
        _ => $"SELECT stored.ad, {minute}, {sums} FROM {from} GROUP BY 1, 2",
    };
}
