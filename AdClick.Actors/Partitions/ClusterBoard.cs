using System.Collections.Immutable;
using AdClick.Actors.ClickLog;

namespace AdClick.Actors.Partitions;

/// <summary>A node of the cluster, as this one knows it.</summary>
/// <param name="Node"><c>host:port</c> of its remoting.</param>
/// <param name="Roles">What it does.</param>
/// <param name="Status">Akka's member status in lower case, such as <c>up</c>.</param>
/// <param name="IsReachable">Whether it answers heartbeats.</param>
/// <param name="IsSelf">Whether it is this node.</param>
public sealed record ClusterNode(string Node, IReadOnlyList<string> Roles, string Status, bool IsReachable, bool IsSelf);

/// <summary>A partition and who counts it.</summary>
/// <param name="Node"><c>host:port</c> of the owner's remoting.</param>
/// <param name="Status">Its state.</param>
/// <param name="Lag">Log records that are not counted yet.</param>
public sealed record OwnedPartition(string Node, PartitionStatus Status, long Lag);

/// <summary>
/// What this node knows of the cluster: its nodes, and the owner of each partition. Its own partitions it knows at once, those of others by their reports of the last
/// seconds. Read by health checks, gauges and the API; never by the counting.
/// </summary>
public sealed class ClusterBoard
{
    /// <summary>For how long a report counts: several are missed before a partition is said to have no owner.</summary>
    public static readonly TimeSpan ReportLifetime = TimeSpan.FromSeconds(5);

    private readonly PartitionBoard _own;
    private readonly IClickLog _log;
    private readonly TimeProvider _time;
    private ImmutableDictionary<string, HeardReport> _reports = ImmutableDictionary<string, HeardReport>.Empty;
    private volatile IReadOnlyList<ClusterNode> _nodes = [];

    /// <summary>The board of a node.</summary>
    /// <param name="own">Its own partitions.</param>
    /// <param name="log">The click log.</param>
    /// <param name="gateway">The node's name in marks; null for a node that takes no clicks.</param>
    /// <param name="time">Clock.</param>
    public ClusterBoard(PartitionBoard own, IClickLog log, string? gateway, TimeProvider time)
    {
        _own = own;
        _log = log;
        _time = time;
        Gateway = gateway;
    }

    /// <summary>This node's name in marks; null if it takes no clicks.</summary>
    public string? Gateway { get; }

    /// <summary>The nodes, by address; empty before the node has joined a cluster.</summary>
    public IReadOnlyList<ClusterNode> Nodes => _nodes;

    /// <summary>This node; null before it has joined a cluster.</summary>
    public ClusterNode? Self => _nodes.FirstOrDefault(node => node.IsSelf);

    /// <summary>Number of partitions of the click log.</summary>
    public int PartitionCount => _log.Identity.Partitions;

    /// <summary>
    /// The partitions that somebody owns, by number. Where two nodes say so, one of them has not heard yet that the other took over: the greater owner epoch is right.
    /// </summary>
    public IReadOnlyDictionary<int, OwnedPartition> Partitions()
    {
        var found = new SortedDictionary<int, OwnedPartition>();
        foreach (var status in _own.Snapshot())
        {
            Add(new OwnedPartition(Self?.Node ?? "", status, LagOf(status)));
        }

        foreach (var (node, report) in Reports())
        {
            foreach (var partition in report.Partitions)
            {
                Add(new OwnedPartition(node, StatusOf(partition), partition.Lag));
            }
        }

        return found;

        void Add(OwnedPartition partition)
        {
            var number = partition.Status.Partition;
            if (number < PartitionCount && (!found.TryGetValue(number, out var other) || other.Status.OwnerEpoch < partition.Status.OwnerEpoch))
            {
                found[number] = partition;
            }
        }
    }

    /// <summary>Another node that writes marks under this gateway's name; null when there is none, as it should be.</summary>
    public string? FindNamesake() => Gateway is null ? null : Reports().FirstOrDefault(report => report.Report.Gateway == Gateway).Node;

    /// <summary>The cluster has changed.</summary>
    internal void SetNodes(IReadOnlyList<ClusterNode> nodes) => _nodes = nodes;

    /// <summary>Notes what another node says.</summary>
    internal void Note(string node, NodeReport report) =>
        ImmutableInterlocked.Update(ref _reports, (reports, heard) => reports.SetItem(node, heard), new HeardReport(report, _time.GetTimestamp()));

    /// <summary>A node is gone.</summary>
    internal void Forget(string node) => ImmutableInterlocked.TryRemove(ref _reports, node, out _);

    /// <summary>What this node has to say to the others.</summary>
    internal NodeReport Report()
    {
        var report = new NodeReport { Gateway = Gateway ?? "" };
        foreach (var status in _own.Snapshot())
        {
            report.Partitions.Add(new PartitionReport
            {
                Partition = status.Partition,
                Phase = (int)status.Phase,
                Reason = status.Reason ?? "",
                OwnerEpoch = status.OwnerEpoch,
                NextOffset = status.NextOffset,
                FlushedOffset = status.FlushedOffset,
                CheckpointOffset = status.CheckpointOffset,
                CheckpointAtMs = status.CheckpointAt == default ? 0 : status.CheckpointAt.ToUnixTimeMilliseconds(),
                ClockMs = status.ClockMs,
                Ads = status.Ads,
                Impressions = status.Impressions,
                Lag = LagOf(status),
                PausedBy = status.PausedBy ?? "",
            });
        }

        return report;
    }

    private static PartitionStatus StatusOf(PartitionReport report) => new()
    {
        Partition = report.Partition,
        Phase = (PartitionPhase)report.Phase,
        Reason = report.Reason.Length == 0 ? null : report.Reason,
        OwnerEpoch = report.OwnerEpoch,
        NextOffset = report.NextOffset,
        FlushedOffset = report.FlushedOffset,
        CheckpointOffset = report.CheckpointOffset,
        CheckpointAt = report.CheckpointAtMs == 0 ? default : DateTimeOffset.FromUnixTimeMilliseconds(report.CheckpointAtMs),
        ClockMs = report.ClockMs,
        Ads = report.Ads,
        Impressions = report.Impressions,
        PausedBy = report.PausedBy.Length == 0 ? null : report.PausedBy,
    };

    private long LagOf(PartitionStatus status) => status.Partition < PartitionCount ? Math.Max(0, _log.RangeOf(status.Partition).End - status.NextOffset) : 0;

    private IEnumerable<(string Node, NodeReport Report)> Reports() =>
        _reports.Where(heard => _time.GetElapsedTime(heard.Value.At) < ReportLifetime).Select(heard => (heard.Key, heard.Value.Report));

    private sealed record HeardReport(NodeReport Report, long At);
}
