namespace AdClick.Actors.Metrics;

/// <summary>
/// What is done to the lake and the counts beside archiving and counting: hours that are let go of, and advertisers' data that is deleted on request. One node at a
/// time is at it, under a turn; whatever is written under a turn that is over is refused. Every method throws <see cref="MetricsStoreUnavailableException"/> when the
/// database can't answer now.
/// </summary>
/// <remarks>
/// A file may be in the lake without counting: one that is written anew and not noted yet, one that is let go of. Such files stand among the removals from before
/// they are written, or from the moment on in which they count no longer, until they are gone. The archive leaves them alone.
/// </remarks>
public interface ILakeUpkeepStore
{
    /// <summary>Takes the turn for some time, which every write under it begins anew; null while somebody else has it.</summary>
    Task<long?> TryTakeTurnAsync(TimeSpan length, CancellationToken cancellationToken);

    /// <summary>Gives the turn back.</summary>
    Task EndTurnAsync(long turn, CancellationToken cancellationToken);

    /// <summary>
    /// Lets go of the files of hours before one, some at a time: they count no longer, and are removals. Returns how many; 0 when there are no more.
    /// </summary>
    /// <exception cref="StaleOwnerException">The turn is over; nothing was written.</exception>
    Task<int> LetGoOfHoursAsync(long turn, int firstHour, CancellationToken cancellationToken);

    /// <summary>Some removals; none when there are no more.</summary>
    /// <exception cref="StaleOwnerException">The turn is over.</exception>
    Task<IReadOnlyList<string>> ListRemovalsAsync(long turn, CancellationToken cancellationToken);

    /// <summary>Notes that files are gone.</summary>
    /// <exception cref="StaleOwnerException">The turn is over; nothing was written.</exception>
    Task EndRemovalsAsync(long turn, IReadOnlyList<string> names, CancellationToken cancellationToken);

    /// <summary>Notes the name under which a file is about to be written anew, as a removal.</summary>
    /// <exception cref="StaleOwnerException">The turn is over; nothing was written.</exception>
    Task BeginRewriteAsync(long turn, NotedLakeFile file, string name, CancellationToken cancellationToken);

    /// <summary>Has another file count in place of one, or none, and notes the one as a removal.</summary>
    /// <param name="turn">Turn.</param>
    /// <param name="file">The file that counts.</param>
    /// <param name="replacement">What is to count instead, written and begun; null for nothing.</param>
    /// <param name="erasure">The erasure that it is done for.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="StaleOwnerException">The turn is over; nothing was written.</exception>
    Task EndRewriteAsync(long turn, NotedLakeFile file, LakeFile? replacement, int erasure, CancellationToken cancellationToken);

    /// <summary>Notes the wish to delete what is kept of an advertiser's clicks. One that waits already is given instead of a second.</summary>
    Task<Erasure> RequestErasureAsync(string advertiserId, string requestedBy, CancellationToken cancellationToken);

    /// <summary>Erasures, the oldest first.</summary>
    /// <param name="advertiserId">Of one advertiser; null for all.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<IReadOnlyList<Erasure>> ListErasuresAsync(string? advertiserId, CancellationToken cancellationToken);

    /// <summary>
    /// Deletes counts, rollups and late clicks of ads from before the erasure's end, a part after the other.
    /// </summary>
    /// <param name="turn">Turn.</param>
    /// <param name="erasure">The erasure.</param>
    /// <param name="adIds">Its ads.</param>
    /// <param name="position">0, and then where the part before has ended.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Where this part has ended; null when it was the last.</returns>
    /// <exception cref="StaleOwnerException">The turn is over; nothing was written.</exception>
    Task<long?> EraseCountsAsync(long turn, Erasure erasure, IReadOnlyCollection<string> adIds, long position, CancellationToken cancellationToken);

    /// <summary>Notes that an erasure is done.</summary>
    /// <exception cref="StaleOwnerException">The turn is over; nothing was written.</exception>
    Task EndErasureAsync(long turn, int erasure, CancellationToken cancellationToken);
}

/// <summary>A request to delete what is kept of an advertiser's clicks.</summary>
public sealed record Erasure
{
    /// <summary>Number.</summary>
    public required int Number { get; init; }

    /// <summary>Advertiser.</summary>
    public required string AdvertiserId { get; init; }

    /// <summary>Name of the API key that asked.</summary>
    public required string RequestedBy { get; init; }

    /// <summary>When, Unix milliseconds.</summary>
    public required long RequestedAtMs { get; init; }

    /// <summary>When it was done, Unix milliseconds; null while it is not.</summary>
    public long? EndedAtMs { get; init; }

    /// <summary>Files that were written anew, without the advertiser's clicks.</summary>
    public long FilesRewritten { get; init; }

    /// <summary>Files in which there were no others.</summary>
    public long FilesRemoved { get; init; }

    /// <summary>Clicks that were taken out of files.</summary>
    public long Clicks { get; init; }

    /// <summary>Rows of counts, rollups and late clicks that were deleted.</summary>
    public long Counts { get; init; }

    /// <summary>
    /// Clicks whose effective time lies before this are erased, Unix milliseconds: the quarter of an hour in which it was requested, to its end, so that whole counts go.
    /// </summary>
    public long BeforeMs => ((RequestedAtMs / QuarterMs) + 1) * QuarterMs;

    private const long QuarterMs = StoredTime.MinutesPerQuarter * 60_000L;
}
