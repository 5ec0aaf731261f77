using AdClick.Actors.Ads;
using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using Akka.Event;
using Akka.Persistence;
using Akka.Streams;
using Akka.Streams.Dsl;

namespace AdClick.Actors.Partitions;

internal sealed partial class PartitionActor
{
    private SavedPartition? _recovering;
    private UniqueKillSwitch? _reading;

    /// <inheritdoc/>
    protected override void OnRecover(object message)
    {
        if (message is RecoveryCompleted)
        {
            OnRecovered(_recovering!);
        }
        else
        {
            _recovering!.Take(message, LastSequenceNr);
        }
    }

    private void TakeUp(SavedPartition saved)
    {
        saved.Complete();
        _snapshotSequenceNr = saved.SnapshotSequenceNr;
        _deltaBytes = saved.DeltaBytes;
        foreach (var checkpoint in saved.Checkpoints)
        {
            _checkpoints.Enqueue(checkpoint);
        }

        if (saved.Checkpoint is not { } newest)
        {
            return;
        }

        _checkpointOffset = newest.Offset;
        _checkpointClockMs = newest.ClockMs;
        foreach (var mark in newest.Marks)
        {
            _marks[mark.Gateway] = new GatewayMark(mark.Gateway, mark.TimeMs, mark.OpenFromMs);
        }
    }

    private void OnRecovered(SavedPartition saved)
    {
        TakeUp(saved);
        if (saved.Checkpoint is null && _acquired.ContinuesAnotherLog)
        {
            throw new LogMismatchException(
                $"Partition {_partition}: the journal is missing, and the click log does not go back to the first click: the number of partitions was "
                + "changed since. Counting from the log alone would lose or repeat clicks; restore log, journal and metrics store from one backup.");
        }

        if (_checkpointOffset > _range.End || _flushedOffset > _range.End)
        {
            throw new LogMismatchException(
                $"Partition {_partition}: the checkpoint stands at offset {_checkpointOffset} and the metrics store at {_flushedOffset}, "
                + $"but the click log holds [{_range.Begin}, {_range.End}). Counting from there would lose or repeat "
                + "clicks; restore log, journal and metrics store from one backup.");
        }

        if (_checkpointOffset > _flushedOffset)
        {
            throw new LogMismatchException(
                $"Partition {_partition}: the metrics store stands at offset {_flushedOffset}, behind the checkpoint at {_checkpointOffset}: "
                + "it was restored from an older backup. Delete the journal and its snapshots, so that "
                + "the clicks in between are counted again from the log.");
        }

        PassLostClicks();

        // Without a checkpoint but with counts in the store (the journal was deleted), they were judged as the progress row says.
        var firstLateness = _flushedOffset > 0 ? _acquired.AllowedLatenessMs : (long)_settings.AllowedLateness.TotalMilliseconds;
        _terms = saved.Terms ?? new CountingTerms(firstLateness, 0);
        foreach (var state in saved.Ads.Values)
        {
            if (!_terms.HasPassed(state.AliveUntilMs, _checkpointClockMs))
            {
                _ads.Start(state);
            }
        }

        _log.Info(
            "Partition {0}: owner epoch {1}, {2} ads and {3} impressions as of offset {4}, {5} records to read.",
            _partition, _acquired.OwnerEpoch, _ads.Count, _ads.Impressions, _checkpointOffset, _range.End - _checkpointOffset);
        _recovering = null;
        _routedOffset = _countedOffset = _checkpointOffset;
        _routedClockMs = _countedClockMs = _checkpointClockMs;
        _checkpointAt = _context.Time.GetUtcNow();
        _replayUntil = Math.Max(_range.End, _flushedOffset);
        PostStatus();

        // Partitions take turns, so that the store and the journal see an even load.
        var turn = (_partition % 8) / 8.0;
        Timers.StartPeriodicTimer(Tick.Flush, Tick.Flush, _settings.FlushInterval * (0.125 + turn), _settings.FlushInterval);
        Timers.StartPeriodicTimer(Tick.Checkpoint, Tick.Checkpoint, _settings.CheckpointInterval * (0.5 + (turn / 2)), _settings.CheckpointInterval);
        StartReading();
        if (saved.Checkpoint is null)
        {
            // The terms stand in the journal before the first click is judged by them.
            _nextTerms = _terms;
            StartCheckpoint();
        }
        else
        {
            ChangeTermsWhenReplayed();
        }
    }

    // The log has let go of clicks that no checkpoint covers: a retention that was too short for an outage, or an older journal.
    private void PassLostClicks()
    {
        var begin = _range.Begin;
        if (_checkpointOffset >= begin)
        {
            return;
        }

        var uncounted = Math.Max(0, begin - _flushedOffset);
        var loss = $"Partition {_partition}: the click log no longer holds offsets [{_checkpointOffset}, {begin}), which lie behind the newest "
            + $"checkpoint: {uncounted} records of them are not counted, and repeated clicks of the others can't be told from new ones.";
        if (!_settings.SkipLostClicks)
        {
            throw new LogMismatchException(
                $"{loss} Restore the log, or accept the loss: set AdClick:SkipLostClicks to true, start, and set it back when the partition counts.");
        }

        _log.Error("{0} The partition goes on from offset {1}, as AdClick:SkipLostClicks says.", loss, begin);
        PartitionMetrics.Lost.Add(uncounted);
        _checkpointOffset = begin;
    }

    private void StartReading()
    {
        var source = new PartitionSource(
            _context.Log, _partition, _checkpointOffset, _checkpointClockMs, _settings.MaxBatchRecords, _settings.BatchLinger);
        _reading = Source.FromGraph(source)
            .ViaMaterialized(KillSwitches.Single<PartitionBatch>(), Keep.Right)
            .Async() // the next batch is read and decoded while this one is counted
            .AddAttributes(Attributes.CreateInputBuffer(1, 1))
            .To(Sink.ActorRefWithAck<PartitionBatch>(
                Self, ReadingStarted.Instance, BatchTaken.Instance, new ReadingEnded(null), failure => new ReadingEnded(failure)))
            .Run(Context.Materializer(ActorMaterializerSettings.Create(Context.System).WithDispatcher(CountingDispatcher.Path)));
    }

    private void StopReading() => _reading?.Shutdown();

    private void OnReadingEnded(Exception? failure)
    {
        if (_isDraining)
        {
            return;
        }

        throw failure switch
        {
            ClickLogDamagedException damage => damage,
            null => new InvalidOperationException($"Partition {_partition}: the reading stream ended by itself."),
            _ => new InvalidOperationException($"Partition {_partition}: reading failed: {failure.Message}", failure),
        };
    }

    private sealed class ReadingStarted : Akka.Actor.INoSerializationVerificationNeeded
    {
        public static readonly ReadingStarted Instance = new();
    }

    private sealed class BatchTaken : Akka.Actor.INoSerializationVerificationNeeded
    {
        public static readonly BatchTaken Instance = new();
    }

    private sealed record ReadingEnded(Exception? Failure) : Akka.Actor.INoSerializationVerificationNeeded;
}
