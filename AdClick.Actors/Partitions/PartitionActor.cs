using AdClick.Actors.Ads;
using AdClick.Actors.ClickLog;
using AdClick.Actors.Metrics;
using Akka.Actor;
using Akka.Event;
using Akka.Persistence;

namespace AdClick.Actors.Partitions;

/// <summary>
/// Counts one partition: reads the log, feeds its ads, flushes their counts to the metrics store and writes checkpoints. It is the only writer of the
/// partition, and proves that by its owner epoch at every flush. Whatever goes wrong makes it stop; its <see cref="PartitionEntity"/> starts it again
/// from the checkpoint, and the replay counts the same (I4).
/// </summary>
/// <remarks>
/// The file parts follow the way of a click: Recovery (where reading begins), Batches (log → ads → counts), Flushes (counts → store),
/// Checkpoints (state → journal); Orders is what operators want.
/// </remarks>
internal sealed partial class PartitionActor : UntypedPersistentActor, IWithTimers
{
    private readonly PartitionContext _context;
    private readonly PartitionSettings _settings;
    private readonly PartitionProgress _acquired;
    private readonly LogRange _range;
    private readonly int _partition;
    private readonly AdTable _ads;
    private readonly PendingCounts _pending = new();
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private bool _isDraining;

    /// <summary>Made by <see cref="Props"/>.</summary>
    public PartitionActor(PartitionContext context, PartitionProgress acquired, LogRange range)
    {
        _context = context;
        _settings = context.Settings;
        _acquired = acquired;
        _range = range;
        _partition = acquired.Partition;
        _flushedOffset = acquired.FlushedOffset;
        _purgeBelow = acquired.PurgeBelow;
        _ads = new AdTable(Context);
        _recovering = new SavedPartition(acquired.Partition);
        PersistenceId = PersistenceIdOf(acquired.LogEpoch, acquired.Partition);
    }

    /// <summary>What its timers say; a test may say it too.</summary>
    internal enum Tick
    {
        /// <summary>Write the counts to the metrics store.</summary>
        Flush,

        /// <summary>Write a checkpoint.</summary>
        Checkpoint,
    }

    /// <inheritdoc/>
    public override string PersistenceId { get; }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>The actor of a partition that was just acquired.</summary>
    /// <param name="context">What the partitions of the node share.</param>
    /// <param name="acquired">The progress row as <see cref="IMetricsStore.AcquireAsync"/> gave it.</param>
    /// <param name="range">What the log held after that: all that an earlier owner can have counted lies within.</param>
    public static Props Props(PartitionContext context, PartitionProgress acquired, LogRange range) =>
        Akka.Actor.Props.Create(() => new PartitionActor(context, acquired, range)).WithDispatcher(CountingDispatcher.Path);

    /// <summary>Names a partition of one log in the journal.</summary>
    public static string PersistenceIdOf(Guid logEpoch, int partition) => $"partition-{logEpoch:N}-{partition}";

    /// <inheritdoc/>
    protected override SupervisorStrategy SupervisorStrategy() =>
        new OneForOneStrategy(_ => Directive.Escalate); // an ad that fails takes the partition along: its state may be half a batch ahead

    /// <inheritdoc/>
    protected override void OnCommand(object message)
    {
        switch (message)
        {
            case AdEvents.Counted counted:
                OnCounted(counted);
                break;
            case PartitionBatch batch:
                OnBatch(batch);
                break;
            case AdEvents.HandedOver handedOver:
                OnHandedOver(handedOver);
                break;
            case Tick.Flush:
                OnFlushTick();
                break;
            case Tick.Checkpoint:
                StartCheckpoint();
                break;
            case FlushEnded ended:
                OnFlushEnded(ended);
                break;
            case RetryFlush:
                WriteFlush();
                break;
            case ReadingStarted:
                _waitingReader = Sender;
                ReadOn();
                break;
            case ReadingEnded ended:
                OnReadingEnded(ended.Failure);
                break;
            case SaveSnapshotSuccess saved:
                OnSnapshotSaved(saved.Metadata.SequenceNr);
                break;
            case SaveSnapshotFailure failed:
                _log.Warning(failed.Cause, "Partition {0}: the snapshot was not written; the deltas before it are kept.", _partition);
                break;
            case DeleteSnapshotsSuccess:
                break;
            case DeleteSnapshotsFailure failed:
                _log.Warning(failed.Cause, "Partition {0}: older snapshots were not deleted; the next one will try again.", _partition);
                break;
            case PartitionCommands.HandOff:
                OnHandOff();
                break;
            case PartitionOrder order:
                OnOrder(order);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        if (_recovering is null)
        {
            PostStatus(); // how far it came, for the entity to judge a failure by
        }
    }

    /// <inheritdoc/>
    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr) =>
        Context.Parent.Tell(new PartitionEntity.DependencyFailed("the journal could not be written", cause));

    /// <inheritdoc/>
    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr) =>
        throw new InvalidOperationException($"Partition {_partition}: the journal refused an event.", cause);

    /// <inheritdoc/>
    protected override void OnRecoveryFailure(Exception reason, object? message = null) =>
        Context.Parent.Tell(new PartitionEntity.DependencyFailed("the journal could not be read", reason));

    // Sharding wants the partition elsewhere, or the node is going down: nothing more is read, what was read is finished.
    private void OnHandOff()
    {
        if (_isDraining)
        {
            return;
        }

        _isDraining = true;
        _log.Info("Partition {0}: handing off at offset {1}.", _partition, _routedOffset);
        StopReading();
        FinishWhenDrained();
    }

    private void FinishWhenDrained()
    {
        if (!_isDraining || _inFlight.Count > 0 || _checkpoint is not null)
        {
            return;
        }

        if (_checkpointOffset < _routedOffset)
        {
            StartCheckpoint();
            return;
        }

        Context.Stop(Self);
    }

    private void PostStatus() => _context.Board.Post(new PartitionStatus
    {
        Partition = _partition,
        Phase = PartitionPhase.Running,
        Reason = _storeFault,
        OwnerEpoch = _acquired.OwnerEpoch,
        NextOffset = _countedOffset,
        FlushedOffset = _flushedOffset,
        CheckpointOffset = _checkpointOffset,
        CheckpointAt = _checkpointAt,
        ClockMs = _countedClockMs,
        Ads = _ads.Count,
        Impressions = _ads.Impressions,
    });
}
