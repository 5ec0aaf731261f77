using System.Diagnostics.Metrics;
using AdClick.Actors.Partitions;

namespace AdClick.Gateway.Operators;

/// <summary>What the cluster looks like from this node, read when somebody looks.</summary>
internal sealed class ClusterGauges : IDisposable
{
    private readonly Meter _meter = new("AdClick");

    /// <summary>Registers the gauges.</summary>
    public ClusterGauges(ClusterBoard board)
    {
        _meter.CreateObservableGauge(
            "adclick.cluster.nodes",
            () => board.Nodes.GroupBy(node => node.IsReachable ? node.Status : "unreachable")
                .Select(group => new Measurement<int>(group.Count(), new KeyValuePair<string, object?>("status", group.Key))),
            "{node}",
            "Nodes of the cluster, as this node sees them");
        _meter.CreateObservableGauge(
            "adclick.cluster.partition.owner",
            () => board.Partitions().Values.Select(partition => new Measurement<int>(
                1,
                new KeyValuePair<string, object?>("partition", partition.Status.Partition),
                new KeyValuePair<string, object?>("node", partition.Node))),
            "1",
            "1 for the node that owns the partition, as this node sees it");
        _meter.CreateObservableGauge(
            "adclick.cluster.partition.lag",
            () => board.Partitions().Values.Select(partition => new Measurement<long>(
                partition.Lag, new KeyValuePair<string, object?>("partition", partition.Status.Partition))),
            "{record}",
            "Log records that are not counted yet, as the owner told this node");
        _meter.CreateObservableGauge(
            "adclick.cluster.partitions.uncounted",
            () => board.PartitionCount - board.Partitions().Values.Count(partition => partition.Status.Phase == PartitionPhase.Running),
            "{partition}",
            "Partitions that no node counts now, as this node sees it");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();
}
