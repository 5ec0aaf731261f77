using AdClick.Actors.Metrics;
using Akka.Actor;
using Akka.Event;

namespace AdClick.Actors.Partitions;

internal sealed partial class PartitionActor
{
    private PartitionFlush? _flush; // under way; what comes meanwhile collects in _pending
    private long? _flushWritingSince; // null while the next attempt waits
    private int _flushAttempts;
    private long _flushedOffset;
    private string? _storeFault;

    private void OnFlushTick()
    {
        CheckAnswers();
        if (_flushWritingSince is { } since && IsOverdue(since))
        {
            throw new TimeoutException($"Partition {_partition}: the metrics store has not answered a flush for {_settings.AnswerTimeout}.");
        }

        StartFlush(evenIfEmpty: false);
        PostStatus();
    }

    private void StartFlush(bool evenIfEmpty)
    {
        if (_flush is not null || (!evenIfEmpty && _countedOffset <= _flushedOffset && _pending.Count == 0))
        {
            return;
        }

        _flush = _pending.Take(new PartitionProgress
        {
            LogEpoch = _acquired.LogEpoch,
            Partition = _partition,
            OwnerEpoch = _acquired.OwnerEpoch,
            FlushedOffset = _countedOffset,
            CheckpointOffset = _checkpointOffset,
            ClockMs = _countedClockMs,
            AllowedLatenessMs = _terms.AllowedLatenessMs,
            PurgeBelow = _purgeBelow,
            Marks = [.. _marks.Values],
        });
        _flushAttempts = 0;
        WriteFlush();
        ReadOn();
    }

    private void WriteFlush()
    {
        var flush = _flush!;
        var started = _context.Time.GetTimestamp();
        _flushWritingSince = started;
        _context.Store.FlushAsync(flush, CancellationToken.None).PipeTo(
            Self,
            success: () => new FlushEnded(flush, _context.Time.GetElapsedTime(started), null),
            failure: e => new FlushEnded(flush, _context.Time.GetElapsedTime(started), e));
    }

    private void OnFlushEnded(FlushEnded ended)
    {
        _flushWritingSince = null;
        switch (ended.Failure)
        {
            case null:
                break;
            case MetricsStoreUnavailableException:
                // The flush is absolute and fenced: writing it again changes nothing if it did get through.
                _storeFault = $"The metrics store can't be written: {ended.Failure.Message}";
                var pause = _settings.MinBackOff * Math.Pow(2, Math.Min(_flushAttempts++, 10)) * (0.75 + (Random.Shared.NextDouble() / 2));
                Timers.StartSingleTimer(RetryFlush.Instance, RetryFlush.Instance, pause < _settings.MaxBackOff ? pause : _settings.MaxBackOff);
                if (_flushAttempts == 1)
                {
                    _log.Warning("Partition {0}: {1} Trying again.", _partition, _storeFault);
                }

                PartitionMetrics.FlushRetries.Add(1);
                return;
            case StaleOwnerException stale:
                throw stale;
            default:
                throw new InvalidOperationException($"Partition {_partition}: a flush failed: {ended.Failure.Message}", ended.Failure);
        }

        if (_storeFault is not null)
        {
            _log.Info("Partition {0}: the metrics store is back.", _partition);
            _storeFault = null;
        }

        _flush = null;
        _flushedOffset = Math.Max(_flushedOffset, ended.Flush.Progress.FlushedOffset);
        PartitionMetrics.FlushDuration.Record(ended.Elapsed.TotalSeconds);
        PartitionMetrics.FlushRows.Record(ended.Flush.Counts.Count + ended.Flush.LateClicks.Count);
        ReadOn();
        PersistWhenFlushed();
    }

    private sealed record FlushEnded(PartitionFlush Flush, TimeSpan Elapsed, Exception? Failure) : INoSerializationVerificationNeeded;

    private sealed class RetryFlush : INoSerializationVerificationNeeded
    {
        public static readonly RetryFlush Instance = new();
    }
}
