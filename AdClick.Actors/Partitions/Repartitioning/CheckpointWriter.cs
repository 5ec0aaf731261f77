using Akka.Persistence;

namespace AdClick.Actors.Partitions.Repartitioning;

/// <summary>Writes the state that a partition is to begin with, in place of what an earlier attempt may have left.</summary>
internal sealed class CheckpointWriter : UntypedPersistentActor
{
    private readonly IEnumerator<IReadOnlyList<IPartitionMessage>> _writes;
    private readonly TaskCompletionSource _written;

    /// <summary>Made by <see cref="PartitionJournal"/>.</summary>
    public CheckpointWriter(Guid logEpoch, int partition, IEnumerable<IReadOnlyList<IPartitionMessage>> writes, TaskCompletionSource written)
    {
        PersistenceId = PartitionActor.PersistenceIdOf(logEpoch, partition);
        _writes = writes.GetEnumerator();
        _written = written;
    }

    /// <inheritdoc/>
    public override string PersistenceId { get; }

    /// <inheritdoc/>
    public override Recovery Recovery => Recovery.None; // the last sequence number is all that matters

    /// <inheritdoc/>
    protected override void OnRecover(object message)
    {
        if (message is not RecoveryCompleted)
        {
            return;
        }

        if (LastSequenceNr > 0)
        {
            // Deltas of an attempt before would be loaded under these: what died in between would come back.
            DeleteMessages(LastSequenceNr);
        }
        else
        {
            Write();
        }
    }

    /// <inheritdoc/>
    protected override void OnCommand(object message)
    {
        switch (message)
        {
            case DeleteMessagesSuccess:
                Write();
                break;
            case DeleteMessagesFailure failed:
                _written.TrySetException(failed.Cause);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    /// <inheritdoc/>
    protected override void OnRecoveryFailure(Exception reason, object? message = null) => _written.TrySetException(reason);

    /// <inheritdoc/>
    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr) => _written.TrySetException(cause);

    /// <inheritdoc/>
    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr) => _written.TrySetException(cause);

    /// <inheritdoc/>
    protected override void PostStop() => _written.TrySetException(new InvalidOperationException("Writing was stopped."));

    // One after the other, each an atomic write, so that only one of them is in memory.
    private void Write()
    {
        if (!_writes.MoveNext())
        {
            _written.TrySetResult();
            return;
        }

        var events = _writes.Current;
        PersistAll(events, persisted =>
        {
            if (ReferenceEquals(persisted, events[^1]))
            {
                Write();
            }
        });
    }
}
