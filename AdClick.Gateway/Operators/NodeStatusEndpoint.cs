using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using AdClick.Actors.HotAds;
using AdClick.Actors.Partitions;
using AdClick.Gateway.Ads;
using AdClick.Gateway.Api;

namespace AdClick.Gateway.Operators;

/// <summary>All that the operators' page shows, in one answer out of memory: it works with the database away, too.</summary>
internal static class NodeStatusEndpoint
{
    private const int Seconds = 60;

    private static readonly string Version =
        typeof(NodeStatusEndpoint).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "";

    private static readonly DateTime StartedAt = ReadStart();

    /// <summary>Maps <c>/v1/operator/status</c>, on nodes of every role.</summary>
    public static IEndpointRouteBuilder MapNodeStatus(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/v1/operator/status", Read)
            .WithName("getNodeStatus").WithTags("Operating")
            .WithSummary("Read how the node and its cluster are doing")
            .WithDescription("Traffic, latency and log lines are the node's own; of other nodes it tells by what they reported in the last seconds.")
            .RequireAuthorization(ApiScopes.Admin)
            .AddEndpointFilter(EndpointContract.CheckRequestAsync)
            .WithQuery(new QueryParameter("afterEvent", "Only lines of the log after the one with this number.") { Default = "0" })
            .Gives<NodeStatusResponse>(200, "The node and its cluster.");
        return endpoints;
    }

    private static IResult Read(
        HttpContext http, ClusterBoard board, Readiness readiness, RedirectWatch watch, RecentEvents events, SubShardTable table, AdCatalogue catalogue, TimeProvider time)
    {
        var after = 0L;
        if (http.Request.Query["afterEvent"] is [{ } text] && !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out after))
        {
            return FieldErrors.One("afterEvent", "must be the number of an event");
        }

        var now = time.GetUtcNow();
        var reasons = readiness.Reasons();
        var owned = board.Partitions();
        var latency = watch.Latency(Seconds);
        return TypedResults.Json(
            new NodeStatusResponse(
                now.UtcDateTime,
                board.Self?.Node,
                StartedAt,
                Version,
                reasons.Count == 0,
                reasons,
                readiness.Notices(),
                [.. watch.PerSecond(Seconds).Select(second => new RedirectsResponse(second.At.UtcDateTime, second.Valid, second.Invalid))],
                new RedirectLatencyResponse(latency.Redirects, Ms(latency.Median), Ms(latency.P95), Ms(latency.P99), Ms(latency.Max)),
                HotAds(table, catalogue),
                [.. board.Nodes.Select(node => new ClusterNodeResponse(node.Node, node.Roles, node.Status, node.IsReachable))],
                [.. Enumerable.Range(0, board.PartitionCount).Select(number => Partition(number, owned.GetValueOrDefault(number), now))],
                [
                    .. events.After(after).Select(line => new RecentEventResponse(
                        line.Number, line.Line.At.UtcDateTime, line.Line.Level.ToString(), line.Line.Category, line.Line.Message)),
                ]),
            ApiJson.Context.NodeStatusResponse);
    }

    private static DateTime ReadStart()
    {
        using var process = Process.GetCurrentProcess();
        return process.StartTime.ToUniversalTime();
    }

    private static double? Ms(TimeSpan? span) => span is { } known ? Math.Round(known.TotalMilliseconds, 3) : null;

    private static PartitionStatusResponse Partition(int number, OwnedPartition? owned, DateTimeOffset now) => owned is null
        ? new PartitionStatusResponse(number, null, "unowned", null, null, null, null, null, null)
        : new PartitionStatusResponse(
            number,
            owned.Node,
            ClusterPartitionResponse.StateOf(owned.Status.Phase),
            owned.Status.Reason,
            owned.Status.NextOffset,
            owned.Lag,
            owned.Status.CheckpointAt == default ? null : Math.Round((now - owned.Status.CheckpointAt).TotalSeconds, 1),
            owned.Status.Ads,
            owned.Status.Impressions);

    private static List<HotAdResponse> HotAds(SubShardTable table, AdCatalogue catalogue)
    {
        var pinned = catalogue.Pinned().ToDictionary(ad => ad.AdId, ad => ad.PinnedSubShards!.Value, StringComparer.Ordinal);
        var busy = table.Ads;
        return
        [
            .. pinned.Keys.Union(busy.Keys)
                .Select(adId => (AdId: adId, Ad: busy.GetValueOrDefault(adId)))
                .Select(ad => new HotAdResponse(
                    ad.AdId,
                    Math.Round(ad.Ad?.ClicksPerSecond ?? 0, 1),
                    Math.Round(ad.Ad?.IssuedPerSecond ?? 0, 1),
                    pinned.TryGetValue(ad.AdId, out var number) ? number : ad.Ad?.SubShards ?? 1,
                    pinned.ContainsKey(ad.AdId)))
                .OrderByDescending(ad => ad.ClicksPerSecond)
                .ThenBy(ad => ad.AdId, StringComparer.Ordinal),
        ];
    }
}
