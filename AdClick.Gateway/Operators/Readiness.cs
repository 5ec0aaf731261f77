using AdClick.Actors.ClickLog;
using AdClick.Actors.Partitions;

namespace AdClick.Gateway.Operators;

/// <summary>Whether this node can take clicks and answer queries, and if not, why.</summary>
internal sealed class Readiness
{
    // A gateway whose clock is further off the log's would put clicks into the wrong minutes.
    private static readonly TimeSpan MaxClockSkew = TimeSpan.FromSeconds(5);

    private readonly IClickLog _log;
    private readonly PartitionBoard _board;
    private readonly TimeProvider _time;

    /// <summary>The readiness of a node.</summary>
    public Readiness(IClickLog log, PartitionBoard board, TimeProvider time)
    {
        _log = log;
        _board = board;
        _time = time;
    }

    /// <summary>Sentences about what costs no click yet but should be looked at; the node may be ready all the same.</summary>
    public IReadOnlyList<string> Notices() => _log.Notice is { } notice ? [notice] : [];

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

        var statuses = _board.Snapshot().ToDictionary(status => status.Partition);
        for (var partition = 0; partition < _log.Identity.Partitions; partition++)
        {
            var status = statuses.GetValueOrDefault(partition);
            if (status?.Phase != PartitionPhase.Running)
            {
                reasons.Add($"Partition {partition} is {PhaseOf(status)}{(status?.Reason is { } why ? $": {why}" : ".")}");
            }
            else if (status.Reason is not null)
            {
                reasons.Add($"Partition {partition} waits: {status.Reason}");
            }
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
}
