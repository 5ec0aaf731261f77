using System.ComponentModel;
using AdClick.Gateway.Api;

namespace AdClick.Gateway.Proofs;

/// <summary>Answer to <c>POST /v1/ads/{adId}/compare</c>.</summary>
/// <param name="AdId">Ad.</param>
/// <param name="Granularity">Width of a bucket.</param>
/// <param name="TimeZone">Zone of the buckets.</param>
/// <param name="From">Start.</param>
/// <param name="To">End.</param>
/// <param name="CompleteThrough">How far AdClick's numbers are complete.</param>
/// <param name="Lines">Lines.</param>
/// <param name="LinesOutside">Lines outside.</param>
/// <param name="Total">Sums.</param>
/// <param name="Series">Buckets.</param>
internal sealed record ComparisonResponse(
    string AdId,
    [property: OneOf("minute", "quarter-hour", "hour", "day")] string Granularity,
    string TimeZone,
    [property: Description("Start of the first bucket, in UTC.")] DateTime From,
    [property: Description("End of the last bucket, in UTC.")] DateTime To,
    [property: Description("The time before which no gateway still holds a click that the store lacks.")] DateTime CompleteThrough,
    [property: Description("Lines that were compared.")] int Lines,
    [property: Description("Lines whose times lie outside `from` and `to`; they were left out.")] int LinesOutside,
    ComparedCounts Total,
    [property: Description("Buckets in ascending order, those without any click left out.")] IReadOnlyList<ComparedBucket> Series);

/// <summary>Two counts of one span of time, and what AdClick knows of what lies between them.</summary>
/// <param name="Yours">The caller's.</param>
/// <param name="Clicks">AdClick's.</param>
/// <param name="Difference">Between them.</param>
/// <param name="ExplainedBy">Outcomes that make it up.</param>
/// <param name="Duplicates">Duplicates.</param>
/// <param name="Repeats">Repeats.</param>
/// <param name="Late">Late ones.</param>
/// <param name="Invalid">Invalid ones.</param>
/// <param name="InvalidByReason">Why.</param>
internal sealed record ComparedCounts(
    [property: Description("Clicks of the lines that were sent.")] long Yours,
    [property: Description("Clicks that AdClick has accepted.")] long Clicks,
    [property: Description("`yours` minus `clicks`. Below 0: redirects that did not arrive as visits.")] long Difference,
    [property: Description("The fewest outcomes whose clicks add up to the difference exactly: duplicate, repeat, late, bot, expired, inactive_ad. Absent where there are none.")]
    IReadOnlyList<string>? ExplainedBy,
    [property: Description("Further clicks of accepted impressions.")] long Duplicates,
    [property: Description("Second copies of the very same click; absent where minutes are no longer kept.")] long? Repeats,
    [property: Description("Clicks beyond the allowed lateness.")] long Late,
    long Invalid,
    [property: Description("Invalid clicks by reason: bot, expired, inactive_ad; only those that occur.")] IReadOnlyDictionary<string, long> InvalidByReason);

/// <summary>One bucket.</summary>
/// <param name="Start">Start.</param>
/// <param name="State">Whether AdClick's numbers can still change.</param>
/// <param name="Yours">The caller's.</param>
/// <param name="Clicks">AdClick's.</param>
/// <param name="Difference">Between them.</param>
/// <param name="ExplainedBy">Outcomes that make it up.</param>
/// <param name="Duplicates">Duplicates.</param>
/// <param name="Repeats">Repeats.</param>
/// <param name="Late">Late ones.</param>
/// <param name="Invalid">Invalid ones.</param>
/// <param name="InvalidByReason">Why.</param>
internal sealed record ComparedBucket(
    [property: Description("Inclusive start, in UTC.")] DateTime Start,
    [property: OneOf("live", "final", "reconciled")] string State,
    long Yours,
    long Clicks,
    long Difference,
    IReadOnlyList<string>? ExplainedBy,
    long Duplicates,
    long? Repeats,
    long Late,
    long Invalid,
    IReadOnlyDictionary<string, long> InvalidByReason);
