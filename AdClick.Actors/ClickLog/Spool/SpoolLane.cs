using AdClick.Actors.ClickLog.Embedded;
using AdClick.Actors.Clicks;
using Microsoft.Extensions.Logging;

namespace AdClick.Actors.ClickLog.Spool;

/// <summary>
/// The spooled clicks of one partition, in order, so that a partition that stays away doesn't hold up the others. Appends come from any thread
/// through <see cref="ClickSpool"/>; one drainer reads.
/// </summary>
internal sealed class SpoolLane : IDisposable
{
    // A reader holds a page, a batch and a file: not for a lane that has nothing to read.
    private static readonly TimeSpan IdleReaderLife = TimeSpan.FromSeconds(1);
    private const int ScanRecords = 1000;

    private readonly EmbeddedClickLog _log;
    private readonly DrainedPositions _positions;
    private readonly SpoolBudget _budget;
    private readonly Action _onDrained;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Under the gate. Appends that share a task get their offsets together, one group after the other.
    private readonly Lock _gate = new();
    private readonly SpoolBacklog _backlog = new();
    private readonly Queue<Group> _groups = new();
    private Group? _lastGroup;
    private long _end;
    private long _appended;
    private bool _isOldestUnknown;
    private long _drained;
    private volatile string? _damage;

    // The drainer's.
    private IClickLogReader? _reader;
    private long _read;

    /// <summary>Reads what is still to be drained, for its number, size and times.</summary>
    /// <exception cref="ClickLogDamagedException">The position is not one of the log's.</exception>
    public SpoolLane(
        EmbeddedClickLog log,
        int partition,
        DrainedPositions positions,
        bool isInherited,
        SpoolBudget budget,
        Action onDrained,
        TimeProvider time,
        ILogger logger)
    {
        _log = log;
        Partition = partition;
        IsInherited = isInherited;
        _positions = positions;
        _budget = budget;
        _onDrained = onDrained;
        _time = time;
        _logger = logger;

        var range = log.RangeOf(partition);
        _drained = positions.Found[partition] ?? range.Begin;
        if (_drained < range.Begin || _drained > range.End)
        {
            throw new ClickLogDamagedException(
                $"{positions.Path} says that lane {partition} of the spool is drained up to offset {_drained}, " +
                $"but its files hold {range.Begin} to {range.End - 1}: clicks may be gone. " +
                $"Restore the files of partition {partition} beside it from a backup; to go on without what is missing, " +
                $"change that line to 'lane {partition} from {Math.Clamp(_drained, range.Begin, range.End)}'. Then start again.");
        }

        _read = _drained;
        _end = range.End;
        Scan();
        FinishIfDrained();
    }

    /// <summary>Partition that the clicks were meant for, among as many as the spool's folder was made for.</summary>
    public int Partition { get; }

    /// <summary>
    /// Whether the spool was made for another partition count. Such a lane gets no new clicks, and each of its clicks belongs to the partition that
    /// its key says.
    /// </summary>
    public bool IsInherited { get; }

    /// <summary>Whether nothing is left, neither to drain nor on its way into the spool.</summary>
    public bool IsEmpty => Records == 0;

    /// <summary>Offset below which everything is drained.</summary>
    public long DrainedOffset => Volatile.Read(ref _drained);

    /// <summary>Null, or a sentence for the operator: clicks of this lane are missing or unreadable, and it is not drained any further.</summary>
    public string? Damage => _damage;

    /// <summary>Clicks that are not drained, those on their way into the spool included.</summary>
    public long Records
    {
        get
        {
            lock (_gate)
            {
                Settle();
                return Math.Max(_end - _drained, 0) + _groups.Sum(group => group.Count);
            }
        }
    }

    /// <summary>Clicks that became durable here since the start.</summary>
    public long Appended
    {
        get
        {
            lock (_gate)
            {
                Settle();
                return _appended;
            }
        }
    }

