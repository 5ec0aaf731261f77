using System.Globalization;
using AdClick.Actors.ClickLog.Embedded;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AdClick.Actors.ClickLog.Spool;

/// <summary>
/// The durable store on this machine for clicks that Kafka does not take now: an embedded log with a lane per Kafka partition. Clicks that were
/// spooled for another partition count are found again at the start, in lanes of their own. Format and reasons: docs/decisions/0009-spool.md.
/// </summary>
/// <remarks>
/// The bound counts the bytes of clicks that are not drained, as they stand in the log, and frees them some 64 KiB at a time. On the disk there is a
/// little more: what was drained in the last second, the unused ends of pages, and one segment of 1 MiB at most for each lane.
/// </remarks>
internal sealed class ClickSpool : IAsyncDisposable
{
    private const string Prefix = "p";
    private const string RehearsalFolder = "rehearsal";
    private const int StackBytes = 1024;
    private static readonly TimeSpan SaveInterval = TimeSpan.FromSeconds(1);

    private readonly string _folder;
    private readonly SpoolBudget _budget;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SpoolFolder _own;
    private readonly List<SpoolFolder> _inherited = []; // under _saving
    private readonly SemaphoreSlim _saving = new(1);
    private readonly ITimer _saveTimer;
    private readonly SpoolMetrics _metrics;
    private int _isSaveDue;
    private int _isFull;
    private int _isDisposed;

    private ClickSpool(
        string folder, int partitions, long maxBytes, TimeProvider time, ILogger logger, Func<SegmentFiles, SegmentDevice> deviceFactory)
    {
        _folder = folder;
        _budget = new SpoolBudget(maxBytes);
        _time = time;
        _logger = logger;
        _saveTimer = time.CreateTimer(_ => _ = SaveAsync(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        SpoolFolder OpenFolder(int count, bool isInherited) => SpoolFolder.Open(
            PathOf(folder, count), count, isInherited, _budget, ArmSave, time, logger, deviceFactory);

        var opened = new List<SpoolFolder>();
        try
        {
            opened.Add(_own = OpenFolder(partitions, isInherited: false));
            foreach (var count in InheritedCounts(folder, partitions))
            {
                _inherited.Add(OpenFolder(count, isInherited: true));
                opened.Add(_inherited[^1]);
            }
        }
        catch
        {
            foreach (var each in opened)
            {
                each.DisposeAsync().AsTask().GetAwaiter().GetResult();
            }

            _saveTimer.Dispose();
            throw;
        }

        Lanes = [.. opened.SelectMany(each => each.Lanes)];
        _metrics = new SpoolMetrics(this, time);
        ArmSave(); // an inherited folder may be done already
    }

    /// <summary>Where the files are.</summary>
    public string Folder => _folder;

    /// <summary>A lane per partition, by partition; after them the inherited ones, if there are any. Doesn't change.</summary>
    public IReadOnlyList<SpoolLane> Lanes { get; }

    /// <summary>
    /// Not after the click time of any click that is not drained, Unix milliseconds, cut to whole seconds; null when there is none. It knows a click
    /// before <see cref="AppendAsync"/> returns. A click whose append failed is not in the spool: until the task has ended, its caller answers for
    /// it, too. 0 when clicks were found missing at the start (<see cref="Damage"/>): nobody knows how old they are.
    /// </summary>
    public long? OldestClickMs
    {
        get
        {
            long? oldest = null;
            foreach (var lane in Lanes)
            {
                if (lane.OldestClickMs is { } time && !(oldest <= time))
                {
                    oldest = time;
                }
            }

            return oldest;
        }
    }

    /// <summary>Clicks that are not drained.</summary>
    public long Records => Lanes.Sum(lane => lane.Records);

    /// <summary>Bytes of the clicks that are not drained, as the bound counts them.</summary>
    public long Bytes
    {
        get
        {
            Refresh();
            return _budget.Bytes;
        }
    }

    /// <summary>Clicks that became durable here since the start.</summary>
    public long Appended => Lanes.Sum(lane => lane.Appended);

    /// <summary>
    /// Null while the spool takes clicks; otherwise a sentence for the operator: a disk that can't be written, or the bound is reached.
    /// </summary>
    public string? Fault => _own.Fault ?? (_budget.IsExhausted ? FullText() : null);

    /// <summary>
    /// Null, or a sentence for the operator: clicks of a lane are missing or unreadable, and the lane waits for a person. The spool still takes
    /// clicks.
    /// </summary>
    public string? Damage
    {
        get
        {
            foreach (var lane in Lanes)
            {
                if (lane.Damage is { } damage)
                {
                    return damage;
                }
            }

            return null;
        }
    }

    /// <summary>Opens the spool in a folder, or makes it. Reads all that is not drained, to know how much and how old it is.</summary>
    /// <param name="folder">Folder of the spool; made if need be.</param>
    /// <param name="partitions">Partition count of the topic, 1 to 1,024.</param>
    /// <param name="maxBytes">Most bytes of clicks that are not drained (<c>AdClick:Kafka:SpoolMaxBytes</c>).</param>
    /// <param name="time">Clock.</param>
    /// <param name="logger">Where faults are reported.</param>
    /// <exception cref="ClickLogUnavailableException">The folder can't be made or read.</exception>
    /// <exception cref="ClickLogDamagedException">
    /// Files are missing, or the end of a lane is unreadable; the message says how a person goes on.
    /// </exception>
    public static ClickSpool Open(string folder, int partitions, long maxBytes, TimeProvider time, ILogger? logger = null) =>
        Open(folder, partitions, maxBytes, time, logger, files => new SegmentDevice(files));

    /// <summary>The same with devices of the caller's, which may fail on purpose.</summary>
    internal static ClickSpool Open(
        string folder, int partitions, long maxBytes, TimeProvider time, ILogger? logger, Func<SegmentFiles, SegmentDevice> deviceFactory)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxBytes);
        return new ClickSpool(Path.GetFullPath(folder), partitions, maxBytes, time, logger ?? NullLogger.Instance, deviceFactory);
    }

