using AdClick.Actors.ClickLog;
using Akka.Actor;

namespace AdClick.Actors.Partitions.Repartitioning;

/// <summary>
/// Counts a log to its end, by the partitions that a node runs, and stops them as sharding does: each with a checkpoint where it stands.
/// </summary>
internal static class PartitionDrain
{
    /// <summary>Drains the log. When it ends, no partition runs any more, whatever the outcome.</summary>
    /// <param name="system">Actor system with the journal.</param>
    /// <param name="context">What the partitions share.</param>
    /// <param name="tell">Is told what holds it up.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>What the log held when it began, by partition: all of it is counted.</returns>
    /// <exception cref="RepartitioningRefusedException">A partition is paused.</exception>
    public static async Task<IReadOnlyList<LogRange>> RunAsync(
        ActorSystem system, PartitionContext context, Action<string> tell, CancellationToken cancellationToken)
    {
        var ranges = new LogRange[context.Log.Identity.Partitions];
        for (var partition = 0; partition < ranges.Length; partition++)
        {
            ranges[partition] = await context.Log.FindRangeAsync(partition, cancellationToken).ConfigureAwait(false);
        }

        IActorRef[] entities = [.. ranges.Select((_, partition) => system.ActorOf(PartitionEntity.Props(context, partition)))];
        var stopped = Task.WhenAll(entities.Select(entity => entity.WatchAsync(CancellationToken.None)));
        try
        {
            await WaitUntilCountedAsync(context.Board, ranges, tell, cancellationToken).ConfigureAwait(false);
            if (context.Archive is { } archive)
            {
                await archive.DrainAsync(ranges, tell, cancellationToken).ConfigureAwait(false); // nobody will read this log again
            }

            foreach (var entity in entities)
            {
                entity.Tell(PartitionCommands.HandOff.Instance);
            }

            await stopped.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            foreach (var entity in entities)
            {
                system.Stop(entity);
            }

            await stopped.ConfigureAwait(false);
        }

        return ranges;
    }

    private static async Task WaitUntilCountedAsync(
        PartitionBoard board, LogRange[] ranges, Action<string> tell, CancellationToken cancellationToken)
    {
        var told = new HashSet<string>();
        while (true)
        {
            var change = board.NextChange;
            var statuses = board.Snapshot();
            foreach (var status in statuses.Where(status => status.Reason is not null))
            {
                if (status.Phase == PartitionPhase.Paused)
                {
                    throw new RepartitioningRefusedException($"Partition {status.Partition} can't be counted to its end: {status.Reason}");
                }

                var fault = $"Partition {status.Partition} waits: {status.Reason}";
                if (told.Add(fault))
                {
                    tell(fault);
                }
            }

            if (statuses.Count(status => status.Phase == PartitionPhase.Running && status.NextOffset >= ranges[status.Partition].End) == ranges.Length)
            {
                return;
            }

            await change.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
