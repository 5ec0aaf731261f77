using System.Runtime.Serialization;
using AdClick.Actors.ClickLog;
using AdClick.Actors.Metrics;
using Akka.Actor;
using Akka.Event;
using Google.Protobuf;

namespace AdClick.Actors.Partitions;

/// <summary>
/// The sharded entity of a partition: takes ownership, starts the <see cref="PartitionActor"/>, and starts it again with back-off when it fails. A
/// partition that fails three times at one offset, or whose data don't fit together, is paused and reported: another try would not help. So is one that an operator
/// has paused.
/// </summary>
internal sealed partial class PartitionEntity : UntypedActor, IWithTimers
{
    private const int MaxFailuresAtOneOffset = 3;

    private readonly PartitionContext _context;
    private readonly int _partition;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private IActorRef? _actor;
    private IDisposable? _archiving;
    private Exception? _failure;
    private bool _isDependencyFailure;
    private long _acquiringSince;
    private int _attempts;
    private int _failuresAtOffset;
    private long _failedOffset = -1;
    private bool _isHandingOff;

    /// <summary>Made by <see cref="Props"/>.</summary>
    public PartitionEntity(PartitionContext context, int partition)
    {
        _context = context;
        _partition = partition;
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>The entity of a partition.</summary>
    public static Props Props(PartitionContext context, int partition) =>
        Akka.Actor.Props.Create(() => new PartitionEntity(context, partition)).WithDispatcher(CountingDispatcher.Path);

    /// <inheritdoc/>
    protected override void PreStart() => Acquire();

    /// <inheritdoc/>
    protected override void PostStop()
    {
        StopArchiving();
        _context.Board.Remove(_partition);
    }

    /// <inheritdoc/>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(failure =>
    {
        _failure = failure;
        return Directive.Stop;
    });

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case PartitionCommands.WakeUp:
                break; // it has done its work by making sharding start this entity
            case PartitionOrder order:
                OnOrder(order);
                break;
            case PauseWritten written:
                OnPauseWritten(written);
                break;
            case Acquired acquired:
                Start(acquired);
                break;
            case DependencyFailed failed:
                _failure = failed.Cause;
                _isDependencyFailure = failed.Cause is not (InvalidProtocolBufferException or SerializationException); // those are in the data
                _log.Warning("Partition {0}: {1}: {2}", _partition, failed.What, failed.Cause.Message);
                break;
            case Status.Failure failure:
                _isAcquiring = false;
                _failure = failure.Cause;
                _isDependencyFailure = failure.Cause is MetricsStoreUnavailableException or ClickLogUnavailableException;
                BackOffOrPause();
                break;
            case Terminated:
                _actor = null;
                OnStopped();
                break;
            case LookForEnd:
                LookForTheEnd();
                break;
            case TryAgain:
                Acquire();
                break;
            case HandOffTimedOut when !_isHandingOff:
                StopAbruptly();
                break;
            case HandOffTimedOut:
                _log.Warning("Partition {0}: not drained within {1}; whoever takes it over counts on from the checkpoint before.",
                    _partition, _context.Settings.HandOffTimeout);
                Context.Stop(Self);
                break;
            case PartitionCommands.HandOff:
                OnHandOff();
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Acquire()
    {
        _isAcquiring = true;
        Post(PartitionPhase.Starting, _failure?.Message);
        _acquiringSince = _context.Time.GetTimestamp();
        AcquireAsync().PipeTo(Self);
    }

    // The range is asked for after the owner before us was shut out, so that it holds all that was counted.
    private async Task<Acquired> AcquireAsync()
    {
        var progress = await _context.Store.AcquireAsync(_context.Log.Identity, _partition, CancellationToken.None).ConfigureAwait(false);
        if (progress.PausedBy is not null)
        {
            return new Acquired(progress, default);
        }

        var range = await _context.Log.FindRangeAsync(_partition, CancellationToken.None).ConfigureAwait(false);
        if (_context.Archive is { } archive)
        {
            await archive.PrepareAsync(progress, range, CancellationToken.None).ConfigureAwait(false);
        }

        return new Acquired(progress, range);
    }