    /// <summary>
    /// Not after the click time of any click that is not drained, those on their way into the spool included, Unix milliseconds; null when there is
    /// none. 0 when clicks were found missing at the start: nobody knows how old they are.
    /// </summary>
    public long? OldestClickMs
    {
        get
        {
            lock (_gate)
            {
                Settle();
                if (_isOldestUnknown)
                {
                    return 0;
                }

                var oldest = _backlog.OldestSecond;
                foreach (var group in _groups)
                {
                    oldest = Math.Min(oldest, group.OldestSecond);
                }

                return oldest == SpoolBacklog.NoTime ? null : oldest * 1000;
            }
        }
    }

    /// <summary>
    /// The next clicks from the read position, waiting while there are none. An empty batch says that an inherited lane is drained and will stay
    /// empty: its drainer can end.
    /// </summary>
    /// <param name="maxRecords">Upper bound on the clicks of the batch.</param>
    /// <param name="cancellationToken">Ends the wait; nothing is lost.</param>
    /// <exception cref="ClickLogDamagedException">
    /// Clicks are missing or unreadable; those before them were handed out. The message says how a person goes on.
    /// </exception>
    public async ValueTask<SpoolBatch> ReadAsync(int maxRecords, CancellationToken cancellationToken)
    {
        if (_log.RangeOf(Partition).End == _read)
        {
            if (IsInherited)
            {
                await _finished.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
                DropReader();
                return default;
            }

            await WaitForMoreAsync(cancellationToken).ConfigureAwait(false);
        }

        try
        {
            _reader ??= _log.OpenReader(Partition, _read);
            var batch = await _reader.ReadAsync(maxRecords, cancellationToken).ConfigureAwait(false);
            _read = batch.NextOffset;
            return new SpoolBatch(batch);
        }
        catch (ObjectDisposedException) when (_finished.Task.IsCompleted)
        {
            // Reports that came late drained the lane while it was read again, and its folder is gone.
            return default;
        }
        catch (ClickLogDamagedException e)
        {
            throw new ClickLogDamagedException(TellDamage(e), e) { Missing = e.Missing };
        }
    }

    /// <summary>Reading begins again at the drained position: a delivery failed. Not while a read is under way.</summary>
    public void Rewind()
    {
        DropReader();
        _read = DrainedOffset;
    }

    /// <summary>
    /// Everything below an offset is in Kafka. Survives a restart after a second or so; what is drained once more after a crash comes out as
    /// <c>repeat</c>. From any thread.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">There are no such clicks yet.</exception>
    public void Drained(long nextOffset)
    {
        var end = _log.RangeOf(Partition).End;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(nextOffset, end);
        lock (_gate)
        {
            if (nextOffset <= _drained)
            {
                return;
            }

            Volatile.Write(ref _drained, nextOffset);
            Settle();
            _budget.Release(_backlog.Drain(nextOffset));
        }

        FinishIfDrained();
        _onDrained();
    }

    /// <summary>Has the lane's file opened, which is otherwise the business of its first click.</summary>
    public void OpenSoon() => _log.OpenSoon(Partition);

    /// <summary>Whether the lane's file is open for writing.</summary>
    public bool IsOpen => _log.IsOpen(Partition);

    /// <summary>Takes an entry for which the budget was asked already.</summary>
    public Task Append(ReadOnlySpan<byte> entry, int space)
    {
        var second = SecondOf(entry);
        lock (_gate)
        {
            var durable = _log.AppendAsync(Partition, default, entry);
            if (durable.IsFaulted)
            {
                _budget.Release(space);
                return durable;
            }

            if (_lastGroup?.Durable != durable)
            {
                Settle();
                _groups.Enqueue(_lastGroup = new Group(durable));
            }

            _lastGroup.Count++;
            _lastGroup.Bytes += space;
            _lastGroup.OldestSecond = Math.Min(_lastGroup.OldestSecond, second);
            return durable;
        }
    }

