using System.ComponentModel;
using AdClick.Gateway.Api;

namespace AdClick.Gateway.Reconciliation;

/// <summary>What was streamed of an ad, what its raw clicks give, and what that rests on.</summary>
/// <param name="AdId">Ad.</param>
/// <param name="Granularity">Width of a bucket.</param>
/// <param name="TimeZone">Zone in which buckets are aligned.</param>
/// <param name="From">Start of the first bucket.</param>
/// <param name="To">End of the last bucket.</param>
/// <param name="Buckets">Buckets with clicks.</param>
/// <param name="Runs">Runs.</param>
internal sealed record ReconciliationResponse(
    string AdId,
    [property: OneOf("minute", "quarter-hour", "hour", "day")] string Granularity,
    string TimeZone,
    DateTime From,
    DateTime To,
    [property: Description("Buckets with clicks, in ascending order.")] IReadOnlyList<ReconciliationBucket> Buckets,
    [property: Description("The runs that the buckets name.")] IReadOnlyList<ReconciliationRunResponse> Runs);

/// <summary>One bucket.</summary>
/// <param name="Start">Start.</param>
/// <param name="State">Verdict.</param>
/// <param name="Logged">All clicks in the log.</param>
/// <param name="Streamed">As they were counted when they came.</param>
/// <param name="Recounted">As the raw clicks give.</param>
/// <param name="Settled">Late clicks that were accepted.</param>
/// <param name="Runs">Runs.</param>
internal sealed record ReconciliationBucket(
    [property: Description("Inclusive start, in UTC.")] DateTime Start,
    [property: OneOf("MATCH", "MISMATCH", "UNPROVEN", "PENDING")] string State,
    [property: Description("All clicks of the bucket in the log: accepted + duplicate + repeat + late + invalid.")] long Logged,
    [property: Description("As they were counted when they came.")] OutcomeCounts Streamed,
    [property: Description("As the raw clicks give by the counting rule; absent while the bucket is pending or unproven.")] OutcomeCounts? Recounted,
    [property: Description("Late clicks of it that were accepted after all; answers count them as clicks.")] long Settled,
    [property: Description("Numbers of the runs that it rests on.")] IReadOnlyList<long> Runs);

/// <summary>Clicks by outcome.</summary>
/// <param name="Accepted">Accepted ones.</param>
/// <param name="Duplicate">Further ones of accepted impressions.</param>
/// <param name="Repeat">Second copies of the same click.</param>
/// <param name="Late">Too late to be counted at once.</param>
/// <param name="Invalid">All that don't count.</param>
/// <param name="InvalidByReason">Why.</param>
internal sealed record OutcomeCounts(
    long Accepted,
    long Duplicate,
    [property: Description("Second copies of the very same click, such as one that was sent again after an outage.")] long Repeat,
    long Late,
    long Invalid,
    [property: Description("Invalid clicks by reason: bot, expired, inactive_ad; only those that occur.")] IReadOnlyDictionary<string, long> InvalidByReason);

/// <summary>What a run rests on.</summary>
/// <param name="Run">Number.</param>
/// <param name="From">First hour.</param>
/// <param name="To">Hour after the last.</param>
/// <param name="FinishedAt">When it was said.</param>
/// <param name="Reason">Why it is unproven.</param>
/// <param name="Rules">Other rules.</param>
/// <param name="Offsets">Offsets.</param>
/// <param name="Files">Files.</param>
internal sealed record ReconciliationRunResponse(
    long Run,
    DateTime From,
    DateTime To,
    DateTime FinishedAt,
    [property: Description("Why nothing is proven.")] string? Reason,
    [property: Description("Other rules than those of the counting, which somebody has applied.")] string? Rules,
    [property: Description("Offsets of the click log that it looked at.")] IReadOnlyList<ReconciliationOffsets> Offsets,
    [property: Description("Files of the hours, and any other file with a problem.")] IReadOnlyList<ReconciliationFile> Files);

/// <summary>Offsets of a partition.</summary>
/// <param name="Log">Log epoch.</param>
/// <param name="Partition">Partition.</param>
/// <param name="First">First offset.</param>
/// <param name="End">Offset after the last.</param>
internal sealed record ReconciliationOffsets(Guid Log, int Partition, long First, long End);

/// <summary>A file of the lake.</summary>
/// <param name="Name">Path below the lake.</param>
/// <param name="Bytes">Length, as it was written.</param>
/// <param name="Sha256">SHA-256, as it was written.</param>
/// <param name="Problem">What is wrong with it.</param>
internal sealed record ReconciliationFile(
    string Name, long Bytes, string Sha256, [property: Description("What is wrong with the file, such as \"is missing\"; absent when nothing is.")] string? Problem);
