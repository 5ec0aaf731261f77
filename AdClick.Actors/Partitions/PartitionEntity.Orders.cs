using System.Globalization;
using Akka.Actor;
using Akka.Event;

namespace AdClick.Actors.Partitions;

// What operators want of a partition. A pause stands in the progress row, so that it holds wherever the partition moves and whatever is started again; to be paused
// is to be stopped at a checkpoint, and to resume is to start as after a failure: everything is checked again.
internal sealed partial class PartitionEntity
{
    private static readonly TimeSpan LookForEndEvery = TimeSpan.FromSeconds(5);

    private readonly List<IActorRef> _awaitingPause = [];
    private string? _pausedBy; // by an operator; null when it paused by itself, too
    private bool _isPaused; // by itself
    private bool _isAcquiring;
    private bool _isWritingPause;

    private void OnOrder(PartitionOrder order)
    {
        if (_isHandingOff)
        {
            Answer(Sender, false, "It is moving to another node right now: ask again.");
            return;
        }

        switch (order.OrderCase)
        {
            case PartitionOrder.OrderOneofCase.Pause:
                Pause(order.Pause);
                break;
            case PartitionOrder.OrderOneofCase.Resume:
                Resume(order.Resume);
                break;
            default:
                if (_actor is null)
                {
                    Answer(Sender, false, $"It does not count now, so there is nothing to ask. {LastStatus()?.Reason}".TrimEnd());
                }
                else
                {
                    _actor.Forward(order);
                }

                break;
        }
    }

    private void Pause(string by)
    {
        if (_isWritingPause)
        {
            Answer(Sender, false, "Somebody else is pausing or resuming it right now: ask again.");
        }
        else if (_pausedBy is not null)
        {
            Answer(Sender, false, $"It is paused already, by operator {_pausedBy}.");
        }
        else
        {
            WritePause(string.Create(CultureInfo.InvariantCulture, $"{by}, {_context.Time.GetUtcNow():yyyy-MM-ddTHH:mm:ssZ}"), by);
        }
    }

    private void Resume(string by)
    {
        if (_isWritingPause || _awaitingPause.Count > 0)
        {
            Answer(Sender, false, "Somebody else is pausing or resuming it right now: ask again.");
        }
        else if (_pausedBy is not null)
        {
            WritePause(null, by);
        }
        else if (_isPaused)
        {
            StartAgain(Sender, by);
        }
        else
        {
            Answer(Sender, false, "It is not paused.");
        }
    }

    private void WritePause(string? pausedBy, string by)
    {
        var asker = Sender;
        _isWritingPause = true;
        _context.Store.SetPausedAsync(_context.Log.Identity.Epoch, _partition, pausedBy, CancellationToken.None).PipeTo(
            Self, Self, isThere => new PauseWritten(asker, pausedBy, by, isThere, null), e => new PauseWritten(asker, pausedBy, by, false, e));
    }

    private void OnPauseWritten(PauseWritten written)
    {
        _isWritingPause = false;
        if (written.Failure is not null || !written.IsThere)
        {
            Answer(written.Asker, false, written.Failure is null
                ? "No node has ever counted it, so there is nothing to pause."
                : $"Nothing was changed: {written.Failure.Message}");
        }
        else if (_isHandingOff)
        {
            Answer(written.Asker, true, "It is moving to another node, which goes by that."); // it reads the row when it takes over
        }
        else if (written.PausedBy is null)
        {
            _pausedBy = null;
            StartAgain(written.Asker, written.By);
        }
        else
        {
            _pausedBy = written.PausedBy;
            _awaitingPause.Add(written.Asker);
            StopToPause();
        }
    }

    private void StopToPause()
    {
        if (_actor is not null)
        {
            StopArchiving();
            _actor.Tell(PartitionCommands.HandOff.Instance);
            Timers.StartSingleTimer(HandOffTimedOut.Instance, HandOffTimedOut.Instance, _context.Settings.HandOffTimeout);
        }
        else if (!_isAcquiring)
        {
            OnPaused();
        }
    }

    // The store or the journal does not let it finish: what it has read since the checkpoint is read again when it counts on.
    private void StopAbruptly()
    {
        _log.Warning("Partition {0}: not drained within {1}; it is paused at the checkpoint before.", _partition, _context.Settings.HandOffTimeout);
        Context.Stop(_actor);
    }

    private void OnPaused()
    {
        Timers.CancelAll();
        Timers.StartPeriodicTimer(LookForEnd.Instance, LookForEnd.Instance, LookForEndEvery);
        _isPaused = false;
        _log.Warning("Partition {0} is paused by operator {1}. Its clicks are taken and not counted until somebody resumes it.", _partition, _pausedBy);
        Post(PartitionPhase.Paused, $"Paused by operator {_pausedBy}; 'pbm clicks resume -p {_partition}' has it count on.");
        foreach (var asker in _awaitingPause)
        {
            Answer(asker, true, string.Create(CultureInfo.InvariantCulture, $"It is paused at offset {LastStatus()?.NextOffset ?? 0}."));
        }

        _awaitingPause.Clear();
    }

    // Nobody reads a paused partition, so a log elsewhere tells this node nothing of its end by itself, and its lag would seem to stand still.
    private void LookForTheEnd() => _context.Log.FindRangeAsync(_partition, CancellationToken.None).AsTask().ContinueWith(
        looked => _ = looked.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);

    private void AnswerThatItMoves()
    {
        foreach (var asker in _awaitingPause)
        {
            Answer(asker, true, "It is moving to another node, which keeps it paused.");
        }

        _awaitingPause.Clear();
    }

    private void StartAgain(IActorRef asker, string by)
    {
        _log.Warning("Partition {0} is resumed by operator {1}.", _partition, by);
        _isPaused = false;
        _failure = null;
        _failuresAtOffset = 0;
        _attempts = 0;
        Timers.CancelAll();
        Answer(asker, true, "It starts at its checkpoint.");
        Acquire();
    }

    private void Answer(IActorRef asker, bool done, string text) =>
        asker.Tell(new PartitionAnswer { Partition = _partition, Done = done, Text = text }, Self);

    private PartitionStatus? LastStatus() => _context.Board.Snapshot().FirstOrDefault(status => status.Partition == _partition);

    private sealed record PauseWritten(IActorRef Asker, string? PausedBy, string By, bool IsThere, Exception? Failure) : INoSerializationVerificationNeeded;
}
