namespace AdClick.Actors.Metrics;

/// <summary>Width of the buckets of an answer.</summary>
public enum Granularity
{
    /// <summary>One minute.</summary>
    Minute,

    /// <summary>Fifteen minutes.</summary>
    QuarterHour,

    /// <summary>One hour, aligned in the asked time zone.</summary>
    Hour,

    /// <summary>One calendar day of the asked time zone (23 to 25 hours).</summary>
    Day,
}

/// <summary>A checked question about clicks. Equal questions are equal records, so that they can share an answer.</summary>
public sealed record ClickQuery
{
    /// <summary>Most buckets that one answer may hold.</summary>
    public const int MaxBuckets = 10_000;

    /// <summary>The ad asked for; null when <see cref="AdvertiserId"/> is set.</summary>
    public string? AdId { get; init; }

    /// <summary>The advertiser asked for; null when <see cref="AdId"/> is set.</summary>
    public string? AdvertiserId { get; init; }

    /// <summary>Inclusive, aligned outwards to a bucket.</summary>
    public required DateTimeOffset From { get; init; }

    /// <summary>Exclusive, aligned outwards to a bucket.</summary>
    public required DateTimeOffset To { get; init; }

    /// <summary>Width of a bucket.</summary>
    public required Granularity Granularity { get; init; }

    /// <summary>IANA name of the zone in which buckets are aligned.</summary>
    public required string TimeZone { get; init; }

    /// <summary>Whether empty buckets are listed with zeros.</summary>
    public bool FillZero { get; init; }

    /// <summary>Whether an advertiser's answer is split by ad.</summary>
    public bool GroupByAd { get; init; }

    /// <summary>How many of the largest ads are listed when grouped.</summary>
    public int Top { get; init; } = 50;

    /// <summary>Of an advertiser, only the ads with these IDs, joined by commas in ascending order (a text, so that equal questions are equal); null for all.</summary>
    public string? OnlyAds { get; init; }

    /// <summary>Whether the groups of a grouped answer come without their buckets.</summary>
    public bool TotalsOnly { get; init; }

    /// <summary>The advertiser, when the sum of all its ads is asked for; otherwise null.</summary>
    public string? WholeAdvertiser => OnlyAds is null && !GroupByAd ? AdvertiserId : null;

    /// <summary>Tells which ads of the advertiser are asked for.</summary>
    public Func<string, bool> AdFilter() => OnlyAds is null ? _ => true : OnlyAds.Split(',').ToHashSet(StringComparer.Ordinal).Contains;
}

/// <summary>Whether a bucket can still change.</summary>
public enum BucketState
{
    /// <summary>Clicks may still be added.</summary>
    Live,

    /// <summary>Only late clicks may be added, until reconciliation.</summary>
    Final,

    /// <summary>Re-counted from the raw clicks.</summary>
    Reconciled,
}

/// <summary>Clicks by outcome over some span of time.</summary>
/// <param name="Clicks">Accepted ones.</param>
/// <param name="Duplicates">Further clicks of accepted impressions.</param>
/// <param name="Late">Clicks beyond the allowed lateness.</param>
/// <param name="Bot">Invalid: declared bots.</param>
/// <param name="Expired">Invalid: expired impressions.</param>
/// <param name="InactiveAd">Invalid: paused or archived ads.</param>
public readonly record struct ClickTotals(long Clicks, long Duplicates, long Late, long Bot, long Expired, long InactiveAd)
{
    /// <summary>All invalid clicks.</summary>
    public long Invalid => Bot + Expired + InactiveAd;

    /// <summary>Adds two totals.</summary>
    public static ClickTotals operator +(ClickTotals a, ClickTotals b) => new(
        a.Clicks + b.Clicks, a.Duplicates + b.Duplicates, a.Late + b.Late, a.Bot + b.Bot, a.Expired + b.Expired, a.InactiveAd + b.InactiveAd);

    /// <summary>The difference of two totals.</summary>
    public static ClickTotals operator -(ClickTotals a, ClickTotals b) => new(
        a.Clicks - b.Clicks, a.Duplicates - b.Duplicates, a.Late - b.Late, a.Bot - b.Bot, a.Expired - b.Expired, a.InactiveAd - b.InactiveAd);
}

/// <summary>One bucket of a series.</summary>
/// <param name="Start">Inclusive start, in UTC.</param>
/// <param name="State">Whether it can still change.</param>
/// <param name="Totals">Its clicks.</param>
public sealed record ClickBucket(DateTimeOffset Start, BucketState State, ClickTotals Totals);

/// <summary>Answer to a <see cref="ClickQuery"/>, read in one snapshot.</summary>
public sealed record ClickReport
{
    /// <summary>The aligned start of the first bucket, in UTC.</summary>
    public required DateTimeOffset From { get; init; }

    /// <summary>The aligned end of the last bucket, in UTC.</summary>
    public required DateTimeOffset To { get; init; }

    /// <summary>Time before which no gateway still holds a click that the store lacks; the Unix epoch while nothing is known.</summary>
    public required DateTimeOffset CompleteThrough { get; init; }

    /// <summary>Sum over the range.</summary>
    public required ClickTotals Total { get; init; }

    /// <summary>Buckets in ascending order; empty when grouped.</summary>
    public required IReadOnlyList<ClickBucket> Series { get; init; }

    /// <summary>The largest ads first, when grouped; otherwise null.</summary>
    public IReadOnlyList<AdClicks>? Groups { get; init; }

    /// <summary>Sum of the ads beyond the listed ones, when grouped.</summary>
    public ClickTotals Others { get; init; }
}

/// <summary>The part of one ad in a grouped answer.</summary>
/// <param name="AdId">Ad.</param>
/// <param name="Total">Sum over the range.</param>
/// <param name="Series">Buckets in ascending order.</param>
public sealed record AdClicks(string AdId, ClickTotals Total, IReadOnlyList<ClickBucket> Series);
