using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>What the consumer's thread does: rounds of commands, then of records, then of waking the readers that got some.</summary>
internal sealed partial class SharedConsumer
{
    /// <summary>How long a command may wait while no record comes. Ten milliseconds are a small part of a batch's linger.</summary>
    private const int PollMs = 10;

    /// <summary>Most records of a round: a reader is woken once for all of them, and commands wait no longer than some milliseconds.</summary>
    private const int RoundRecords = 1024;

    private static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RebuildPause = TimeSpan.FromSeconds(1);

    private readonly Landing _landing = new();
    private readonly AssignedPartition?[] _assigned;
    private readonly List<AssignedPartition> _touched = [];
    private int _assignedCount;
    private Task _probe = Task.CompletedTask;
    private long _probedAt;
    private Error? _fatal;
    private long? _rebuiltAt;
    private bool _hasEnded; // under _commandLock

    private void Run()
    {
        while (!_isStopping)
        {
            try
            {
                RunCommands();
                ReadRound();
                Probe();
                if (_fatal is not null)
                {
                    Rebuild(_fatal.ToString());
                }
            }
            catch (Exception e)
            {
                // Nothing may end this thread: every partition of the node hangs on it.
                _logger.LogError(e, "The Kafka consumer failed.");
                Rebuild(e.Message);
            }
        }

        End();
    }

    private void RunCommands()
    {
        while (TryDequeue(out var command))
        {
            var (kind, assigned) = command;
            switch (kind)
            {
                case CommandKind.Assign when !assigned.IsClosed:
                    Assign(assigned);
                    break;
                case CommandKind.Unassign when _assigned[assigned.Partition] == assigned:
                    TakeAway(assigned);
                    break;
                case CommandKind.Resume when _assigned[assigned.Partition] == assigned && assigned.TryEndPause():
                    // Only what is paused: resuming a running partition would reset its position.
                    _client.Consumer.Resume([_partitions[assigned.Partition]]);
                    break;
            }
        }
    }

    private bool TryDequeue(out Command command)
    {
        lock (_commandLock)
        {
            return _commands.TryDequeue(out command);
        }
    }

    private void Assign(AssignedPartition assigned)
    {
        if (_assigned[assigned.Partition] is { } before)
        {
            before.Fail(new InvalidOperationException(
                $"Partition {assigned.Partition} was opened again at offset {assigned.NextOffset}; "
                + $"this reader, which stood at {before.NextOffset}, gets no more."));
            TakeAway(before);
        }

        _assigned[assigned.Partition] = assigned;
        _assignedCount++;
        _highWaterMark = _settings.HighWaterMark(_assignedCount);
        _client.Consumer.IncrementalAssign([PositionOf(assigned)]);
    }

    private void TakeAway(AssignedPartition assigned)
    {
        _assigned[assigned.Partition] = null;
        _assignedCount--;
        _highWaterMark = _settings.HighWaterMark(_assignedCount);
        if (assigned.TryEndPause())
        {
            _client.Consumer.Resume([_partitions[assigned.Partition]]); // a pause outlives its assignment
        }

        _client.Consumer.IncrementalUnassign([_partitions[assigned.Partition]]);
    }

    private TopicPartitionOffset PositionOf(AssignedPartition assigned) => new(_partitions[assigned.Partition], assigned.NextOffset);

    private void ReadRound()
    {
        var (consumed, taken, bytes) = (0, 0, 0L);
        var result = Consume(PollMs);
        while (result is not null)
        {
            if (_assigned[result.Partition] is { } assigned && Take(assigned, result.Offset, result.Message.Timestamp.UnixTimestampMs))
            {
                taken++;
                bytes += _landing.Record.Length;
            }

            result = ++consumed < RoundRecords ? Consume(0) : null;
        }

        if (_touched.Count == 0)
        {
            return;
        }

        KafkaConsumerMetrics.Records.Add(taken);
        KafkaConsumerMetrics.Bytes.Add(bytes);
        foreach (var assigned in _touched)
        {
            var known = _client.Consumer.GetWatermarkOffsets(_partitions[assigned.Partition]);
            Know(assigned.Partition, Math.Max(0, known.Low.Value), Math.Max(known.High.Value, assigned.NextOffset));
            assigned.IsTouched = false;
            assigned.Wake();
        }

        _touched.Clear();
    }

    private ConsumeResult<Ignore, int>? Consume(int timeoutMs)
    {
        try
        {
            return _client.Consumer.Consume(timeoutMs);
        }
        catch (ConsumeException e)
        {
            OnConsumeError(e);
            return null;
        }
    }

