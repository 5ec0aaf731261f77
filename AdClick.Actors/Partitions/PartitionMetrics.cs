using System.Diagnostics.Metrics;

namespace AdClick.Actors.Partitions;

/// <summary>What partitions measure.</summary>
internal static class PartitionMetrics
{
    private static readonly Meter Meter = new("AdClick");

    /// <summary>Records passed over.</summary>
    public static readonly Counter<long> Rejected = Meter.CreateCounter<long>(
        "adclick.records.rejected", "{record}", "Log records that can't be counted");

    /// <summary>Records that the log had let go of.</summary>
    public static readonly Counter<long> Lost = Meter.CreateCounter<long>(
        "adclick.records.lost", "{record}", "Log records that were gone before they were counted");

    /// <summary>Starts after a failure.</summary>
    public static readonly Counter<long> Failures = Meter.CreateCounter<long>(
        "adclick.partition.failures", "{failure}", "Partitions that failed and were started again");

    /// <summary>Flushes tried again.</summary>
    public static readonly Counter<long> FlushRetries = Meter.CreateCounter<long>(
        "adclick.flush.retries", "{retry}", "Flushes that the store could not take");

    /// <summary>Time of a flush.</summary>
    public static readonly Histogram<double> FlushDuration = Meter.CreateHistogram<double>("adclick.flush.duration", "s", "Time of a flush");

    /// <summary>Rows of a flush.</summary>
    public static readonly Histogram<long> FlushRows = Meter.CreateHistogram<long>(
        "adclick.flush.rows", "{row}", "Counts and late clicks in a flush");

    /// <summary>Time from the barrier to the written checkpoint.</summary>
    public static readonly Histogram<double> CheckpointDuration = Meter.CreateHistogram<double>(
        "adclick.checkpoint.duration", "s", "Time from barrier to checkpoint");

    /// <summary>Bytes of a checkpoint's deltas.</summary>
    public static readonly Histogram<long> CheckpointBytes = Meter.CreateHistogram<long>(
        "adclick.checkpoint.bytes", "By", "Size of a checkpoint's deltas");
}
