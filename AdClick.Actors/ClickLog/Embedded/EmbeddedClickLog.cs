using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AdClick.Actors.ClickLog.Embedded;

/// <summary>
/// The click log in a folder of this machine: one FasterLog per partition, a dense sequence number and a checksum in every record. Format and
/// reasons: docs/decisions/0002-embedded-log-format.md.
/// </summary>
public sealed class EmbeddedClickLog : IClickLog
{
    /// <summary>Most partitions of a log.</summary>
    public const int MaxPartitions = LogManifest.MaxPartitions;

    private readonly CommitThread[] _committers;
    private readonly EmbeddedPartition[] _partitions;
    private int _isDisposed;

    private EmbeddedClickLog(LogIdentity identity, CommitThread[] committers, EmbeddedPartition[] partitions)
    {
        Identity = identity;
        _committers = committers;
        _partitions = partitions;
    }

    /// <inheritdoc/>
    public LogIdentity Identity { get; }

    /// <inheritdoc/>
    public DateTimeOffset NewestAppendTime => DateTimeOffset.FromUnixTimeMilliseconds(_partitions.Max(partition => partition.Tail.AppendTimeMs));

    /// <inheritdoc/>
    public string? Fault
    {
        get
        {
            foreach (var partition in _partitions)
            {
                if (partition.Fault is { } fault)
                {
                    return fault;
                }
            }

            return null;
        }
    }

    /// <inheritdoc/>
    public string? Notice => null;

    /// <inheritdoc/>
    public long? SpooledFromMs => null;

    /// <summary>Opens the log in a folder, or creates it. Nothing else may have it open.</summary>
    /// <param name="folder">Folder of the log; made if need be.</param>
    /// <param name="partitions">Number of partitions, 1 to 1,024; that of an existing log.</param>
    /// <param name="time">Clock of append times and retries.</param>
    /// <param name="logger">Where faults are reported.</param>
    /// <param name="options">Sizes; those of pages and segments count only when the log is created.</param>
    /// <exception cref="ClickLogDamagedException">Stored records or files are missing or unreadable.</exception>
    /// <exception cref="ClickLogMismatchException">The log has another number of partitions or another format.</exception>
    public static EmbeddedClickLog Open(
        string folder, int partitions, TimeProvider time, ILogger? logger = null, EmbeddedLogOptions? options = null) =>
        Open(folder, partitions, time, logger, options, files => new SegmentDevice(files));

    /// <summary>The same with devices of the caller's, which may fail on purpose.</summary>
    internal static EmbeddedClickLog Open(
        string folder,
        int partitions,
        TimeProvider time,
        ILogger? logger,
        EmbeddedLogOptions? options,
        Func<SegmentFiles, SegmentDevice> deviceFactory)
    {
        options ??= new EmbeddedLogOptions();
        folder = Path.GetFullPath(folder);
        var manifest = LogManifest.OpenOrCreate(folder, partitions, options);
        var committers = new CommitThread[Math.Min(partitions, options.MaxCommitThreads)];
        var opened = new EmbeddedPartition[partitions];
        try
        {
            for (var i = 0; i < committers.Length; i++)
            {
                committers[i] = new CommitThread(i);
            }

            for (var i = 0; i < partitions; i++)
            {
                opened[i] = new EmbeddedPartition(
                    new SegmentFiles(folder, i, manifest.Layout), committers[i % committers.Length], deviceFactory, options.MaxWaitingBytes, time,
                    logger ?? NullLogger.Instance);
            }

            // Only now is anything changed: a log with a damaged partition is left as it was found.
            if (!options.OpensWritersLate)
            {
                foreach (var partition in opened)
                {
                    partition.Start();
                }
            }
        }
        catch
        {
            Close(committers, opened);
            throw;
        }

        return new EmbeddedClickLog(new LogIdentity(manifest.Epoch, partitions), committers, opened);
    }

    /// <inheritdoc/>
    public Task AppendAsync(int partition, ReadOnlySpan<byte> key, ReadOnlySpan<byte> record)
    {
        if (record.Length > ClickLogLimits.MaxRecordBytes)
        {
            throw new ArgumentException($"A record of {record.Length} bytes is longer than {ClickLogLimits.MaxRecordBytes}.", nameof(record));
        }

        return _partitions[partition].AppendAsync(record);
    }

    /// <inheritdoc/>
    public IClickLogReader OpenReader(int partition, long offset) => new EmbeddedLogReader(_partitions[partition], offset);

    /// <inheritdoc/>
    public IClickLogReader OpenArchiveReader(int partition, long offset) => OpenReader(partition, offset);

    /// <inheritdoc/>
    public IClickLogReader OpenLookupReader(int partition, long offset) => OpenReader(partition, offset);

    /// <inheritdoc/>
    public LogRange RangeOf(int partition) => new(_partitions[partition].Begin, _partitions[partition].Tail.Offset);

    /// <inheritdoc/>
    public ValueTask<LogRange> FindRangeAsync(int partition, CancellationToken cancellationToken) => ValueTask.FromResult(RangeOf(partition));

    /// <summary>
    /// Ends when the partition has a durable record at or after an offset, or the log closes; may end early. For whoever wants no reader while there
    /// is nothing to read.
    /// </summary>
    internal Task WaitFor(int partition, long offset) => _partitions[partition].WaitFor(offset);

    /// <summary>Has a partition's writer opened that is opened late, see <see cref="EmbeddedLogOptions.OpensWritersLate"/>.</summary>
    internal void OpenSoon(int partition) => _partitions[partition].OpenSoon();

    /// <summary>Whether a partition's writer is open.</summary>
    internal bool IsOpen(int partition) => _partitions[partition].IsOpen;

    /// <inheritdoc/>
    public void Checkpointed(int partition, long offset, long keepFrom, DateTimeOffset olderThan) =>
        _partitions[partition].Truncate(Math.Min(offset, keepFrom), olderThan.ToUnixTimeMilliseconds());

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            // Waits for the disk, so on a thread of its own.
            var closing = Task.Factory.StartNew(
                () => Close(_committers, _partitions), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            await closing.ConfigureAwait(false);
        }
    }

    private static void Close(CommitThread?[] committers, EmbeddedPartition?[] partitions)
    {
        foreach (var partition in partitions)
        {
            partition?.Close();
        }

        foreach (var committer in committers)
        {
            committer?.Dispose();
        }

        foreach (var partition in partitions)
        {
            partition?.Dispose();
        }
    }
}
