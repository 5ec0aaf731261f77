namespace AdClick.Actors.Metrics.Sqlite;

/// <summary>Answers a question inside a reader's transaction.</summary>
internal static class SqliteQuery
{
    /// <exception cref="TooManyBucketsException">The groups together have too many buckets.</exception>
    public static ClickReport Answer(SqliteDatabase database, ClickQuery query, AlignedRange range, CancellationToken cancellationToken)
    {
        var reader = new ClickReader(database, cancellationToken);
        var log = ProgressRows.CurrentLog(database);
        var builder = new ReportBuilder(query, range, Completeness.Of(log, log is null ? [] : ProgressRows.Read(database, log.Epoch)), SqliteReconciliation.ReadReconciled(database, range));
        var ads = FindAds(database, query);
        var (firstMinute, endMinute) = reader.StoredMinutes();
        if (!query.GroupByAd)
        {
            var sink = new SeriesSink(range);
            var pieces = QueryPlan.Of(range.BoundaryMinutes, firstMinute, endMinute);
            if (query.WholeAdvertiser is { } advertiserId)
            {
                reader.ReadAdvertiser(advertiserId, [.. ads.Keys], pieces, sink);
            }
            else
            {
                reader.Read([.. ads.Keys], pieces, sink);
            }

            return builder.OfSeries(sink.Sums);
        }

        // The sums of all ads, which need no buckets, say which ads are the largest; only those are read again by bucket.
        var sums = new AdsSink();
        reader.Read([.. ads.Keys], QueryPlan.Of(range.Whole, firstMinute, endMinute), sums);
        builder.SetSums(ads, sums);
        if (query.TotalsOnly)
        {
            return builder.OfTotals();
        }

        var plan = QueryPlan.Of(range.BoundaryMinutes, firstMinute, endMinute);
        foreach (var ad in builder.Largest)
        {
            var sink = new SeriesSink(range);
            reader.Read([ad], plan, sink);
            builder.AddGroup(ad, sink.Sums);
        }

        return builder.OfGroups();
    }

    /// <summary>The ads that the question is about, by number. An ad that was never counted nor catalogued has none.</summary>
    private static Dictionary<int, string> FindAds(SqliteDatabase database, ClickQuery query)
    {
        var ads = new Dictionary<int, string>();
        if (query.AdId is { } adId)
        {
            if (AdNumbers.Find(database, adId) is > 0 and var number)
            {
                ads.Add(number, adId);
            }

            return ads;
        }

        var isAsked = query.AdFilter();
        var read = database.Prepare("SELECT ad, ad_id FROM ads WHERE advertiser_id = ?1").Bind(1, query.AdvertiserId);
        while (read.Step())
        {
            if (read.Text(1) is var text && isAsked(text))
            {
                ads.Add(read.Int32(0), text);
            }
        }

        read.Reset();
        return ads;
    }
}
