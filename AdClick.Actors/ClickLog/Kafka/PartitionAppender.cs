using AdClick.Actors.ClickLog.Spool;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>
/// The write side of one partition: collects appends into groups, knows whether Kafka takes them, and sends them to the spool while it doesn't.
/// </summary>
/// <remarks>
/// The first click that Kafka refuses, or does not report in time, makes the partition away. All that is outstanding goes to the spool at once, and so do the
/// clicks that come: nobody else waits for the time-out. Coming back is nobody's risk either: it takes the report of a record that no redirect waits for,
/// which is the first in the spool, or a mark while the spool holds none (a partition without clicks would never learn otherwise).
/// </remarks>
internal sealed class PartitionAppender
{
    // 10 ms of 100 MB/s: beyond it the sending thread doesn't keep up, and the spool, with threads of its own, may.
    private const int MaxCollectingBytes = 1024 * 1024;

    // A lane of the spool lets 4 MiB wait for its disk and refuses what comes beyond; 2 s of a hot partition are more.
    private const int SpoolPortionBytes = 1024 * 1024;

    private readonly ProduceThread _sender;
    private readonly ClickSpool _spool;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Action<long> _onAppendTime;

    // Under the gate: appends come from any thread.
    private readonly Lock _gate = new();
    private ClickGroup? _collecting;
    private ClickGroup? _markProbe;
    private bool _isQueued;
    private bool _isClosed;
    private int _epoch;

    // On the sender's thread only.
    private readonly Queue<RecordGroup> _outstanding = new();
    private readonly List<Task> _givenUp = [];
    private bool _isLaneWanted;

    private volatile Away? _away;
    private volatile bool _isDraining;

    /// <summary>A partition that is taken to be there until something fails.</summary>
    public PartitionAppender(
        int number, ProduceThread sender, ClickSpool spool, TimeProvider time, Action<long> onAppendTime, ILogger logger)
    {
        Number = number;
        _sender = sender;
        _spool = spool;
        _time = time;
        _onAppendTime = onAppendTime;
        _logger = logger;
    }

    /// <summary>The partition's number.</summary>
    public int Number { get; }

    /// <summary>Since when and why Kafka doesn't take records of this partition; null while it does.</summary>
    public Away? IsAway => _away;

    /// <summary>Whether the drain has a spooled click in hand: that is the probe then, and marks need not be.</summary>
    public bool IsDraining
    {
        set => _isDraining = value;
    }

    /// <summary>Takes a record for Kafka, or for the spool while Kafka is away.</summary>
    public Task AppendAsync(ReadOnlySpan<byte> key, ReadOnlySpan<byte> record)
    {
        var isMark = key.IsEmpty;
        if (_away is null || isMark)
        {
            var timestamp = _time.GetTimestamp();
            var keyBytes = isMark ? null : key.ToArray();
            var recordBytes = record.ToArray();
            lock (_gate)
            {
                if (_isClosed)
                {
                    return Task.FromException(new ObjectDisposedException(nameof(KafkaAppender), "The click log is closed."));
                }

                if ((_away is null || isMark && IsProbeWanted())
                    && (_collecting is null || _collecting.Bytes + record.Length + key.Length <= MaxCollectingBytes))
                {
                    _collecting ??= new ClickGroup(this, _spool, _time, timestamp);
                    if (_away is not null)
                    {
                        _markProbe = _collecting;
                    }

                    EnqueueOnce();
                    return _collecting.Add(keyBytes, recordBytes);
                }
            }
        }
        else if (Volatile.Read(ref _isClosed))
        {
            return Task.FromException(new ObjectDisposedException(nameof(KafkaAppender), "The click log is closed."));
        }

        return isMark
            ? Task.FromException(new ClickLogUnavailableException(_away?.Reason ?? $"Partition {Number} has more records waiting than it can send."))
            : _spool.AppendAsync(Number, key, record);
    }

