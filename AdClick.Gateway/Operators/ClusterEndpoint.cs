using System.ComponentModel;
using AdClick.Actors.Partitions;
using AdClick.Gateway.Api;

namespace AdClick.Gateway.Operators;

/// <summary>Who is in the cluster, and who counts what.</summary>
internal static class ClusterEndpoint
{
    /// <summary>Maps <c>/v1/cluster</c>, on nodes of every role.</summary>
    public static IEndpointRouteBuilder MapAdClickCluster(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/v1/cluster", (ClusterBoard board) => TypedResults.Json(ClusterResponse.Of(board), ApiJson.Context.ClusterResponse))
            .WithName("getCluster").WithTags("Operating")
            .WithSummary("Read the nodes of the cluster and the owner of each partition")
            .WithDescription("As the node that answers knows it: of other nodes, by what they reported in the last seconds.")
            .RequireAuthorization(ApiScopes.Admin)
            .AddEndpointFilter(EndpointContract.CheckRequestAsync)
            .Gives<ClusterResponse>(200, "Nodes and partitions.");
        return endpoints;
    }
}

/// <summary>Answer to <c>GET /v1/cluster</c>.</summary>
/// <param name="Node">The node that answers.</param>
/// <param name="Nodes">All nodes.</param>
/// <param name="Partitions">All partitions.</param>
internal sealed record ClusterResponse(
    [property: Description("The node that answers, host:port of its remoting; absent before it has joined.")] string? Node,
    IReadOnlyList<ClusterNodeResponse> Nodes,
    IReadOnlyList<ClusterPartitionResponse> Partitions)
{
    /// <summary>The board as it is shown.</summary>
    public static ClusterResponse Of(ClusterBoard board)
    {
        var owned = board.Partitions();
        return new ClusterResponse(
            board.Self?.Node,
            [.. board.Nodes.Select(node => new ClusterNodeResponse(node.Node, node.Roles, node.Status, node.IsReachable))],
            [.. Enumerable.Range(0, board.PartitionCount).Select(partition => ClusterPartitionResponse.Of(partition, owned.GetValueOrDefault(partition)))]);
    }
}

/// <summary>A node.</summary>
/// <param name="Node"><c>host:port</c>.</param>
/// <param name="Roles">Roles.</param>
/// <param name="Status">Status.</param>
/// <param name="Reachable">Whether it answers.</param>
internal sealed record ClusterNodeResponse(
    [property: Description("host:port of its remoting.")] string Node,
    [property: Description("gateway, processor or both.")] IReadOnlyList<string> Roles,
    [property: Description("joining, weaklyup, up, leaving, exiting, down or removed.")] string Status,
    [property: Description("Whether the node that answers gets heartbeats from it.")] bool Reachable);

/// <summary>A partition.</summary>
/// <param name="Partition">Number.</param>
/// <param name="Owner">The node that owns it.</param>
/// <param name="State">What it is doing.</param>
/// <param name="Reason">Why it isn't running.</param>
/// <param name="OwnerEpoch">Owner epoch.</param>
/// <param name="NextOffset">Offset of the next record.</param>
/// <param name="FlushedOffset">Everything below is in the store.</param>
/// <param name="CheckpointOffset">Newest checkpoint.</param>
/// <param name="Lag">Records not counted yet.</param>
internal sealed record ClusterPartitionResponse(
    int Partition,
    [property: Description("The node that owns it, host:port of its remoting; absent while it has no owner.")] string? Owner,
    [property: OneOf("unowned", "starting", "running", "backing-off", "paused")] string State,
    [property: Description("Why it is not running, or waits; absent otherwise.")] string? Reason,
    [property: Description("How many owners it has had.")] long? OwnerEpoch,
    [property: Description("Offset of the next record to count.")] long? NextOffset,
    [property: Description("Everything below this offset is in the metrics store.")] long? FlushedOffset,
    [property: Description("A restart reads on from here.")] long? CheckpointOffset,
    [property: Description("Log records that are not counted yet.")] long? Lag)
{
    /// <summary>A partition as it is shown.</summary>
    public static ClusterPartitionResponse Of(int partition, OwnedPartition? owned) => owned is null
        ? new ClusterPartitionResponse(partition, null, "unowned", null, null, null, null, null, null)
        : new ClusterPartitionResponse(
            partition, owned.Node, StateOf(owned.Status.Phase), owned.Status.Reason, owned.Status.OwnerEpoch, owned.Status.NextOffset,
            owned.Status.FlushedOffset, owned.Status.CheckpointOffset, owned.Lag);

    /// <summary>A phase as it is written.</summary>
    public static string StateOf(PartitionPhase phase) => phase switch
    {
        PartitionPhase.Running => "running",
        PartitionPhase.BackingOff => "backing-off",
        PartitionPhase.Paused => "paused",
        _ => "starting",
    };
}
