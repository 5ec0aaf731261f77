using AdClick.Actors.ClickLog;
using AdClick.Actors.Partitions;
using AdClick.Gateway.Hosting;

namespace AdClick.Gateway.Operators;

/// <summary>Whether this node can take clicks and answer queries, and if not, why.</summary>
/// <remarks>
/// A node alone is not ready while a partition does not count. One of many is ready once it has seen all partitions count: from then on a partition that moves or waits is a notice,
/// as otherwise every node of the cluster would be taken from its load balancer at once, for nothing that keeps them from taking clicks. So is one that an operator has paused.
/// </remarks>
internal sealed class Readiness
{
    // A gateway whose clock is further off the log's would put clicks into the wrong minutes.
    private static readonly TimeSpan MaxClockSkew = TimeSpan.FromSeconds(5);

    private readonly IClickLog _log;
    private readonly ClusterBoard _board;
    private readonly ArchiveWatch _archive;
    private readonly ReconciliationWatch _reconciliation;
    private readonly TimeProvider _time;
    private readonly bool _isAlone;
    private volatile bool _haveAllCounted;

    /// <summary>The readiness of a node.</summary>
    public Readiness(IClickLog log, ClusterBoard board, ArchiveWatch archive, ReconciliationWatch reconciliation, GatewayOptions options, TimeProvider time)
    {
        _log = log;
        _board = board;
        _archive = archive;
        _reconciliation = reconciliation;
        _time = time;
        _isAlone = options.Cluster is null;
    }

    /// <summary>Sentences about what costs no click yet but should be looked at; the node may be ready all the same.</summary>
    public IReadOnlyList<string> Notices() =>
    [
        .. _log.Notice is { } notice ? [notice] : (string[])[], .. ArePartitionsReasons() ? [] : Partitions(), .. PausedByOperators(), .. _archive.Notices, .. _reconciliation.Notices,
    ];

    /// <summary>A sentence for each reason; empty when the node is ready.</summary>
    public IReadOnlyList<string> Reasons()
    {
        var reasons = new List<string>();
        if (_log.Fault is { } fault)
        {
            reasons.Add(fault);
        }

        var skew = _log.NewestAppendTime - _time.GetUtcNow();
        if (skew > MaxClockSkew)
        {
            reasons.Add($"This node's clock is {skew.TotalSeconds:0} s behind the click log's. Set it right.");
        }

        if (!_isAlone)
        {
            AddMembership(reasons);
        }

        if (ArePartitionsReasons())
        {
            reasons.AddRange(Partitions());
        }

        return reasons;
    }

    private static string PhaseOf(PartitionStatus? status) => status?.Phase switch
    {
        null or PartitionPhase.Starting => "starting",
        PartitionPhase.BackingOff => "starting again after a failure",
        PartitionPhase.Paused => "paused and needs a person",
        _ => "running",
    };

    private bool ArePartitionsReasons() => _isAlone || !(_haveAllCounted = _haveAllCounted || Partitions().Count == 0);

    private void AddMembership(List<string> reasons)
    {
        if (_board.Self is not { Status: "up" } self)
        {
            reasons.Add(_board.Self is { } member
                ? $"This node is {member.Status} in its cluster."
                : "This node has not joined its cluster yet: none of AdClick:Cluster:Seeds lets it in.");
            return;
        }

        if (_board.FindNamesake() is { } other)
        {
            reasons.Add(
                $"Nodes {self.Node} and {other} have the same gateway-id in their data folders: one was copied from the other. Stop one of them and delete the file gateway-id there, "
                + "or completeThrough will be wrong.");
        }
    }

    private IEnumerable<string> PausedByOperators() => _board.Partitions().Values.Where(partition => partition.Status.PausedBy is not null)
        .Select(partition => $"Partition {partition.Status.Partition}{(_isAlone ? "" : $" on {partition.Node}")}: {partition.Status.Reason}");

    private List<string> Partitions()
    {
        var reasons = new List<string>();
        var owned = _board.Partitions();
        for (var partition = 0; partition < _board.PartitionCount; partition++)
        {
            var found = owned.GetValueOrDefault(partition);
            var (status, where) = (found?.Status, _isAlone || found is null ? "" : $" on {found.Node}");
            if (status?.PausedBy is not null)
            {
                continue;
            }

            if (status?.Phase != PartitionPhase.Running)
            {
                reasons.Add($"Partition {partition} is {PhaseOf(status)}{where}{(status?.Reason is { } why ? $": {why}" : ".")}");
            }
            else if (status.Reason is not null)
            {
                reasons.Add($"Partition {partition} waits{where}: {status.Reason}");
            }
        }

        return reasons;
    }
}
