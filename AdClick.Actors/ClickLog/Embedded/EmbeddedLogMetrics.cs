using System.Diagnostics.Metrics;

namespace AdClick.Actors.ClickLog.Embedded;

/// <summary>What the embedded log measures, once per commit group.</summary>
internal static class EmbeddedLogMetrics
{
    private static readonly Meter Meter = new("AdClick");

    /// <summary>From the oldest append of a group to its durability.</summary>
    public static readonly Histogram<double> AppendDuration =
        Meter.CreateHistogram<double>("adclick.log.append.duration", "s", "Time from the oldest append of a commit to its durability");

    /// <summary>Records of a commit.</summary>
    public static readonly Histogram<long> CommitRecords =
        Meter.CreateHistogram<long>("adclick.log.commit.records", "{record}", "Records that shared one commit");

    /// <summary>Bytes made durable, headers included.</summary>
    public static readonly Counter<long> Bytes =
        Meter.CreateCounter<long>("adclick.log.bytes", "By", "Bytes made durable in the click log");

    /// <summary>Times that a partition could not write.</summary>
    public static readonly Counter<long> Faults =
        Meter.CreateCounter<long>("adclick.log.faults", "{fault}", "Times that a partition of the click log became unable to write");
}
