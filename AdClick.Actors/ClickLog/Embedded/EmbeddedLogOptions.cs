namespace AdClick.Actors.ClickLog.Embedded;

/// <summary>Sizes of an embedded log. Page and segment are fixed when the log is created and kept in its <c>log.json</c>.</summary>
public sealed record EmbeddedLogOptions
{
    /// <summary>Bytes of a segment file: a power of two, at least two pages. Truncation drops whole segments. Default 128 MiB.</summary>
    public int SegmentBytes { get; init; } = 128 * 1024 * 1024;

    /// <summary>
    /// Bytes of a page: a power of two, at least 16 KiB. A partition keeps two pages in memory, a reader one. Default 256 KiB; 64 KiB for more than
    /// 64 partitions, so that 1,024 of them take 2 x 64 MiB.
    /// </summary>
    public int? PageBytes { get; init; }

    /// <summary>Most bytes of a partition that may wait for the disk; beyond them appends are refused. Default 16 MiB.</summary>
    public int MaxWaitingBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Most threads that commit. Each waits for its own write; the disk merges what comes at the same time.</summary>
    internal int MaxCommitThreads { get; init; } = 32; // more would gain nothing, and FasterLog's epochs know 128 threads

    /// <summary>
    /// Whether a partition gets its writer, with two pages of memory and an open file, only with its first append: for a log that is seldom written.
    /// A disk that can't be written shows only then.
    /// </summary>
    internal bool OpensWritersLate { get; init; }
}