    /// <summary>
    /// Writes into a folder beside the lanes, and deletes it. Clicks of an outage would otherwise wait, beyond the delivery time-out, until the code that writes
    /// them is compiled; and a spool that can't be written is told of before it is needed.
    /// </summary>
    public async Task RehearseAsync()
    {
        var path = Path.Combine(_folder, RehearsalFolder);
        try
        {
            DeleteIfThere(path); // of a process that was killed
            await using (var log = EmbeddedClickLog.Open(path, 1, _time, NullLogger.Instance, SpoolFolder.Options))
            {
                await log.AppendAsync(0, default, "rehearsal"u8).ConfigureAwait(false);
            }

            DeleteIfThere(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _logger.LogWarning(e, "The spool can't be written: {Reason} While Kafka is away, clicks would be lost.", e.Message);
        }
    }

    /// <summary>Has a partition's lane opened, when a click may soon need it.</summary>
    public void OpenSoon(int partition) => _own.Lanes[partition].OpenSoon();

    /// <summary>
    /// Spools a click. The task ends when it is durable; many share one task and one write. The bytes are copied before the method returns.
    /// </summary>
    /// <param name="partition">Kafka partition that the click is meant for.</param>
    /// <param name="key">UTF-8 text of the ad key, at most 255 bytes.</param>
    /// <param name="record">The encoded <c>LogRecord</c>; with the key at most 8,191 bytes.</param>
    /// <exception cref="ClickLogUnavailableException">The spool is full or its disk can't be written; thrown by the returned task.</exception>
    public Task AppendAsync(int partition, ReadOnlySpan<byte> key, ReadOnlySpan<byte> record)
    {
        var lane = _own.Lanes[partition];
        var size = SpoolEntry.SizeOf(key, record);
        var space = SpoolLane.SpaceOf(size);
        if (!_budget.TryTake(space))
        {
            // Appends that failed may not have given their bytes back yet.
            Refresh();
            if (!_budget.TryTake(space))
            {
                return Task.FromException(Full());
            }
        }

        var entry = (size <= StackBytes ? stackalloc byte[StackBytes] : new byte[size])[..size];
        SpoolEntry.Write(key, record, entry);
        return lane.Append(entry, space);
    }

    /// <summary>Saves the drained positions and closes the files. After the drainers have ended.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        _metrics.Dispose();
        await _saveTimer.DisposeAsync().ConfigureAwait(false);
        await SaveAsync().ConfigureAwait(false);
        await _saving.WaitAsync().ConfigureAwait(false); // never released: a save that was due comes too late
        await _own.DisposeAsync().ConfigureAwait(false);
        foreach (var folder in _inherited)
        {
            await folder.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static void DeleteIfThere(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string PathOf(string folder, int partitions) =>
        Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{partitions}"));

    // Partition counts of the other folders; those whose deletion a crash interrupted are deleted.
    private static List<int> InheritedCounts(string folder, int partitions)
    {
        var counts = new List<int>();
        foreach (var path in Directory.GetDirectories(folder, Prefix + "*"))
        {
            var name = Path.GetFileName(path)[Prefix.Length..];
            if (name.EndsWith(SpoolFolder.RemovedSuffix, StringComparison.Ordinal))
            {
                Directory.Delete(path, recursive: true);
            }
            else if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count != partitions)
            {
                counts.Add(count);
            }
        }

        counts.Sort();
        return counts;
    }

    private void ArmSave()
    {
        if (Interlocked.Exchange(ref _isSaveDue, 1) == 0)
        {
            _saveTimer.Change(SaveInterval, Timeout.InfiniteTimeSpan);
        }
    }

    private async Task SaveAsync()
    {
        await _saving.WaitAsync().ConfigureAwait(false);
        try
        {
            // First this, then the positions are looked at: a lane that is drained in between arms the timer again.
            Volatile.Write(ref _isSaveDue, 0);
            if (!_budget.IsExhausted)
            {
                Volatile.Write(ref _isFull, 0);
            }

            var saved = _own.Save();
            foreach (var folder in _inherited.ToList())
            {
                if (folder.IsDone)
                {
                    _inherited.Remove(folder);
                    await folder.RemoveAsync().ConfigureAwait(false);
                }
                else
                {
                    saved &= folder.Save();
                }
            }

            if (!saved)
            {
                ArmSave();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _logger.LogWarning(
                e, "A drained folder of the spool in {Folder} can't be deleted: {Reason} The next start tries again.", _folder, e.Message);
        }
        finally
        {
            _saving.Release();
        }
    }

    private void Refresh()
    {
        foreach (var lane in Lanes)
        {
            lane.Refresh();
        }
    }

    private ClickLogUnavailableException Full()
    {
        var text = FullText();
        if (Interlocked.Exchange(ref _isFull, 1) == 0)
        {
            _logger.LogError("{Fault}", text);
        }

        return new ClickLogUnavailableException(text);
    }

    private string FullText() => string.Create(
        CultureInfo.InvariantCulture,
        $"The spool in {_folder} is full: {_budget.Bytes} bytes of clicks wait for Kafka, of at most {_budget.MaxBytes} " +
        $"(AdClick:Kafka:SpoolMaxBytes). Clicks beyond them are refused. " +
        $"Bring Kafka back, or raise AdClick:Kafka:SpoolMaxBytes if the disk has room.");
}
