using System.Buffers;
using AdClick.Actors.Ads;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using Akka.Actor;
using Akka.Event;

namespace AdClick.Actors.Partitions;

internal sealed partial class PartitionActor
{
    private readonly Queue<BatchInFlight> _inFlight = [];
    private readonly Dictionary<string, GatewayMark> _marks = [];
    private CountingTerms _terms;
    private IActorRef? _waitingReader; // the stream's sink, while it waits for our word to go on
    private long _batches;
    private long _routedOffset;
    private long _routedClockMs;
    private long _countedOffset;
    private long _countedClockMs;
    private long _replayUntil;

    // Below this offset, the end of the log when we began, an owner before us may have flushed counts: they were judged by the checkpoint's terms,
    // and so must the replay be.
    private bool IsReplaying => _routedOffset < _replayUntil;

    private bool MayRead => _inFlight.Count < _settings.MaxBatchesInFlight
        && _pending.Count < _settings.MaxPendingCounts
        && !IsChangingTerms;

    private void OnBatch(PartitionBatch batch)
    {
        if (batch.FirstOffset != _routedOffset)
        {
            throw new InvalidOperationException(
                $"Partition {_partition}: the stream gave offset {batch.FirstOffset} where {_routedOffset} was expected.");
        }

        if (_isDraining)
        {
            return; // whoever takes the partition over reads it again
        }

        if (IsChangingTerms)
        {
            Stash.Stash(); // asked for before the change began: it lies behind the checkpoint, so the new terms judge it, now as in a replay
            return;
        }

        var inFlight = new BatchInFlight(++_batches, batch, _context.Time.GetTimestamp());
        _inFlight.Enqueue(inFlight);
        foreach (var group in batch.Groups)
        {
            var slot = _ads.GetOrStart(group.Key);
            slot.IsDirty = true;
            slot.BatchesInFlight++;
            slot.Actor.Tell(new AdCommands.CountClicks(inFlight.Number, batch.Clicks, group.Start, group.Count, _terms), Self);
        }

        _routedOffset = batch.NextOffset;
        _routedClockMs = batch.ClockMs;
        _waitingReader = Sender;
        CompleteBatches();
        ChangeTermsWhenReplayed();
    }

    private void OnCounted(AdEvents.Counted counted)
    {
        var slot = _ads[counted.Slot];
        slot.BatchesInFlight--;
        _ads.Update(slot, counted.Size);
        _pending.Put(slot, counted.Counts);
        if (counted.Late is not null)
        {
            _pending.Put(counted.Late);
        }

        var first = _inFlight.Peek().Number;
        foreach (var batch in _inFlight)
        {
            if (batch.Number == counted.Batch)
            {
                batch.Unanswered--;
                break;
            }
        }

        if (counted.Batch == first)
        {
            CompleteBatches();
        }
    }

    // A batch is counted when all its ads and all batches before it have answered.
    private void CompleteBatches()
    {
        while (_inFlight.TryPeek(out var done) && done.Unanswered == 0)
        {
            _inFlight.Dequeue();
            var batch = done.Batch;
            foreach (var mark in batch.Marks ?? [])
            {
                _marks[mark.Gateway] = mark;
            }

            if (batch.Rejected is { } rejected)
            {
                _log.Warning("Partition {0}: {1} records can't be counted, the first at offset {2}: {3}",
                    _partition, rejected.Count, rejected[0].Offset, rejected[0].Reason);
                PartitionMetrics.Rejected.Add(rejected.Count);
                _pending.Put(rejected);
            }

            _countedOffset = batch.NextOffset;
            _countedClockMs = batch.ClockMs;
            NoteMarksOfCheckpoint();
            ArrayPool<LoggedClick>.Shared.Return(batch.Clicks);
        }

        PersistWhenFlushed();
        ReadOn();
        FinishWhenDrained();
    }

    private void ReadOn()
    {
        if (_waitingReader is not null && MayRead)
        {
            _waitingReader.Tell(BatchTaken.Instance);
            _waitingReader = null;
        }
    }

    private void CheckAnswers()
    {
        if (_inFlight.TryPeek(out var oldest) && IsOverdue(oldest.Since))
        {
            throw new TimeoutException(
                $"Partition {_partition}: {oldest.Unanswered} ads have not answered a batch for {_settings.AnswerTimeout}.");
        }

        if (_checkpoint is { IsCollected: false } checkpoint && IsOverdue(checkpoint.Since))
        {
            throw new TimeoutException(
                $"Partition {_partition}: {checkpoint.Unanswered} ads have not handed over their part of a checkpoint "
                + $"for {_settings.AnswerTimeout}.");
        }
    }

    private bool IsOverdue(long since) => _context.Time.GetElapsedTime(since) > _settings.AnswerTimeout;

    private sealed class BatchInFlight(long number, PartitionBatch batch, long since)
    {
        public long Number { get; } = number;

        public PartitionBatch Batch { get; } = batch;

        public long Since { get; } = since;

        public int Unanswered { get; set; } = batch.Groups.Count;
    }
}
