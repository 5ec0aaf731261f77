using AdClick.Actors.ClickLog;

namespace AdClick.Actors.Metrics;

/// <summary>When time is ripe for rollups (docs/decisions/0003-rollups.md).</summary>
internal static class RollupRules
{
    private const long MsPerQuarter = StoredTime.MinutesPerQuarter * 60_000L;

    /// <summary>A partition that stands still holds the frontier back so long, and no longer; what it adds later is marked.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(6);

    /// <summary>The first quarter in which the clocks of the partitions still let clicks in.</summary>
    /// <param name="log">The log that the store belongs to, or null while no partition was ever acquired.</param>
    /// <param name="partitions">Its progress rows.</param>
    public static int FirstLiveQuarter(LogIdentity? log, IReadOnlyCollection<PartitionProgress> partitions)
    {
        if (log is null || partitions.Count == 0)
        {
            return 0;
        }

        var slowest = partitions.Count < log.Partitions ? 0 : partitions.Min(ClosedMs);
        var closedMs = Math.Max(slowest, partitions.Max(ClosedMs) - (long)LongestWait.TotalMilliseconds);
        return (int)Math.Clamp(closedMs / MsPerQuarter, 0, StoredTime.EndOfMinutes / StoredTime.MinutesPerQuarter);
    }

    /// <summary>Time before which a partition only finds late clicks, Unix milliseconds.</summary>
    public static long ClosedMs(PartitionProgress partition) => partition.ClockMs - partition.AllowedLatenessMs;
}
