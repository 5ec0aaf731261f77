namespace AdClick.Actors.Metrics;

/// <summary>
/// What reconciliation needs of a store: the streamed numbers and what the archive says of their raw clicks, in one snapshot; and a place for what came out, beside
/// the streamed numbers. Every method throws <see cref="MetricsStoreUnavailableException"/> when the database can't answer now.
/// </summary>
public interface IReconciliationStore
{
    /// <summary>Reads, in one snapshot, what is known of the archive, and then the streamed counts of some hours.</summary>
    /// <param name="hours">Hours of the counts.</param>
    /// <param name="files">Hours whose files are listed.</param>
    /// <param name="begin">Is given what is known of the archive; returns where the counts go, or null to have none.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task ReadBasisAsync(HourRange hours, HourRange files, Func<ReconciliationBasis, IStreamedCounts?> begin, CancellationToken cancellationToken);

    /// <summary>
    /// Records a run. Unless it is unproven, its corrections take the place of those that stood in its hours, in one transaction with its verdict on them; answers
    /// show them from then on.
    /// </summary>
    /// <returns>The number of the run.</returns>
    /// <exception cref="MinutesNotKeptException">Minutes of the run were let go of meanwhile; nothing was written.</exception>
    Task<long> CommitRunAsync(ReconciliationRun run, CancellationToken cancellationToken);

    /// <summary>The last word on each hour of a range that has one, ascending.</summary>
    Task<IReadOnlyList<HourVerdict>> ReadVerdictsAsync(HourRange hours, CancellationToken cancellationToken);

    /// <summary>First UTC hour that the lake holds clicks of, since 1970-01-01T00Z; null while it holds none.</summary>
    Task<int?> FindFirstLakeHourAsync(CancellationToken cancellationToken);

    /// <summary>The newest runs, the newest first.</summary>
    Task<IReadOnlyList<RunRecord>> ListRunsAsync(int limit, CancellationToken cancellationToken);

    /// <summary>All that is known of an ad in some hours: streamed counts, corrections, verdicts, and the runs that they rest on.</summary>
    Task<AdProof> ReadProofAsync(string adId, HourRange hours, CancellationToken cancellationToken);
}

/// <summary>UTC hours since 1970-01-01T00Z.</summary>
/// <param name="First">First hour.</param>
/// <param name="End">Hour after the last.</param>
public readonly record struct HourRange(int First, int End)
{
    /// <summary>Milliseconds in an hour.</summary>
    public const long HourMs = 3_600_000;

    /// <summary>Number of hours.</summary>
    public int Count => End - First;

    /// <summary>Begin, Unix milliseconds.</summary>
    public long StartMs => First * HourMs;

    /// <summary>End, Unix milliseconds.</summary>
    public long EndMs => End * HourMs;

    /// <summary>First minute since 1970.</summary>
    public int FirstMinute => First * 60;

    /// <summary>Minute after the last.</summary>
    public int EndMinute => End * 60;

    /// <summary>The whole hours that a span touches.</summary>
    public static HourRange Around(long startMs, long endMs) => new((int)Math.Max(0, startMs / HourMs), (int)((endMs + HourMs - 1) / HourMs));

    /// <inheritdoc/>
    public override string ToString() => $"{Time(First):yyyy-MM-ddTHH}Z to {Time(End):yyyy-MM-ddTHH}Z";

    private static DateTimeOffset Time(int hour) => DateTimeOffset.UnixEpoch.AddHours(hour);
}

/// <summary>Where the streamed counts of a snapshot go. An ad and minute may come several times: they add up.</summary>
public interface IStreamedCounts
{
    /// <summary>Whether a record lies within what is compared; a late click that does not is left out.</summary>
    bool Covers(Guid logEpoch, int partition, long offset);

    /// <summary>Takes clicks.</summary>
    void Take(string adId, int minute, Clicks.ClickOutcome outcome, long clicks);
}

