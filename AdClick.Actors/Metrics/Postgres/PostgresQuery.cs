namespace AdClick.Actors.Metrics.Postgres;

/// <summary>Answers a question inside a snapshot.</summary>
internal static class PostgresQuery
{
    /// <summary>Sums that are held at once while the groups of an answer are read, some 5 MB.</summary>
    private const int MaxSums = 100_000;

    // Whatever is stored lies in it, and it is whole UTC days.
    private const int EndOfDays = (StoredTime.EndOfMinutes / StoredTime.MinutesPerDay + 1) * StoredTime.MinutesPerDay;

    /// <exception cref="TooManyBucketsException">The groups together have too many buckets.</exception>
    /// <exception cref="MinutesNotKeptException">The answer would need minutes that were let go of.</exception>
    public static async Task<ClickReport> AnswerAsync(PostgresSession session, ClickQuery query, AlignedRange range)
    {
        var (builder, reader, ads) = await BeginAsync(session, query, range).ConfigureAwait(false);
        if (!query.GroupByAd)
        {
            var sink = new SeriesSink(range);
            await reader.ReadAsync([.. ads.Keys], Plan(range.BoundaryMinutes), SumBy.Bucket, sink).ConfigureAwait(false);
            return builder.OfSeries(sink.Sums);
        }

        // The sums of all ads, which need no buckets, say which ads are the largest; only those are read again by bucket.
        var sums = new AdsSink();
        await reader.ReadAsync([.. ads.Keys], Plan(range.Whole), SumBy.Ad, sums).ConfigureAwait(false);
        builder.SetSums(ads, sums);
        if (query.TotalsOnly)
        {
            return builder.OfTotals();
        }

        foreach (var chunk in builder.Largest.Chunk(Math.Max(1, MaxSums / Math.Max(1, range.Count))))
        {
            var series = new AdSeriesSink(chunk, range);
            await reader.ReadAsync(chunk, Plan(range.BoundaryMinutes), SumBy.AdAndBucket, series).ConfigureAwait(false);
            foreach (var ad in chunk)
            {
                builder.AddGroup(ad, series[ad]);
            }
        }

        return builder.OfGroups();
    }

    private static List<Piece> Plan(ReadOnlySpan<long> boundaries) => QueryPlan.Of(boundaries, 0, EndOfDays);

    private static async Task<(ReportBuilder Builder, PostgresReader Reader, Dictionary<int, string> Ads)> BeginAsync(
        PostgresSession session, ClickQuery query, AlignedRange range)
    {
        // An ad that was never counted nor catalogued has no number.
        var (asked, value) = query.AdId is { } adId ? ("ad_ids WHERE ad_id = $1", adId) : ("ads WHERE advertiser_id = $1", query.AdvertiserId!);
        var (first, end) = range.Count == 0
            ? (0L, 0L)
            : (Math.Clamp(range.BoundaryMinutes[0], 0, EndOfDays), Math.Clamp(range.BoundaryMinutes[^1], 0, EndOfDays));
        await using var reader = await session.ReadAsync([
            PostgresSession.Sql(RollupFrontier.Select),
            PostgresSession.Sql($"SELECT ad, ad_id FROM {asked}", value),
            PostgresSession.Sql(
                $"SELECT DISTINCT ad, quarter FROM rollup_marks WHERE ad IN (SELECT ad FROM {asked}) AND quarter >= $2 AND quarter < $3",
                value, (int)(first / StoredTime.MinutesPerQuarter), (int)(end / StoredTime.MinutesPerQuarter) + 1),
            PostgresSession.Sql("SELECT EXISTS (SELECT FROM corrections WHERE is_current AND minute >= $1 AND minute < $2)", (int)first, (int)end),
            PostgresReconciliation.SelectReconciled(range),
            .. PostgresProgress.Current]).ConfigureAwait(false);
        await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false);
        var frontier = RollupFrontier.Of(reader);
        await reader.NextResultAsync(session.CancellationToken).ConfigureAwait(false);
        var ads = new Dictionary<int, string>();
        var isAsked = query.AdFilter();
        while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
        {
            if (reader.GetString(1) is var text && isAsked(text))
            {
                ads.Add(reader.GetInt32(0), text);
            }
        }

        await reader.NextResultAsync(session.CancellationToken).ConfigureAwait(false);
        var marks = new List<(int Ad, int Quarter)>();
        while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
        {
            marks.Add((reader.GetInt32(0), reader.GetInt32(1)));
        }

        await reader.NextResultAsync(session.CancellationToken).ConfigureAwait(false);
        await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false);
        var hasCorrections = reader.GetBoolean(0);
        await reader.NextResultAsync(session.CancellationToken).ConfigureAwait(false);
        var reconciled = new List<int>();
        while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
        {
            reconciled.Add(reader.GetInt32(0));
        }

        await reader.NextResultAsync(session.CancellationToken).ConfigureAwait(false);
        var (log, partitions) = await PostgresProgress.ReadCurrentAsync(reader, session.CancellationToken).ConfigureAwait(false);
        return (
            new ReportBuilder(query, range, Completeness.Of(log, partitions), new ReconciledHours(reconciled)),
            new PostgresReader(session, frontier, marks, hasCorrections, query.WholeAdvertiser), ads);
    }
}