    /// <summary>Bytes that an entry takes in the log.</summary>
    public static int SpaceOf(int entryBytes) => RecordFormat.SpaceOf(RecordFormat.HeaderBytes + entryBytes);

    /// <summary>Looks which appends have ended, so that those which failed give their bytes back.</summary>
    public void Refresh()
    {
        lock (_gate)
        {
            Settle();
        }
    }

    /// <summary>Lets go of the reader. After the drainer has ended.</summary>
    public void Dispose() => DropReader();

    // Nobody is woken by a group's end; whoever wants to know looks. Groups end in their order, and a group that failed has taken no offsets.
    private void Settle()
    {
        while (_groups.TryPeek(out var group) && group.Durable.IsCompleted)
        {
            _groups.Dequeue();
            if (group == _lastGroup)
            {
                _lastGroup = null;
            }

            if (!group.Durable.IsCompletedSuccessfully)
            {
                _budget.Release(group.Bytes);
                continue;
            }

            _end += group.Count;
            _appended += group.Count;
            _backlog.Add(_end, group.Bytes, group.OldestSecond);

            // A reader sees a group before its task ends, so it may be drained by now.
            _budget.Release(_backlog.Drain(_drained));
        }
    }

    private async Task WaitForMoreAsync(CancellationToken cancellationToken)
    {
        while (_log.RangeOf(Partition).End == _read)
        {
            var more = _log.WaitFor(Partition, _read);
            if (_reader is not null && !more.IsCompleted)
            {
                try
                {
                    await more.WaitAsync(IdleReaderLife, _time, cancellationToken).ConfigureAwait(false);
                }
                catch (TimeoutException)
                {
                    DropReader();
                }
            }
            else
            {
                await more.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private void Scan()
    {
        var next = _drained;
        while (next < _end)
        {
            try
            {
                using var reader = _log.OpenReader(Partition, next);
                while (next < _end)
                {
                    // What is there is read on the spot: this never waits.
                    var batch = reader.ReadAsync(ScanRecords, CancellationToken.None).AsTask().GetAwaiter().GetResult();
                    for (var i = 0; i < batch.Count; i++)
                    {
                        var entry = batch.Record(i);
                        _backlog.Add(batch[i].Offset + 1, SpaceOf(entry.Length), SecondOf(entry));
                    }

                    next = batch.NextOffset;
                }
            }
            catch (ClickLogDamagedException e)
            {
                TellDamage(e);
                _isOldestUnknown = true;
                next = Math.Max(e.Missing?.End ?? _end, next + 1);
            }
        }

        _budget.Take(_backlog.Bytes);
    }

    private string TellDamage(ClickLogDamagedException e)
    {
        if (_damage is { } told)
        {
            return told;
        }

        var damage = $"The spool lost clicks that are not in Kafka. {e.Message} " +
            $"What comes after them in this lane waits, the other lanes are drained. " +
            $"To go on without them instead, stop the node, change the line of lane {Partition} in {_positions.Path} to " +
            $"'lane {Partition} from {e.Missing?.End ?? _end}', and start again.";
        _damage = damage;
        _logger.LogError(e, "{Damage}", damage);
        return damage;
    }

    private void FinishIfDrained()
    {
        if (IsInherited && IsEmpty)
        {
            _finished.TrySetResult();
        }
    }

    private void DropReader()
    {
        _reader?.Dispose();
        _reader = null;
    }

    private static long SecondOf(ReadOnlySpan<byte> entry)
    {
        var fields = default(LogRecordReader);
        return fields.Read(SpoolEntry.RecordOf(entry)) == LogRecordReader.Kind.Click ? fields.ClickTimeMs / 1000 : SpoolBacklog.NoTime;
    }

    /// <summary>Appends that become durable together.</summary>
    private sealed class Group(Task durable)
    {
        public Task Durable { get; } = durable;

        public int Count { get; set; }

        public long Bytes { get; set; }

        public long OldestSecond { get; set; } = SpoolBacklog.NoTime;
    }
}
