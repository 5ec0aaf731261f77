using AdClick.Actors.ClickLog;
using Akka.Actor;

namespace AdClick.Actors.Partitions.Repartitioning;

/// <summary>The saved state of partitions that nobody runs, in journal and snapshots.</summary>
internal static class PartitionJournal
{
    /// <summary>Reads what is saved of a partition.</summary>
    /// <exception cref="RepartitioningRefusedException">It can't be read.</exception>
    public static async Task<SavedPartition> ReadAsync(ActorSystem system, LogIdentity log, int partition, CancellationToken cancellationToken)
    {
        var read = new TaskCompletionSource<SavedPartition>(TaskCreationOptions.RunContinuationsAsynchronously);
        var reader = system.ActorOf(Props.Create(() => new SavedPartitionReader(log.Epoch, partition, read)));
        try
        {
            return await read.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new RepartitioningRefusedException($"The saved state of partition {partition} can't be read: {e.Message}", e);
        }
        finally
        {
            system.Stop(reader);
        }
    }

    /// <summary>Writes what a partition is to begin with, in place of what an earlier attempt may have left.</summary>
    /// <param name="system">Actor system with the journal.</param>
    /// <param name="log">Log of the partition.</param>
    /// <param name="partition">Partition.</param>
    /// <param name="writes">Events, each list one atomic write.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RepartitioningRefusedException">It can't be written.</exception>
    public static async Task WriteAsync(
        ActorSystem system,
        LogIdentity log,
        int partition,
        IEnumerable<IReadOnlyList<IPartitionMessage>> writes,
        CancellationToken cancellationToken)
    {
        var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var writer = system.ActorOf(Props.Create(() => new CheckpointWriter(log.Epoch, partition, writes, written)));
        try
        {
            await written.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new RepartitioningRefusedException($"The state of new partition {partition} can't be written to the journal: {e.Message}", e);
        }
        finally
        {
            system.Stop(writer);
        }
    }
}
