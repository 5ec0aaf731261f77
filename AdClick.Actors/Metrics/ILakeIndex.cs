using AdClick.Actors.ClickLog;

namespace AdClick.Actors.Metrics;

/// <summary>
/// What is known of the data lake, for whoever reads it: nobody has to own a partition for that. Every method throws
/// <see cref="MetricsStoreUnavailableException"/> when the database can't answer now.
/// </summary>
public interface ILakeIndex
{
    /// <summary>The logs that were archived, the oldest first; the last is the one that is counted now.</summary>
    Task<IReadOnlyList<ArchivedLog>> ListArchivedLogsAsync(CancellationToken cancellationToken);

    /// <summary>Files of clicks and of rejected records, by partition and first offset.</summary>
    /// <param name="logEpoch">Their log.</param>
    /// <param name="partitions">Their partitions; null for all.</param>
    /// <param name="firstHour">First UTC hour since 1970-01-01T00Z.</param>
    /// <param name="endHour">Hour after the last.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<IReadOnlyList<NotedLakeFile>> FindLakeFilesAsync(
        Guid logEpoch, IReadOnlyCollection<int>? partitions, int firstHour, int endHour, CancellationToken cancellationToken);

    /// <summary>Offsets that the log had let go of before they were archived, by partition and offset.</summary>
    Task<IReadOnlyList<LakeGap>> ListLakeGapsAsync(Guid logEpoch, CancellationToken cancellationToken);

    /// <summary>Files of UTC hours before this one (since 1970-01-01T00Z) are no longer kept; 0 while all are.</summary>
    Task<int> FindFirstKeptHourAsync(CancellationToken cancellationToken);
}

/// <summary>A log that is archived, or was.</summary>
/// <param name="Log">The log.</param>
/// <param name="Progress">How far each partition is archived; those whose archive has not begun are not there.</param>
public sealed record ArchivedLog(LogIdentity Log, IReadOnlyDictionary<int, ArchiveProgress> Progress);

/// <summary>A file of the lake and the cut that it is a part of.</summary>
/// <param name="LogEpoch">Log.</param>
/// <param name="Partition">Partition.</param>
/// <param name="FirstOffset">First offset of the cut.</param>
/// <param name="EndOffset">Offset after its last.</param>
/// <param name="File">The file.</param>
public sealed record NotedLakeFile(Guid LogEpoch, int Partition, long FirstOffset, long EndOffset, LakeFile File);

/// <summary>Records that are lost to the lake.</summary>
/// <param name="Partition">Partition.</param>
/// <param name="FirstOffset">First of them.</param>
/// <param name="EndOffset">Offset after the last.</param>
public sealed record LakeGap(int Partition, long FirstOffset, long EndOffset);
