using AdClick.Actors.Ads;
using AdClick.Actors.Metrics;
using Akka.Event;
using Akka.Persistence;

namespace AdClick.Actors.Partitions;

internal sealed partial class PartitionActor
{
    private readonly Queue<(long SequenceNr, long AliveUntilMs)> _checkpoints = [];
    private Checkpoint? _checkpoint; // under way
    private CountingTerms? _nextTerms;
    private long _checkpointOffset;
    private long _checkpointClockMs;
    private DateTimeOffset _checkpointAt;
    private long _deltaBytes; // since the newest snapshot
    private long _snapshotSequenceNr; // of the newest snapshot
    private long _purgeBelow;

    private bool IsChangingTerms => _nextTerms is not null;

    /// <summary>
    /// Begins a checkpoint at the offset after the last batch that was given to the ads: a barrier goes to each ad that changed, behind that batch.
    /// </summary>
    private void StartCheckpoint()
    {
        if (_checkpoint is not null || (_routedOffset == _checkpointOffset && !IsChangingTerms))
        {
            return;
        }

        // When the deltas outweigh the live state: so the writing at most doubles.
        var takeSnapshot = _deltaBytes > Math.Max(_ads.SavedBytes, _settings.MinSnapshotBytes) && _ads.SavedBytes <= _settings.MaxSnapshotBytes;
        ForgetOutlivedMarks();
        _checkpoint = new Checkpoint(_routedOffset, _routedClockMs, _context.Time.GetTimestamp(), takeSnapshot);
        NoteMarksOfCheckpoint();
        var barrier = new AdCommands.HandOver(_terms, _routedClockMs, _checkpointClockMs, takeSnapshot);
        foreach (var slot in _ads.Slots)
        {
            // When the terms change, every ad lets go of what is dead under the old ones.
            if (slot.IsDirty || takeSnapshot || IsChangingTerms)
            {
                slot.IsDirty = false;
                _checkpoint.Unanswered++;
                slot.Actor.Tell(barrier, Self);
            }
        }

        PersistWhenFlushed();
    }

    private void OnHandedOver(AdEvents.HandedOver handedOver)
    {
        var slot = _ads[handedOver.Slot];
        _ads.Update(slot, handedOver.Size);
        _checkpoint!.Deltas.AddRange(handedOver.Deltas);
        _checkpoint.WholeState.AddRange(handedOver.WholeState ?? []);
        _checkpoint.AliveUntilMs = Math.Max(_checkpoint.AliveUntilMs, handedOver.DeltaAliveUntilMs);
        _checkpoint.Unanswered--;
        PersistWhenFlushed();
    }

    /// <summary>
    /// Writes the checkpoint once all ads have handed over and everything below its offset is in the metrics store: so the store is never behind the
    /// journal, and an owner that lost the partition is stopped by the flush before it can write here.
    /// </summary>
    private void PersistWhenFlushed()
    {
        if (_checkpoint is not { IsCollected: true, IsPersisting: false } checkpoint)
        {
            return;
        }

        if (_flush is not null)
        {
            return;
        }

        if (!checkpoint.IsFenced)
        {
            // A flush that began before the last answer may lack its counts, and it showed that the partition was ours at an earlier moment.
            checkpoint.IsFenced = true;
            StartFlush(evenIfEmpty: true);
            return;
        }

        checkpoint.IsPersisting = true;
        var terms = _nextTerms ?? _terms;
        var reached = new CheckpointReached
        {
            Offset = checkpoint.Offset,
            ClockMs = checkpoint.ClockMs,
            AllowedLatenessMs = terms.AllowedLatenessMs,
            CountedFromMs = terms.CountedFromMs,
            OwnerEpoch = _acquired.OwnerEpoch,
            AliveUntilMs = checkpoint.AliveUntilMs,
            SnapshotSequenceNr = _snapshotSequenceNr,
        };
        foreach (var mark in checkpoint.Marks!)
        {
            reached.Marks.Add(new GatewayMarkState { Gateway = mark.Gateway, TimeMs = mark.TimeMs, OpenFromMs = mark.OpenFromMs });
        }

        var events = CheckpointEvents.Pack(checkpoint.Deltas, out var bytes);
        events.Add(reached);
        _deltaBytes += bytes;
        PartitionMetrics.CheckpointBytes.Record(bytes);
        PersistAllAsync(events, persisted =>
        {
            if (persisted is CheckpointReached)
            {
                OnCheckpointReached(checkpoint, reached, terms);
            }
        });
    }

