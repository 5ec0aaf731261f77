using System.ComponentModel;
using AdClick.Gateway.Api;

namespace AdClick.Gateway.Metrics;

/// <summary>Answer about clicks, as it is described; <see cref="ClickReportJson"/> writes it.</summary>
/// <param name="AdId">The ad that was asked for.</param>
/// <param name="AdvertiserId">The advertiser that was asked for.</param>
/// <param name="Granularity">Width of a bucket.</param>
/// <param name="TimeZone">Zone in which buckets are aligned.</param>
/// <param name="From">Start of the first bucket.</param>
/// <param name="To">End of the last bucket.</param>
/// <param name="CompleteThrough">How far the numbers are complete.</param>
/// <param name="Total">Sum over the range.</param>
/// <param name="Series">Buckets.</param>
/// <param name="Groups">The largest ads.</param>
/// <param name="Others">Sum of all other ads.</param>
internal sealed record ClicksResponse(
    [property: Description("The ad that was asked for.")] string? AdId,
    [property: Description("The advertiser that was asked for.")] string? AdvertiserId,
    [property: OneOf("minute", "quarter-hour", "hour", "day")] string Granularity,
    string TimeZone,
    [property: Description("Start of the first bucket, in UTC.")] DateTime From,
    [property: Description("End of the last bucket, in UTC.")] DateTime To,
    [property: Description("The time before which no gateway still holds a click that the store lacks.")] DateTime CompleteThrough,
    ClickCounts Total,
    [property: Description("Buckets in ascending order; absent when grouped.")] IReadOnlyList<ClickBucketResponse>? Series,
    [property: Description("The largest ads first; only when grouped.")] IReadOnlyList<ClickGroupResponse>? Groups,
    [property: Description("Sum of all ads beyond the listed ones; only when grouped.")] ClickCounts? Others);

/// <summary>Clicks by outcome.</summary>
/// <param name="Clicks">Accepted ones.</param>
/// <param name="Duplicates">Further ones of accepted impressions.</param>
/// <param name="Late">Too late to be counted at once.</param>
/// <param name="Invalid">All that don't count.</param>
/// <param name="InvalidByReason">Why.</param>
internal sealed record ClickCounts(
    [property: Description("The accepted ones.")] long Clicks,
    [property: Description("Further clicks of accepted impressions.")] long Duplicates,
    [property: Description("Clicks beyond the allowed lateness, which reconciliation settles.")] long Late,
    long Invalid,
    [property: Description("Invalid clicks by reason: bot, expired, inactive_ad; only those that occur.")]
    IReadOnlyDictionary<string, long> InvalidByReason);

/// <summary>One bucket.</summary>
/// <param name="Start">Start.</param>
/// <param name="State">Whether it can still change.</param>
/// <param name="Clicks">Accepted ones.</param>
/// <param name="Duplicates">Further ones of accepted impressions.</param>
/// <param name="Late">Too late to be counted at once.</param>
/// <param name="Invalid">All that don't count.</param>
/// <param name="InvalidByReason">Why.</param>
internal sealed record ClickBucketResponse(
    [property: Description("Inclusive start, in UTC.")] DateTime Start,
    [property: OneOf("live", "final", "reconciled")] string State,
    long Clicks,
    long Duplicates,
    long Late,
    long Invalid,
    IReadOnlyDictionary<string, long> InvalidByReason);

/// <summary>One ad of a grouped answer.</summary>
/// <param name="AdId">Ad.</param>
/// <param name="Total">Sum over the range.</param>
/// <param name="Series">Buckets.</param>
internal sealed record ClickGroupResponse(
    string AdId, ClickCounts Total, [property: Description("Buckets in ascending order; absent with `series=none`.")] IReadOnlyList<ClickBucketResponse>? Series);