    /// <summary>Takes no more appends; what has been collected is still sent.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
        }
    }

    /// <summary>After the sender has ended: waits until what was given up is in the spool.</summary>
    public async Task WaitForGivenUpAsync()
    {
        await Task.WhenAll(_givenUp).ConfigureAwait(false);
        if (_away is not null)
        {
            KafkaAppendMetrics.PartitionsAway.Add(-1);
        }
    }

    /// <summary>On the sender's thread: what has been collected, to be sent now; null if nothing.</summary>
    public ClickGroup? TakeCollected()
    {
        lock (_gate)
        {
            _isQueued = false;
            var group = _collecting;
            _collecting = null;
            return group;
        }
    }

    /// <summary>On the sender's thread, before the first record of a group is produced.</summary>
    public void OnSending(RecordGroup group)
    {
        while (_outstanding.TryPeek(out var oldest) && oldest.IsSettled)
        {
            _outstanding.Dequeue();
        }

        group.Epoch = _epoch;
        _outstanding.Enqueue(group);
    }

    /// <summary>
    /// On the sender's thread: a report is slow to come. Opening a lane of the spool takes milliseconds, and when Kafka is away, those of all partitions are wanted at
    /// once; so that is done before the delivery time-out is over.
    /// </summary>
    public void ExpectTimeout()
    {
        if (!_isLaneWanted)
        {
            _isLaneWanted = true;
            _spool.OpenSoon(Number);
        }
    }

    /// <summary>On the sender's thread: gives up records of a group without drawing conclusions about others.</summary>
    /// <returns>Number of records given up.</returns>
    public int GiveUp(RecordGroup group, int from, bool onlyRefused, string reason)
    {
        var (records, safe) = group.GiveUp(from, onlyRefused, reason);
        Remember(safe);
        return records;
    }

    /// <summary>On the sender's thread: Kafka doesn't take records of this partition; everything outstanding is given up.</summary>
    /// <returns>Number of records given up.</returns>
    public int GoAway(string cause)
    {
        var reason = $"Kafka does not take records of partition {Number}: {cause}.";
        ClickGroup? collected;
        bool isNews;
        lock (_gate)
        {
            collected = _collecting;
            _collecting = null;
            isNews = _away is null;
            _away = new Away(_away?.Since ?? _time.GetUtcNow(), cause, reason);
            _epoch++;
        }

        if (isNews)
        {
            KafkaAppendMetrics.PartitionsAway.Add(1);
            _logger.LogWarning("{Reason} Its clicks are spooled until it does.", reason);
        }

        var groups = new List<RecordGroup>(_outstanding);
        _outstanding.Clear();
        if (collected is not null)
        {
            groups.Add(collected);
        }

        var records = 0;
        foreach (var group in groups)
        {
            records += group.CountOpen;
            group.IsGivenUp = true;
        }

        Remember(GiveUpAllAsync(groups, reason));
        return records;
    }

    /// <summary>On the producer's thread: a record that was open is written.</summary>
    public void OnDelivered(RecordGroup group, Timestamp appended)
    {
        if (appended.Type != TimestampType.NotAvailable)
        {
            _onAppendTime(appended.UnixTimestampMs);
        }

        if (_away is not null)
        {
            ComeBack(group.Epoch);
        }
    }

    /// <summary>On the producer's thread: a record was refused. What follows is the sender's business.</summary>
    public void OnRefused(RecordGroup group) => _sender.PostRefused(group);

    private void ComeBack(int epoch)
    {
        Away away;
        lock (_gate)
        {
            if (_away is null || epoch != _epoch)
            {
                return; // reported before it went away, or another time
            }

            away = _away;
            _away = null;
        }

        KafkaAppendMetrics.PartitionsAway.Add(-1);
        _logger.LogInformation("Kafka takes records of partition {Partition} again, after {Duration}.", Number, _time.GetUtcNow() - away.Since);
    }

    private static async Task GiveUpAllAsync(List<RecordGroup> groups, string reason)
    {
        var waiting = new List<Task>();
        var bytes = 0;
        foreach (var group in groups)
        {
            var (records, safe) = group.GiveUp(0, onlyRefused: false, reason);
            waiting.Add(safe);
            bytes += records > 0 ? group.Bytes : 0;
            if (bytes >= SpoolPortionBytes)
            {
                await Task.WhenAll(waiting).ConfigureAwait(false);
                waiting.Clear();
                bytes = 0;
            }
        }

        await Task.WhenAll(waiting).ConfigureAwait(false);
    }

    private void Remember(Task safe)
    {
        if (!safe.IsCompleted)
        {
            _givenUp.RemoveAll(task => task.IsCompleted);
            _givenUp.Add(safe);
        }
    }

    // Under the gate. One mark at a time.
    private bool IsProbeWanted() => !_isDraining && _markProbe is not { IsSettled: false };

    private void EnqueueOnce()
    {
        if (!_isQueued)
        {
            _isQueued = true;
            _sender.Enqueue(this);
        }
    }

    /// <summary>A partition that Kafka doesn't take records of.</summary>
    /// <param name="Since">When that was found out.</param>
    /// <param name="Cause">The last failure.</param>
    /// <param name="Reason">The same as a sentence, with the partition.</param>
    public sealed record Away(DateTimeOffset Since, string Cause, string Reason);
}