    private bool Take(AssignedPartition assigned, long offset, long appendTimeMs)
    {
        var offered = assigned.Offer(offset, appendTimeMs, _landing.Record, _highWaterMark);
        if (offered == AssignedPartition.Offered.OutOfTurn)
        {
            _client.Consumer.IncrementalUnassign([_partitions[assigned.Partition]]);
            _client.Consumer.IncrementalAssign([PositionOf(assigned)]);
        }

        if (offered is AssignedPartition.Offered.OutOfTurn or AssignedPartition.Offered.Dropped)
        {
            return false;
        }

        if (appendTimeMs > _newestAppendTimeMs)
        {
            Volatile.Write(ref _newestAppendTimeMs, appendTimeMs);
        }

        if (!assigned.IsTouched)
        {
            assigned.IsTouched = true;
            _touched.Add(assigned);
        }

        if (offered == AssignedPartition.Offered.TakenAndFull)
        {
            _client.Consumer.Pause([_partitions[assigned.Partition]]); // what is on its way still comes, and is taken
        }

        return true;
    }

    private void OnConsumeError(ConsumeException e)
    {
        var partition = e.ConsumerRecord.Partition.Value;
        switch (e.Error.Code)
        {
            case ErrorCode.Local_AutoOffsetReset or ErrorCode.OffsetOutOfRange or ErrorCode.Local_LogTruncation:
                if (partition >= 0 && partition < _assigned.Length && _assigned[partition] is { } assigned)
                {
                    TakeAway(assigned);
                    _ = FailOutOfRangeAsync(assigned, assigned.NextOffset, e.Error.Reason);
                }

                break;
            default:
                OnError(e.Error);
                break;
        }
    }

    // The range is asked for the message's sake; the owner asks again when it starts anew, and decides what to do.
    private async Task FailOutOfRangeAsync(AssignedPartition assigned, long offset, string reason)
    {
        string held;
        try
        {
            var range = await FindRangeAsync(assigned.Partition, CancellationToken.None).ConfigureAwait(false);
            held = $"it holds [{range.Begin}, {range.End})";
        }
        catch (ClickLogUnavailableException e)
        {
            held = e.Message;
        }

        assigned.Fail(new IOException($"Kafka can't read partition {assigned.Partition} of topic {_settings.Topic} from offset {offset}: {held}. ({reason})"));
    }

    // Called within Consume, so on the consumer's thread.
    private void OnError(Error error)
    {
        if (error.IsFatal)
        {
            _fatal = error;
            return;
        }

        var isNew = _notice is null;
        _notice = $"Reading the click log waits for Kafka: {error.Reason}.";
        if (isNew)
        {
            _probedAt = _time.GetTimestamp();
            _logger.LogWarning("{Notice}", _notice);
        }
    }

    // An error tells that something was wrong, nothing tells that it is right again. So while there is a notice, the leaders of the partitions are asked.
    private void Probe()
    {
        if (_notice is not { } notice || !_probe.IsCompleted || _time.GetElapsedTime(_probedAt) < ProbeInterval)
        {
            return;
        }

        _probedAt = _time.GetTimestamp();
        var partitions = Enumerable.Range(0, _assigned.Length).Where(partition => _assigned[partition] is not null).ToList();
        _probe = ProbeAsync(partitions.Count > 0 ? partitions : [0], notice);
    }

    private async Task ProbeAsync(IReadOnlyList<int> partitions, string notice)
    {
        try
        {
            await FindOffsetsAsync(partitions, CancellationToken.None).ConfigureAwait(false);
            if (Interlocked.CompareExchange(ref _notice, null, notice) == notice) // unless another error came meanwhile
            {
                _logger.LogInformation("Kafka answers; the click log is read again.");
            }
        }
        catch (ClickLogUnavailableException)
        {
            // the notice stays
        }
    }

    private void Rebuild(string reason)
    {
        _logger.LogError("The Kafka consumer is built anew: {Reason}", reason);
        KafkaConsumerMetrics.Rebuilds.Add(1);
        _fatal = null;
        var isFirst = _rebuiltAt is not { } at || _time.GetElapsedTime(at) >= RebuildPause;
        while (!_isStopping)
        {
            if (!isFirst)
            {
                Thread.Sleep(RebuildPause);
            }

            isFirst = false;
            _rebuiltAt = _time.GetTimestamp();
            try
            {
                _client.Dispose();
                _client = Build();
                var assigned = _assigned.OfType<AssignedPartition>().ToList();
                assigned.ForEach(partition => partition.TryEndPause());
                _client.Consumer.IncrementalAssign(assigned.Select(PositionOf));
                return;
            }
            catch (Exception e)
            {
                _logger.LogError(e, "The Kafka consumer could not be built; it is tried again in {Pause}.", RebuildPause);
            }
        }
    }

    private void End()
    {
        lock (_commandLock)
        {
            _hasEnded = true;
        }

        while (TryDequeue(out var command))
        {
            command.Assigned.Fail(Ended());
        }

        foreach (var assigned in _assigned)
        {
            assigned?.TryEndPause();
            assigned?.Fail(Ended());
        }

        _client.Dispose();
        _ended.SetResult();
    }
}
