namespace AdClick.Actors.Metrics;

/// <summary>Makes the answer to a question out of what a store has read for it.</summary>
internal sealed class ReportBuilder(ClickQuery query, AlignedRange range, Completeness completeness, ReconciledHours reconciled)
{
    private readonly List<AdClicks> _groups = [];
    private List<(int Ad, string AdId, ClickTotals Sum)> _bySize = [];
    private int _buckets;

    /// <summary>The ads that are listed in a grouped answer, the largest first.</summary>
    public IEnumerable<int> Largest => _bySize.Take(query.Top).Select(ad => ad.Ad);

    /// <summary>An answer that is not grouped, from the sum of each bucket.</summary>
    public ClickReport OfSeries(ClickTotals[] sums) => Empty() with { Total = Sum(sums), Series = ToSeries(sums) };

    /// <summary>Puts the ads in order by their sums over the range; those without clicks are left out.</summary>
    /// <param name="ads">The ads of the question, by number.</param>
    /// <param name="sums">Their sums.</param>
    public void SetSums(IReadOnlyDictionary<int, string> ads, AdsSink sums) => _bySize =
    [
        .. ads.Select(ad => (Ad: ad.Key, AdId: ad.Value, Sum: sums[ad.Key]))
            .Where(ad => ad.Sum != default)
            .OrderByDescending(ad => ad.Sum.Clicks)
            .ThenBy(ad => ad.AdId, StringComparer.Ordinal),
    ];

    /// <summary>Adds the buckets of an ad, in the order of <see cref="Largest"/>.</summary>
    /// <exception cref="TooManyBucketsException">The groups together have too many buckets.</exception>
    public void AddGroup(int ad, ClickTotals[] sums)
    {
        var next = _bySize[_groups.Count];
        if (next.Ad != ad)
        {
            throw new ArgumentException($"Ad {next.Ad} is next.", nameof(ad));
        }

        var series = ToSeries(sums);
        _groups.Add(new AdClicks(next.AdId, next.Sum, series));
        _buckets += series.Count;
        if (_buckets > ClickQuery.MaxBuckets)
        {
            throw new TooManyBucketsException(
                $"The answer would hold more than {ClickQuery.MaxBuckets} buckets in all its groups: narrow the range, or ask for a coarser "
                + "granularity or a smaller 'top'.");
        }
    }

    /// <summary>The grouped answer without buckets.</summary>
    public ClickReport OfTotals()
    {
        _groups.AddRange(_bySize.Take(query.Top).Select(ad => new AdClicks(ad.AdId, ad.Sum, [])));
        return OfGroups();
    }

    /// <summary>The grouped answer.</summary>
    public ClickReport OfGroups() => Empty() with
    {
        Total = Sum(_bySize.Select(ad => ad.Sum)),
        Groups = _groups,
        Others = Sum(_bySize.Skip(query.Top).Select(ad => ad.Sum)),
    };

    private ClickReport Empty() => new()
    {
        From = range.From,
        To = range.To,
        CompleteThrough = DateTimeOffset.FromUnixTimeMilliseconds(completeness.ThroughMs),
        Total = default,
        Series = [],
    };

    private List<ClickBucket> ToSeries(ClickTotals[] sums)
    {
        var series = new List<ClickBucket>();
        for (var i = 0; i < sums.Length; i++)
        {
            if (query.FillZero || sums[i] != default)
            {
                series.Add(new ClickBucket(range.StartOf(i), StateOf(i), sums[i]));
            }
        }

        return series;
    }

    private BucketState StateOf(int bucket)
    {
        var (start, end) = (range.StartOf(bucket), range.StartOf(bucket + 1));
        return reconciled.Cover(start, end) ? BucketState.Reconciled : completeness.StateOf(end);
    }

    private static ClickTotals Sum(IEnumerable<ClickTotals> parts) => parts.Aggregate(default(ClickTotals), (sum, part) => sum + part);
}