    private void Start(Acquired acquired)
    {
        _isAcquiring = false;
        if (_isHandingOff)
        {
            return;
        }

        _pausedBy ??= acquired.Progress.PausedBy; // one who paused it meanwhile wrote that behind what was read here
        if (_pausedBy is not null)
        {
            OnPaused();
            return;
        }

        _failure = null;
        _isDependencyFailure = false;
        _log.Info(
            "Partition {0}: taken over with owner epoch {1} within {2:F0} ms; it loads its checkpoint.",
            _partition, acquired.Progress.OwnerEpoch, _context.Time.GetElapsedTime(_acquiringSince).TotalMilliseconds);
        _actor = Context.ActorOf(PartitionActor.Props(_context, acquired.Progress, acquired.Range), $"epoch-{acquired.Progress.OwnerEpoch}");
        Context.Watch(_actor);
        _archiving = _context.Archive?.Start(acquired.Progress);
    }

    private void StopArchiving()
    {
        _archiving?.Dispose();
        _archiving = null;
    }

    private void OnStopped()
    {
        StopArchiving();
        if (_isHandingOff)
        {
            Context.Stop(Self);
            return;
        }

        BackOffOrPause();
    }

    private void BackOffOrPause()
    {
        if (_pausedBy is not null)
        {
            OnPaused();
            return;
        }

        PartitionMetrics.Failures.Add(1);
        var offset = _context.Board.Snapshot().FirstOrDefault(status => status.Partition == _partition)?.NextOffset ?? 0;
        if (offset > _failedOffset)
        {
            // It got further than ever before: whatever it failed at then, it has passed. Batches differ from try to try, so a failure at one record
            // shows at this offset or a little before it.
            _failedOffset = offset;
            _failuresAtOffset = 0;
            _attempts = 0;
        }

        // What is away comes back; what is wrong stays wrong.
        _failuresAtOffset += _isDependencyFailure || _failure is StaleOwnerException ? 0 : 1;
        if (_failuresAtOffset >= MaxFailuresAtOneOffset || _failure is LogMismatchException or ClickLogDamagedException)
        {
            _log.Error(_failure, "Partition {0} is paused at offset {1} and needs a person: {2}", _partition, offset, _failure?.Message);
            _isPaused = true;
            Timers.StartPeriodicTimer(LookForEnd.Instance, LookForEnd.Instance, LookForEndEvery);
            Post(PartitionPhase.Paused, _failure?.Message ?? "It stopped without saying why.");
            return;
        }

        var pause = _context.Settings.MinBackOff * Math.Pow(2, Math.Min(_attempts++, 10)) * (0.75 + (Random.Shared.NextDouble() / 2));
        pause = _failure is StaleOwnerException ? _context.Settings.StaleOwnerPause
            : pause < _context.Settings.MaxBackOff ? pause : _context.Settings.MaxBackOff;

        // What is away is told in a line at each try, for hours perhaps; what is wrong with its stack.
        _log.Warning(_isDependencyFailure ? null : _failure, "Partition {0} stopped at offset {1} and starts again from its checkpoint in {2}: {3}",
            _partition, offset, pause, _failure?.Message);
        Post(PartitionPhase.BackingOff, _failure?.Message);
        Timers.StartSingleTimer(TryAgain.Instance, TryAgain.Instance, pause);
    }

    private void OnHandOff()
    {
        _isHandingOff = true;
        AnswerThatItMoves();
        StopArchiving();
        Timers.CancelAll();
        if (_actor is null)
        {
            Context.Stop(Self);
        }
        else
        {
            _actor.Tell(PartitionCommands.HandOff.Instance);
            Timers.StartSingleTimer(HandOffTimedOut.Instance, HandOffTimedOut.Instance, _context.Settings.HandOffTimeout);
        }
    }

    private void Post(PartitionPhase phase, string? reason)
    {
        var last = _context.Board.Snapshot().FirstOrDefault(status => status.Partition == _partition);
        _context.Board.Post((last ?? new PartitionStatus { Partition = _partition, Phase = phase }) with { Phase = phase, Reason = reason, PausedBy = _pausedBy });
    }

    /// <summary>Said by the partition before it stops because something that it depends on failed.</summary>
    /// <param name="What">What failed.</param>
    /// <param name="Cause">How.</param>
    internal sealed record DependencyFailed(string What, Exception Cause) : INoSerializationVerificationNeeded;

    private sealed record Acquired(PartitionProgress Progress, LogRange Range) : INoSerializationVerificationNeeded;

    private sealed class HandOffTimedOut : INoSerializationVerificationNeeded
    {
        public static readonly HandOffTimedOut Instance = new();
    }

    private sealed class LookForEnd : INoSerializationVerificationNeeded
    {
        public static readonly LookForEnd Instance = new();
    }

    private sealed class TryAgain : INoSerializationVerificationNeeded
    {
        public static readonly TryAgain Instance = new();
    }
}
