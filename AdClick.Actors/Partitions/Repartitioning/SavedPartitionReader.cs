using Akka.Persistence;

namespace AdClick.Actors.Partitions.Repartitioning;

/// <summary>Reads what journal and snapshots hold of a partition, as its own recovery does, and leaves it at that.</summary>
internal sealed class SavedPartitionReader : UntypedPersistentActor
{
    private readonly SavedPartition _saved;
    private readonly TaskCompletionSource<SavedPartition> _read;

    /// <summary>Made by <see cref="PartitionJournal"/>.</summary>
    public SavedPartitionReader(Guid logEpoch, int partition, TaskCompletionSource<SavedPartition> read)
    {
        PersistenceId = PartitionActor.PersistenceIdOf(logEpoch, partition);
        _saved = new SavedPartition(partition);
        _read = read;
    }

    /// <inheritdoc/>
    public override string PersistenceId { get; }

    /// <inheritdoc/>
    protected override void OnRecover(object message)
    {
        if (message is not RecoveryCompleted)
        {
            _saved.Take(message, LastSequenceNr);
            return;
        }

        try
        {
            _saved.Complete();
            _read.TrySetResult(_saved);
        }
        catch (Exception e)
        {
            _read.TrySetException(e);
        }
    }

    /// <inheritdoc/>
    protected override void OnCommand(object message) => Unhandled(message);

    /// <inheritdoc/>
    protected override void OnRecoveryFailure(Exception reason, object? message = null) => _read.TrySetException(reason);

    /// <inheritdoc/>
    protected override void PostStop() => _read.TrySetException(new InvalidOperationException("Reading was stopped."));
}
