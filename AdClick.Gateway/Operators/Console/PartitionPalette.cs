using AdClick.Actors.ClickLog;
using AdClick.Actors.Metrics;
using AdClick.Actors.Partitions;
using AdClick.Gateway.Hosting;

namespace AdClick.Gateway.Operators.Console;

/// <summary>What can be done to partitions.</summary>
internal sealed class PartitionPalette : IOperatorPalette
{
    private readonly PartitionOrders _orders;
    private readonly ClusterBoard _board;
    private readonly IMetricsStore _store;
    private readonly IJournalPurge _purge;
    private readonly IClickLog _log;

    /// <summary>The commands on this node.</summary>
    public PartitionPalette(PartitionOrders orders, ClusterBoard board, NodeStorage storage, IClickLog log)
    {
        _orders = orders;
        _board = board;
        _store = storage.Metrics;
        _purge = storage.JournalPurge;
        _log = log;
        var partition = PartitionOrders.Argument;
        Commands =
        [
            new("clicks", "checkpoint", "Has partitions write a checkpoint now, and waits until it stands: partition | where. A restart reads on from there.", Checkpoint)
            {
                Arguments = [partition with { Description = $"{partition.Description} By default all." }],
            },
            new("clicks", "pause", "Has a partition checkpoint and stop counting, until 'clicks resume': also when it moves to another node, and when all nodes are started again.", Pause)
            {
                Arguments = [partition with { IsRequired = true }],
                Confirmation = "The partition's clicks are still taken, but not counted; completeThrough stands still for every ad until it is resumed, and the log must keep the clicks that long.",
            },
            new("clicks", "resume",
                "Has a paused partition count on from its checkpoint, whether an operator had paused it or it paused by itself. Everything is checked as at a start, so what was wrong and still is pauses it again.",
                Resume)
            {
                Arguments = [partition with { Description = $"{partition.Description} By default all that are paused." }],
            },
            new("clicks", "purge", "Deletes the rows of the journal that no recovery needs any more, which each node does twice a minute for its own partitions: rows deleted.", PurgeAsync)
            {
                Confirmation = "Rows of the journal are deleted for good: those that newer checkpoints cover.",
            },
        ];
    }

    /// <inheritdoc/>
    public IReadOnlyList<OperatorCommand> Commands { get; }

    private IAsyncEnumerable<OperatorLine> Checkpoint(OperatorCall call) =>
        _orders.RunAsync(Asked(call) ?? [.. Enumerable.Range(0, _board.PartitionCount)], number => new PartitionOrder { Partition = number, Checkpoint = true }, call.Cancelled);

    private IAsyncEnumerable<OperatorLine> Pause(OperatorCall call) =>
        _orders.RunAsync(Asked(call)!, number => new PartitionOrder { Partition = number, Pause = call.By }, call.Cancelled);

    private IAsyncEnumerable<OperatorLine> Resume(OperatorCall call)
    {
        var paused = Asked(call) ?? [.. _board.Partitions().Where(partition => partition.Value.Status.Phase == PartitionPhase.Paused).Select(partition => partition.Key)];
        return paused.Length == 0
            ? OperatorLines.Say("No partition is paused.")
            : _orders.RunAsync(paused, number => new PartitionOrder { Partition = number, Resume = call.By }, call.Cancelled);
    }

    private async IAsyncEnumerable<OperatorLine> PurgeAsync(OperatorCall call)
    {
        int deleted;
        try
        {
            deleted = await _purge.PurgeAsync(await _store.ReadProgressAsync(_log.Identity.Epoch, call.Cancelled), call.Cancelled);
        }
        catch (MetricsStoreUnavailableException e)
        {
            throw new OperatorCommandException($"The database does not answer: {e.Message}");
        }

        yield return OperatorLine.Of(("rows", OperatorLine.Number(deleted)));
    }

    private int[]? Asked(OperatorCall call) => _orders.Find(call) is { } number ? [number] : null;
}
