using AdClick.Actors.ClickLog.Embedded;
using Microsoft.Extensions.Logging;

namespace AdClick.Actors.ClickLog.Spool;

/// <summary>
/// The spool for one partition count: folder <c>p64</c> with an embedded log of 64 partitions and the file <c>drained</c>.
/// </summary>
internal sealed class SpoolFolder : IAsyncDisposable
{
    /// <summary>What a folder's name ends with while it is being deleted.</summary>
    public const string RemovedSuffix = ".drained";

    /// <summary>
    /// Sizes of the log. A drained lane keeps its last segment, so small ones; a lane that is not written has neither memory nor an open file.
    /// </summary>
    public static readonly EmbeddedLogOptions Options = new()
    {
        PageBytes = 64 * 1024,
        SegmentBytes = 1024 * 1024,
        MaxWaitingBytes = 4 * 1024 * 1024,
        MaxCommitThreads = 8,
        OpensWritersLate = true,
    };

    private readonly string _path;
    private readonly bool _isInherited;
    private readonly EmbeddedClickLog _log;
    private readonly DrainedPositions _positions;
    private readonly ILogger _logger;
    private readonly long[] _saved;
    private readonly long[] _truncated;
    private bool _isSaveFailing;

    private SpoolFolder(string path, bool isInherited, EmbeddedClickLog log, DrainedPositions positions, SpoolLane[] lanes, ILogger logger)
    {
        _path = path;
        _isInherited = isInherited;
        _log = log;
        _positions = positions;
        _logger = logger;
        _saved = new long[lanes.Length];
        _truncated = new long[lanes.Length];
        Array.Fill(_saved, -1);
        Lanes = lanes;
    }

    /// <summary>The lanes, by partition.</summary>
    public IReadOnlyList<SpoolLane> Lanes { get; }

    /// <summary>Null while the disk can be written.</summary>
    public string? Fault => _log.Fault;

    /// <summary>Whether this is an inherited folder of which nothing is left.</summary>
    public bool IsDone => _isInherited && Lanes.All(lane => lane.IsEmpty);

    /// <summary>Opens the folder, or makes it.</summary>
    public static SpoolFolder Open(
        string path,
        int partitions,
        bool isInherited,
        SpoolBudget budget,
        Action onDrained,
        TimeProvider time,
        ILogger logger,
        Func<SegmentFiles, SegmentDevice> deviceFactory)
    {
        var log = OpenLog(path, partitions, time, logger, deviceFactory);
        try
        {
            var positions = DrainedPositions.Read(path, partitions);
            var lanes = new SpoolLane[partitions];
            for (var partition = 0; partition < partitions; partition++)
            {
                lanes[partition] = new SpoolLane(log, partition, positions, isInherited, budget, onDrained, time, logger);
            }

            // The file is made now, so that it never needs room later.
            var folder = new SpoolFolder(path, isInherited, log, positions, lanes, logger);
            folder.Save();
            return folder;
        }
        catch
        {
            log.DisposeAsync().AsTask().GetAwaiter().GetResult();
            throw;
        }
    }

    private static EmbeddedClickLog OpenLog(
        string path, int partitions, TimeProvider time, ILogger logger, Func<SegmentFiles, SegmentDevice> deviceFactory)
    {
        try
        {
            return EmbeddedClickLog.Open(path, partitions, time, logger, Options, deviceFactory);
        }
        catch (ClickLogDamagedException e)
        {
            throw new ClickLogDamagedException(
                $"The spool of clicks that wait for Kafka can't be opened. {e.Message} " +
                $"To go on without any of the clicks that it still holds, move the folder {path} away.",
                e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ClickLogUnavailableException(
                $"The spool of clicks that wait for Kafka can't be opened in {path}: {e.Message} " +
                "Make the folder writable for this process, or free space on its disk.",
                e);
        }
    }

    /// <summary>
    /// Makes the drained positions durable, then lets go of the segments below them: in this order, so that a log that begins after its position has
    /// lost clicks.
    /// </summary>
    /// <returns>False if the disk didn't take it; to be tried again.</returns>
    public bool Save()
    {
        var positions = new long[Lanes.Count];
        for (var lane = 0; lane < positions.Length; lane++)
        {
            positions[lane] = Lanes[lane].DrainedOffset;
        }

        try
        {
            if (!positions.AsSpan().SequenceEqual(_saved))
            {
                _positions.Write(positions);
                positions.CopyTo(_saved, 0);
            }

            for (var lane = 0; lane < positions.Length; lane++)
            {
                if (_truncated[lane] != positions[lane])
                {
                    _log.Checkpointed(lane, positions[lane], long.MaxValue, DateTimeOffset.MaxValue);
                    _truncated[lane] = positions[lane];
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!_isSaveFailing)
            {
                _isSaveFailing = true;
                _logger.LogWarning(
                    e,
                    "{File}, which says what of the spool is in Kafka, can't be kept: {Reason} It is tried again each second; " +
                    "after a crash clicks would be sent twice, and counted as repeat.",
                    _positions.Path,
                    e.Message);
            }

            return false;
        }

        _isSaveFailing = false;
        return true;
    }

    /// <summary>Deletes an inherited folder that is done.</summary>
    public async ValueTask RemoveAsync()
    {
        await _log.DisposeAsync().ConfigureAwait(false);
        _positions.Dispose();

        // Renamed first: half a folder would be taken for a damaged log.
        var removed = _path + RemovedSuffix;
        Directory.Move(_path, removed);
        FolderSync.Sync(Path.GetDirectoryName(_path)!);
        Directory.Delete(removed, recursive: true);
        _logger.LogInformation("The clicks in {Folder}, spooled for another partition count, are all in Kafka; the folder is gone.", _path);
    }

    /// <summary>Closes the log. After the drainers have ended.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var lane in Lanes)
        {
            lane.Dispose();
        }

        await _log.DisposeAsync().ConfigureAwait(false);
        _positions.Dispose();
    }
}