    private void OnCheckpointReached(Checkpoint checkpoint, CheckpointReached reached, CountingTerms terms)
    {
        _checkpoint = null;
        _nextTerms = null;
        _terms = terms;
        Stash.UnstashAll();
        _checkpointOffset = checkpoint.Offset;
        _checkpointClockMs = checkpoint.ClockMs;
        _checkpointAt = _context.Time.GetUtcNow();
        _checkpoints.Enqueue((LastSequenceNr, reached.AliveUntilMs));
        PartitionMetrics.CheckpointDuration.Record(_context.Time.GetElapsedTime(checkpoint.Since).TotalSeconds);
        if (checkpoint.TakesSnapshot)
        {
            // Before any further persist: the snapshot carries the sequence number of this checkpoint, and its state is as of it.
            SaveSnapshot(new PartitionSnapshot { Checkpoint = reached, Ads = { checkpoint.WholeState } });
            _deltaBytes = 0;
        }

        PurgeCovered(reached.SnapshotSequenceNr);
        PurgeOutlived();
        _ads.StopEmpty(_terms, _checkpointClockMs);
        _context.Log.Checkpointed(
            _partition, _checkpointOffset, _context.Archive?.KeepFrom(_partition) ?? long.MaxValue, _checkpointAt - _settings.ClickLogRetention);
        ChangeTermsWhenReplayed();
        ReadOn();
        AnswerWhenCheckpointed();
        FinishWhenDrained();
    }

    private void OnSnapshotSaved(long sequenceNr)
    {
        _snapshotSequenceNr = sequenceNr;
        DeleteSnapshots(new SnapshotSelectionCriteria(sequenceNr - 1));
    }

    // Rows below a snapshot go only once a checkpoint names it, so that a recovery without the snapshot is noticed, not believed.
    private void PurgeCovered(long snapshotSequenceNr)
    {
        while (_checkpoints.Count > 1 && _checkpoints.Peek().SequenceNr <= snapshotSequenceNr)
        {
            _purgeBelow = Math.Max(_purgeBelow, _checkpoints.Dequeue().SequenceNr + 1);
        }
    }

    // Checkpoints that the clock has outlived are of no use to a recovery; the newest always stays.
    private void PurgeOutlived()
    {
        while (_checkpoints.Count > 1 && _terms.HasPassed(_checkpoints.Peek().AliveUntilMs, _checkpointClockMs))
        {
            _purgeBelow = Math.Max(_purgeBelow, _checkpoints.Dequeue().SequenceNr + 1);
        }
    }

    /// <summary>
    /// A changed setting of the allowed lateness takes effect at a checkpoint of its own, when all that a former owner may have flushed has been
    /// judged by the old one; reading waits for it.
    /// </summary>
    private void ChangeTermsWhenReplayed()
    {
        var wanted = (long)_settings.AllowedLateness.TotalMilliseconds;
        if (IsReplaying || IsChangingTerms || _isDraining || _terms.AllowedLatenessMs == wanted || _checkpoint is not null)
        {
            return;
        }

        _log.Info("Partition {0}: allowed lateness changes from {1} to {2} ms at offset {3}.",
            _partition, _terms.AllowedLatenessMs, wanted, _routedOffset);
        _nextTerms = _terms.ChangeTo(wanted, _routedClockMs);
        StartCheckpoint();
    }

    // Batches are counted in order, so when the last one below the checkpoint is, the marks are those below it.
    private void NoteMarksOfCheckpoint()
    {
        if (_checkpoint is { Marks: null } checkpoint && _countedOffset >= checkpoint.Offset)
        {
            checkpoint.Marks = [.. _marks.Values];
        }
    }

    // A gateway that was not heard within the allowed lateness holds nothing back any more, and its name may never come again.
    private void ForgetOutlivedMarks()
    {
        foreach (var mark in _marks.Values)
        {
            if (_terms.HasPassed(mark.TimeMs, _countedClockMs))
            {
                _marks.Remove(mark.Gateway); // removing while enumerating is allowed in a Dictionary
            }
        }
    }

    private sealed class Checkpoint(long offset, long clockMs, long since, bool takesSnapshot)
    {
        public long Offset { get; } = offset;

        public long ClockMs { get; } = clockMs;

        public long Since { get; } = since;

        public bool TakesSnapshot { get; } = takesSnapshot;

        public int Unanswered { get; set; }

        /// <summary>Whether all ads have handed over, and all batches below the offset are counted.</summary>
        public bool IsCollected => Unanswered == 0 && Marks is not null;

        /// <summary>Whether a flush was begun after that, under our owner epoch.</summary>
        public bool IsFenced { get; set; }

        public bool IsPersisting { get; set; }

        /// <summary>Newest mark of each gateway below the offset; null until all below it is counted.</summary>
        public IReadOnlyList<GatewayMark>? Marks { get; set; }

        public long AliveUntilMs { get; set; }

        public List<AdDelta> Deltas { get; } = [];

        public List<AdDelta> WholeState { get; } = [];
    }
}
