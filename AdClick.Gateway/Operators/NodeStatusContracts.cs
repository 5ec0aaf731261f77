using System.ComponentModel;
using AdClick.Gateway.Api;

namespace AdClick.Gateway.Operators;

/// <summary>Answer to <c>GET /v1/operator/status</c>.</summary>
/// <param name="Time">Now, on the node that answers.</param>
/// <param name="Node">The node that answers.</param>
/// <param name="StartedAt">When its process was started.</param>
/// <param name="Version">What it runs.</param>
/// <param name="Ready">Whether it is ready.</param>
/// <param name="Reasons">Why it is not.</param>
/// <param name="Notices">What should be looked at.</param>
/// <param name="Redirects">Redirects of the last seconds.</param>
/// <param name="Latency">How long they took.</param>
/// <param name="HotAds">Busy and split ads.</param>
/// <param name="Nodes">All nodes.</param>
/// <param name="Partitions">All partitions.</param>
/// <param name="Events">Lines of the log.</param>
internal sealed record NodeStatusResponse(
    DateTime Time,
    [property: Description("The node that answers, host:port of its remoting; absent before it has joined.")] string? Node,
    DateTime StartedAt,
    string Version,
    bool Ready,
    [property: Description("Why it is not ready, in sentences.")] IReadOnlyList<string> Reasons,
    [property: Description("What costs no click yet but should be looked at, in sentences.")] IReadOnlyList<string> Notices,
    [property: Description("Logged and redirected clicks of this node in each of the last 60 whole seconds, the oldest first.")]
    IReadOnlyList<RedirectsResponse> Redirects,
    [property: Description("Time from request to redirect on this node, over the last 60 seconds.")] RedirectLatencyResponse Latency,
    [property: Description("The busy and the split ads, the busiest first.")] IReadOnlyList<HotAdResponse> HotAds,
    IReadOnlyList<ClusterNodeResponse> Nodes,
    IReadOnlyList<PartitionStatusResponse> Partitions,
    [property: Description("Newest lines of this node's log, from Information on, the oldest first.")] IReadOnlyList<RecentEventResponse> Events);

/// <summary>Redirects of a second.</summary>
/// <param name="At">The second.</param>
/// <param name="Valid">With nothing held against the click.</param>
/// <param name="Invalid">With a verdict.</param>
internal sealed record RedirectsResponse(
    DateTime At,
    [property: Description("Clicks that the gateway holds nothing against; which of them are duplicates, the counting decides.")] long Valid,
    [property: Description("Clicks of bots, of expired impressions and of inactive ads.")] long Invalid);

/// <summary>How long redirects took.</summary>
/// <param name="Redirects">How many there were.</param>
/// <param name="P50Ms">Median.</param>
/// <param name="P95Ms">95th percentile.</param>
/// <param name="P99Ms">99th percentile.</param>
/// <param name="MaxMs">Longest.</param>
internal sealed record RedirectLatencyResponse(
    long Redirects,
    [property: Description("Median in milliseconds; absent when there was no redirect.")] double? P50Ms,
    [property: Description("95th percentile in milliseconds.")] double? P95Ms,
    [property: Description("99th percentile in milliseconds.")] double? P99Ms,
    [property: Description("The longest in milliseconds.")] double? MaxMs);

/// <summary>A busy or split ad.</summary>
/// <param name="AdId">The ad.</param>
/// <param name="ClicksPerSecond">Clicks.</param>
/// <param name="IssuedPerSecond">Impressions.</param>
/// <param name="SubShards">Sub-shards.</param>
/// <param name="Pinned">Whether an operator said so.</param>
internal sealed record HotAdResponse(
    string AdId,
    [property: Description("Distinct clicked impressions per second over all gateways.")] double ClicksPerSecond,
    [property: Description("Issued impressions per second over all gateways.")] double IssuedPerSecond,
    [property: Description("Sub-shards that its impressions are issued for.")] int SubShards,
    [property: Description("Whether an operator has pinned the number.")] bool Pinned);

/// <summary>A partition.</summary>
/// <param name="Partition">Number.</param>
/// <param name="Owner">Owner.</param>
/// <param name="State">What it is doing.</param>
/// <param name="Reason">Why it isn't running.</param>
/// <param name="NextOffset">Offset of the next record.</param>
/// <param name="Lag">Records not counted yet.</param>
/// <param name="CheckpointAgeSeconds">Age of the newest checkpoint.</param>
/// <param name="Ads">Ads with an actor.</param>
/// <param name="Impressions">Impressions remembered.</param>
internal sealed record PartitionStatusResponse(
    int Partition,
    [property: Description("The node that owns it; absent while it has no owner.")] string? Owner,
    [property: OneOf("unowned", "starting", "running", "backing-off", "paused")] string State,
    [property: Description("Why it is not running, or waits; absent otherwise.")] string? Reason,
    [property: Description("Offset of the next record to count.")] long? NextOffset,
    [property: Description("Log records that are not counted yet.")] long? Lag,
    [property: Description("Seconds since the newest checkpoint; absent before the first.")] double? CheckpointAgeSeconds,
    [property: Description("Ad keys with an actor.")] int? Ads,
    [property: Description("Impressions remembered for deduplication.")] long? Impressions);

/// <summary>A line of the log.</summary>
/// <param name="Number">Number.</param>
/// <param name="Time">When.</param>
/// <param name="Level">How bad.</param>
/// <param name="Category">Whose.</param>
/// <param name="Message">What.</param>
internal sealed record RecentEventResponse(
    [property: Description("Counts the lines since the start of the process; the next call's `afterEvent`.")] long Number,
    DateTime Time,
    [property: Description("Information, Warning, Error or Critical.")] string Level,
    string Category,
    string Message);
