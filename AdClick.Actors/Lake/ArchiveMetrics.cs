using System.Diagnostics.Metrics;

namespace AdClick.Actors.Lake;

/// <summary>What the archive measures.</summary>
internal static class ArchiveMetrics
{
    private static readonly Meter Meter = new("AdClick");

    /// <summary>Rows written.</summary>
    public static readonly Counter<long> Rows = Meter.CreateCounter<long>("adclick.archive.rows", "{record}", "Clicks put into the data lake");

    /// <summary>Files written.</summary>
    public static readonly Counter<long> Files = Meter.CreateCounter<long>("adclick.archive.files", "{file}", "Files put into the data lake");

    /// <summary>Their bytes.</summary>
    public static readonly Counter<long> Bytes = Meter.CreateCounter<long>("adclick.archive.bytes", "By", "Bytes of files put into the data lake");

    /// <summary>Cuts that failed and are tried again.</summary>
    public static readonly Counter<long> Failures = Meter.CreateCounter<long>(
        "adclick.archive.failures", "{failure}", "Times that the archive of a partition failed and was tried again");

    /// <summary>Records that the log had let go of.</summary>
    public static readonly Counter<long> Lost = Meter.CreateCounter<long>(
        "adclick.archive.lost", "{record}", "Log records that were gone before they were archived");

    /// <summary>Time of a cut.</summary>
    public static readonly Histogram<double> CutDuration = Meter.CreateHistogram<double>("adclick.archive.cut.duration", "s", "Time from reading the log to the noted files of a cut");
}