/// <summary>What a store knows of the archive, at one moment.</summary>
public sealed record ReconciliationBasis
{
    /// <summary>The log that is counted; null while none was.</summary>
    public required ClickLog.LogIdentity? Log { get; init; }

    /// <summary>Partitions that have an archive, those of former logs first.</summary>
    public required IReadOnlyList<ArchivedPartition> Partitions { get; init; }

    /// <summary>Cuts that end at or after the begin of the asked hours by their clock, by log, partition and offset.</summary>
    public required IReadOnlyList<LakeCut> Cuts { get; init; }

    /// <summary>Files of clicks of the asked hours.</summary>
    public required IReadOnlyList<ListedFile> Files { get; init; }

    /// <summary>Changes of the allowed lateness, by log, partition and offset.</summary>
    public required IReadOnlyList<LatenessChange> Lateness { get; init; }

    /// <summary>Minutes before it are not kept.</summary>
    public required int FirstKeptMinute { get; init; }

    /// <summary>Files of hours before it are not kept.</summary>
    public required int FirstKeptHour { get; init; }

    /// <summary>Whether clicks are being erased: they may be out of the files already, and still in the counts.</summary>
    public required bool IsErasing { get; init; }
}

/// <summary>A partition as its archive and its counting stand.</summary>
/// <param name="LogNumber">Order of its log among all logs.</param>
/// <param name="LogEpoch">Its log.</param>
/// <param name="Partition">Partition.</param>
/// <param name="BeginOffset">Where its archive begins.</param>
/// <param name="BeginClockMs">Partition clock there.</param>
/// <param name="ArchivedOffset">Where its archive ends.</param>
/// <param name="ArchivedClockMs">Partition clock there.</param>
/// <param name="FlushedOffset">Records below are counted; null in a former log, all of which is counted.</param>
/// <param name="FlushedClockMs">Partition clock there.</param>
/// <param name="AllowedLatenessMs">Allowed lateness now; null in a former log.</param>
public sealed record ArchivedPartition(
    int LogNumber, Guid LogEpoch, int Partition, long BeginOffset, long BeginClockMs, long ArchivedOffset, long ArchivedClockMs, long? FlushedOffset,
    long? FlushedClockMs, long? AllowedLatenessMs);

/// <summary>A cut on record.</summary>
/// <param name="LogEpoch">Log.</param>
/// <param name="Partition">Partition.</param>
/// <param name="FirstOffset">First offset.</param>
/// <param name="EndOffset">Offset after the last.</param>
/// <param name="BeginClockMs">Partition clock before it.</param>
/// <param name="EndClockMs">Partition clock after it.</param>
/// <param name="HourRows">Clicks by UTC hour.</param>
/// <param name="IsLost">Whether the log had let go of its records.</param>
public sealed record LakeCut(
    Guid LogEpoch, int Partition, long FirstOffset, long EndOffset, long BeginClockMs, long EndClockMs, IReadOnlyDictionary<int, long> HourRows, bool IsLost);

/// <summary>A file of clicks, with the cut that it is a part of.</summary>
/// <param name="LogEpoch">Log.</param>
/// <param name="Partition">Partition.</param>
/// <param name="FirstOffset">First offset of the cut.</param>
/// <param name="EndOffset">Offset after its last.</param>
/// <param name="File">The file, as it was written.</param>
public sealed record ListedFile(Guid LogEpoch, int Partition, long FirstOffset, long EndOffset, LakeFile File);

/// <summary>From an offset on, a partition judged by another allowed lateness.</summary>
/// <param name="LogEpoch">Log.</param>
/// <param name="Partition">Partition.</param>
/// <param name="FromOffset">First offset.</param>
/// <param name="AllowedLatenessMs">Allowed lateness, in milliseconds.</param>
public sealed record LatenessChange(Guid LogEpoch, int Partition, long FromOffset, long AllowedLatenessMs);
