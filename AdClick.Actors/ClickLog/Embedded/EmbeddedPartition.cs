using Microsoft.Extensions.Logging;

namespace AdClick.Actors.ClickLog.Embedded;

/// <summary>
/// One partition of the embedded log: collects appends into groups, commits group after group on its committer's thread, and tells readers how far
/// the partition is durable.
/// </summary>
internal sealed class EmbeddedPartition
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(5);

    private readonly SegmentFiles _files;
    private readonly CommitThread _committer;
    private readonly Func<SegmentFiles, SegmentDevice> _deviceFactory;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly int _maxWaitingBytes;

    // Under the gate: appends come from any thread.
    private readonly Lock _gate = new();
    private AppendGroup _collecting = new();
    private bool _isQueued;
    private bool _isRetryDue;
    private bool _isOpenDue;
    private bool _isClosed;

    // On the committer's thread only.
    private AppendGroup _spare = new();
    private volatile PartitionWriter? _writer;
    private ITimer? _retryTimer;
    private TimeSpan _nextRetry = FirstRetry;

    private readonly Lock _truncating = new();
    private int _firstSegment;
    private long _begin;
    private volatile LogTail _tail;
    private volatile string? _fault;
    private TaskCompletionSource? _advanced;

    /// <summary>Finds the partition's ends; <see cref="Start"/> makes it writable.</summary>
    /// <exception cref="ClickLogDamagedException">Records that were durable are gone.</exception>
    public EmbeddedPartition(
        SegmentFiles files,
        CommitThread committer,
        Func<SegmentFiles, SegmentDevice> deviceFactory,
        int maxWaitingBytes,
        TimeProvider time,
        ILogger logger)
    {
        _files = files;
        _committer = committer;
        _deviceFactory = deviceFactory;
        _time = time;
        _logger = logger;
        _maxWaitingBytes = maxWaitingBytes;

        // A torn group takes at most its records, each with alignment and a page's unused end, and what a probe of the disk left.
        var found = PartitionRecovery.Run(files, 2 * ((long)maxWaitingBytes + files.Layout.PageBytes));
        _firstSegment = found.FirstSegment;
        _begin = found.Begin;
        _tail = found.Tail;
    }

    /// <summary>Up to where the partition is durable.</summary>
    public LogTail Tail => _tail;

    /// <summary>First offset that can be read.</summary>
    public long Begin => Volatile.Read(ref _begin);

    /// <summary>Null while the partition can write.</summary>
    public string? Fault => _fault;

    /// <summary>Whether the log was closed.</summary>
    public bool IsClosed => Volatile.Read(ref _isClosed);

    /// <summary>The partition's files.</summary>
    public SegmentFiles Files => _files;

    /// <summary>
    /// Makes the partition writable, or faulty until it can be. Before anything is appended, or on the committer's thread; else the first append does it.
    /// </summary>
    public void Start()
    {
        try
        {
            _writer = PartitionWriter.Open(_files, _deviceFactory, _tail, probe: false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Fail(e, null);
        }
    }

    /// <summary>Whether the writer is open: the next append only writes.</summary>
    public bool IsOpen => _writer is not null;

    /// <summary>Has the committer open the writer, if it is not: who appends later need not wait for that.</summary>
    public void OpenSoon()
    {
        lock (_gate)
        {
            if (!_isClosed && _fault is null)
            {
                _isOpenDue = true;
                EnqueueOnce();
            }
        }
    }

    /// <summary>Takes a record into the group that collects.</summary>
    public Task AppendAsync(ReadOnlySpan<byte> record)
    {
        var timestamp = _time.GetTimestamp();
        lock (_gate)
        {
            if (_isClosed)
            {
                return Task.FromException(new ObjectDisposedException(nameof(EmbeddedClickLog), "The click log is closed."));
            }

            if (_fault is { } fault)
            {
                return Task.FromException(new ClickLogUnavailableException(fault));
            }

            if (_collecting.Bytes + AppendGroup.SpaceOf(record.Length) > _maxWaitingBytes)
            {
                return Task.FromException(new ClickLogUnavailableException(
                    $"The disk under {_files.Folder} can't keep up: {_collecting.Bytes} bytes wait for it. Clicks beyond them are refused."));
            }

            _collecting.Add(record, timestamp);
            EnqueueOnce();
            return _collecting.Durable;
        }
    }

    /// <summary>Ends when the partition becomes durable further than <paramref name="address"/>, or closes. May end early.</summary>
    public Task WaitBeyond(long address)
    {
        var waiting = Volatile.Read(ref _advanced);
        if (waiting is null)
        {
            var mine = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting = Interlocked.CompareExchange(ref _advanced, mine, null) ?? mine;
        }

        // Armed first, looked at second: a commit in between either is seen here or ends the task.
        return _tail.Address > address || IsClosed ? Task.CompletedTask : waiting.Task;
    }

    /// <summary>Ends when a record at or after an offset is durable, or the log closes. May end early.</summary>
    /// <exception cref="ObjectDisposedException">The log is closed.</exception>
    public Task WaitFor(long offset)
    {
        ObjectDisposedException.ThrowIf(IsClosed, typeof(EmbeddedClickLog));
        var tail = _tail;
        return tail.Offset > offset ? Task.CompletedTask : WaitBeyond(tail.Address);
    }

    /// <summary>
    /// Address of a page start from which reading on leads to the offset, or of the offset itself, and the first offset to expect there.
    /// </summary>
    public (long Address, long Offset) Locate(long offset)
    {
        var tail = _tail;
        if (offset < Begin || offset > tail.Offset)
        {
            throw new ArgumentOutOfRangeException(
                nameof(offset), offset, $"Partition {_files.Partition} of the click log holds offsets {Begin} to {tail.Offset - 1}.");
        }

        if (offset == tail.Offset)
        {
            return (tail.Address, offset);
        }

        using var pages = new PageIndex(_files);
        var lowest = _files.Layout.StartOf(Volatile.Read(ref _firstSegment));
        var page = pages.FindPage(lowest, _files.Layout.PageStart(tail.Address - 1), offset);
        return (LogLayout.FirstRecordOf(page), pages.TryReadFirst(page, out var first) ? first.Offset : Begin);
    }

    /// <summary>Deletes the segments below an offset whose records are all older than a time.</summary>
    public void Truncate(long offset, long olderThanMs)
    {
        lock (_truncating)
        {
            var first = _firstSegment;
            var begin = _begin;
            var until = first;

            // Append times never go back, so a segment is old enough when its successor's first record is. The segment of the newest record has no
            // successor with a durable record: it stays, and with it the next sequence number.
            var lastSegment = _files.Layout.SegmentOf(_tail.Address - 1);
            using var pages = new PageIndex(_files);
            while (until < lastSegment && pages.TryReadFirst(_files.Layout.StartOf(until + 1), out var successor)
                && successor.Offset <= offset && successor.AppendTimeMs < olderThanMs)
            {
                until++;
                begin = successor.Offset;
            }

            if (until == first)
            {
                return;
            }

            Volatile.Write(ref _firstSegment, until);
            Volatile.Write(ref _begin, begin);
            _files.Delete(first, until);
        }
    }

    /// <summary>Takes no more appends; what waits is still committed.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
        }
    }

    /// <summary>Lets go of files and memory and ends the readers. After the committer has ended.</summary>
    public void Dispose()
    {
        _retryTimer?.Dispose();
        _writer?.Dispose();
        WakeReaders();
    }

    /// <summary>Commits what has been collected; after a fault, tries whether the disk is back. On the committer's thread.</summary>
    public void Work()
    {
        AppendGroup? group = null;
        bool isRetryDue;
        bool isOpenDue;
        lock (_gate)
        {
            _isQueued = false;
            isOpenDue = _isOpenDue;
            _isOpenDue = false;
            isRetryDue = _isRetryDue;
            _isRetryDue = false;
            if (_collecting.Count > 0)
            {
                group = _collecting;
                _collecting = _spare;
            }
        }

        if (isRetryDue)
        {
            TryResume();
        }

        if (isOpenDue && _writer is null && _fault is null)
        {
            Start();
        }

        if (group is not null)
        {
            Commit(group);
            _spare = group;
        }
    }

    private void Commit(AppendGroup group)
    {
        var oldest = group.OldestTimestamp;
        var records = group.Count;
        var before = _tail;
        try
        {
            _writer ??= PartitionWriter.Open(_files, _deviceFactory, before, probe: false);
            _tail = _writer.Write(group, before, _time.GetUtcNow().ToUnixTimeMilliseconds());
        }
#pragma warning disable CA1031 // Whatever went wrong, the group isn't known to be durable: whoever waits must hear it, and the writer starts anew.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Fail(e, group);
            return;
        }

        WakeReaders();
        group.Complete();
        EmbeddedLogMetrics.AppendDuration.Record(_time.GetElapsedTime(oldest).TotalSeconds);
        EmbeddedLogMetrics.CommitRecords.Record(records);
        EmbeddedLogMetrics.Bytes.Add(_tail.Address - before.Address);
    }

    private void Fail(Exception cause, AppendGroup? group)
    {
        var fault = $"The click log can't write to {_files.Folder}: {cause.Message} Clicks are refused until it can; it tries again by itself. " +
            "Free space on this disk, or make it writable.";
        _writer?.Dispose();
        _writer = null;
        _retryTimer ??= _time.CreateTimer(_ => OnRetryDue(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _retryTimer.Change(_nextRetry, Timeout.InfiniteTimeSpan);
        if (_fault is null)
        {
            EmbeddedLogMetrics.Faults.Add(1);
            _logger.LogError(cause, "Partition {Partition}: {Fault}", _files.Partition, fault);
        }
        else
        {
            _logger.LogDebug(
                cause, "Partition {Partition} of the click log still can't write; it tries again in {Delay}.", _files.Partition, _nextRetry);
        }

        _nextRetry = _nextRetry * 2 < LongestRetry ? _nextRetry * 2 : LongestRetry;
        lock (_gate)
        {
            _fault = fault;
            if (_collecting.Count > 0)
            {
                _collecting.Fail(new ClickLogUnavailableException(fault, cause));
            }
        }

        group?.Fail(new ClickLogUnavailableException(fault, cause));
    }

    private void TryResume()
    {
        try
        {
            // From the tail in memory, not from the files: after a failed write the page cache may show bytes that never reached the disk.
            _writer = PartitionWriter.Open(_files, _deviceFactory, _tail, probe: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Fail(e, null);
            return;
        }

        _nextRetry = FirstRetry;
        _fault = null;
        _logger.LogInformation("Partition {Partition} of the click log can write again, from offset {Offset}.", _files.Partition, _tail.Offset);
    }

    private void OnRetryDue()
    {
        lock (_gate)
        {
            if (!_isClosed)
            {
                _isRetryDue = true;
                EnqueueOnce();
            }
        }
    }

    private void EnqueueOnce()
    {
        if (!_isQueued)
        {
            _isQueued = true;
            _committer.Enqueue(this);
        }
    }

    private void WakeReaders() => Interlocked.Exchange(ref _advanced, null)?.TrySetResult();
}
