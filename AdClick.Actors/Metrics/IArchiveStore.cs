namespace AdClick.Actors.Metrics;

/// <summary>
/// What is known of the data lake: how far each partition is archived, and which files hold it. It is kept with the counts, so that both are restored from one
/// backup. Every method throws <see cref="MetricsStoreUnavailableException"/> when the database can't answer now.
/// </summary>
public interface IArchiveStore
{
    /// <summary>How far a partition is archived; notes where its archive begins, if it has not begun yet.</summary>
    /// <param name="owner">Who asks.</param>
    /// <param name="firstOffset">Where it is to begin.</param>
    /// <param name="clockMs">Partition clock before that, Unix milliseconds.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="StaleOwnerException">There is a newer owner; nothing was written.</exception>
    Task<ArchiveProgress> StartArchiveAsync(ArchiveOwner owner, long firstOffset, long clockMs, CancellationToken cancellationToken);

    /// <summary>Names of all files that hold a partition's clicks, and of those that <see cref="ILakeUpkeepStore"/> answers for.</summary>
    /// <exception cref="StaleOwnerException">There is a newer owner.</exception>
    Task<IReadOnlySet<string>> ListLakeFilesAsync(ArchiveOwner owner, CancellationToken cancellationToken);

    /// <summary>Notes the files of a cut and moves the progress to its end, in one transaction.</summary>
    /// <exception cref="StaleOwnerException">There is a newer owner; nothing was written.</exception>
    /// <exception cref="InvalidOperationException">The archive does not end where the cut begins; nothing was written.</exception>
    Task CommitCutAsync(ArchiveCut cut, CancellationToken cancellationToken);
}

/// <summary>Who archives a partition: its owner, as <see cref="IMetricsStore.AcquireAsync"/> made it.</summary>
/// <param name="LogEpoch">The log.</param>
/// <param name="Partition">Partition.</param>
/// <param name="OwnerEpoch">Owner epoch: the fence.</param>
public sealed record ArchiveOwner(Guid LogEpoch, int Partition, long OwnerEpoch);

/// <summary>How far a partition is archived.</summary>
/// <param name="Offset">Every record below it that was not lost is in the lake.</param>
/// <param name="ClockMs">Partition clock before it, Unix milliseconds.</param>
public sealed record ArchiveProgress(long Offset, long ClockMs);

/// <summary>A stretch of a partition that has come to the lake.</summary>
public sealed record ArchiveCut
{
    /// <summary>Who archived it.</summary>
    public required ArchiveOwner Owner { get; init; }

    /// <summary>First offset: where the cut before it ended.</summary>
    public required long FirstOffset { get; init; }

    /// <summary>Offset after the last.</summary>
    public required long EndOffset { get; init; }

    /// <summary>Partition clock at the end, Unix milliseconds.</summary>
    public required long ClockMs { get; init; }

    /// <summary>Its files; none when there was no click.</summary>
    public required IReadOnlyList<LakeFile> Files { get; init; }

    /// <summary>Whether the log had let go of these records before they were archived: nothing can be proven of them.</summary>
    public bool IsLost { get; init; }
}

/// <summary>A file of the lake, as it was written.</summary>
/// <param name="Name">Path below the lake, with slashes.</param>
/// <param name="Hour">UTC hour that its records belong to, since 1970-01-01T00Z.</param>
/// <param name="Rows">Records in it.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Sha256">SHA-256 of its bytes.</param>
public sealed record LakeFile(string Name, int Hour, int Rows, long Bytes, byte[] Sha256);
