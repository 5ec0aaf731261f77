namespace AdClick.Actors.Metrics.Sqlite;

/// <summary>Answers a question inside a reader's transaction.</summary>
internal static class SqliteQuery
{
    /// <exception cref="TooManyBucketsException">The groups together have too many buckets.</exception>
    public static ClickReport Answer(SqliteDatabase database, ClickQuery query, AlignedRange range, CancellationToken cancellationToken)
    {
        var reader = new ClickReader(database, cancellationToken);
        var completeness = Completeness.Read(database);
        var report = new ClickReport
        {
            From = range.From,
            To = range.To,
            CompleteThrough = DateTimeOffset.FromUnixTimeMilliseconds(completeness.ThroughMs),
            Total = default,
            Series = [],
        };
        var ads = FindAds(database, query);
        var (firstMinute, endMinute) = reader.StoredMinutes();
        if (query.GroupByAd)
        {
            return Group(report, query, ads, reader, range, (firstMinute, endMinute), completeness);
        }

        var sink = new SeriesSink(range);
        reader.Read([.. ads.Keys], QueryPlan.Of(range.BoundaryMinutes, firstMinute, endMinute), sink);
        return report with { Total = Sum(sink.Sums), Series = ToSeries(sink.Sums, query, range, completeness) };
    }

    private static ClickReport Group(
        ClickReport report,
        ClickQuery query,
        Dictionary<int, string> ads,
        ClickReader reader,
        AlignedRange range,
        (int First, int End) stored,
        Completeness completeness)
    {
        // The sums of all ads, which need no buckets, say which ads are the largest; only those are read again by bucket.
        var boundaries = range.BoundaryMinutes;
        var sums = new AdsSink();
        reader.Read([.. ads.Keys], boundaries.IsEmpty ? [] : QueryPlan.Of([boundaries[0], boundaries[^1]], stored.First, stored.End), sums);
        var largest = ads
            .Where(ad => sums[ad.Key] != default)
            .OrderByDescending(ad => sums[ad.Key].Clicks)
            .ThenBy(ad => ad.Value, StringComparer.Ordinal)
            .ToList();

        var plan = QueryPlan.Of(boundaries, stored.First, stored.End);
        var groups = new List<AdClicks>();
        var buckets = 0;
        foreach (var (ad, adId) in largest.Take(query.Top))
        {
            var sink = new SeriesSink(range);
            reader.Read([ad], plan, sink);
            var series = ToSeries(sink.Sums, query, range, completeness);
            groups.Add(new AdClicks(adId, sums[ad], series));
            buckets += series.Count;
            if (buckets > ClickQuery.MaxBuckets)
            {
                throw new TooManyBucketsException(
                    $"The answer would hold more than {ClickQuery.MaxBuckets} buckets in all its groups: narrow the range, or ask for a coarser "
                    + "granularity or a smaller 'top'.");
            }
        }

        return report with
        {
            Total = Sum(largest.Select(ad => sums[ad.Key])),
            Groups = groups,
            Others = Sum(largest.Skip(query.Top).Select(ad => sums[ad.Key])),
        };
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

        var read = database.Prepare("SELECT ad, ad_id FROM ads WHERE advertiser_id = ?1").Bind(1, query.AdvertiserId);
        while (read.Step())
        {
            ads.Add(read.Int32(0), read.Text(1));
        }

        read.Reset();
        return ads;
    }

    private static List<ClickBucket> ToSeries(ClickTotals[] sums, ClickQuery query, AlignedRange range, Completeness completeness)
    {
        var series = new List<ClickBucket>();
        for (var i = 0; i < sums.Length; i++)
        {
            if (query.FillZero || sums[i] != default)
            {
                series.Add(new ClickBucket(range.StartOf(i), completeness.StateOf(range.StartOf(i + 1)), sums[i]));
            }
        }

        return series;
    }

    private static ClickTotals Sum(IEnumerable<ClickTotals> parts) => parts.Aggregate(default(ClickTotals), (sum, part) => sum + part);
}
