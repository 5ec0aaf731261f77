using System.Runtime.CompilerServices;
using AdClick.Actors.Hosting;
using AdClick.Actors.Partitions;
using Akka.Actor;
using Akka.Cluster.Sharding;

namespace AdClick.Gateway.Operators.Console;

/// <summary>Brings operators' orders to partitions, wherever they are.</summary>
internal sealed class PartitionOrders
{
    // A checkpoint of a large partition writes for seconds; a hand-off gives up before this.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ActorSystem _system;
    private readonly ClusterBoard _board;

    /// <summary>Orders from this node.</summary>
    public PartitionOrders(ActorSystem system, ClusterBoard board)
    {
        _system = system;
        _board = board;
    }

    /// <summary>The argument that names a partition.</summary>
    public static OperatorArgument Argument { get; } = new("partition", "-p", "The partition's number, as 'clicks partitions' shows it.");

    /// <summary>The partition that was asked for; null for all.</summary>
    /// <exception cref="OperatorCommandException">There is no such partition.</exception>
    public int? Find(OperatorCall call) =>
        call.Find(Argument.Name) is null ? null : call.Number(Argument.Name, 0, 0, _board.PartitionCount - 1);

    /// <summary>Asks a partition.</summary>
    /// <exception cref="OperatorCommandException">This node can't, or the partition does not answer.</exception>
    public async Task<PartitionAnswer> AskAsync(PartitionOrder order, CancellationToken cancelled)
    {
        var sharding = ClusterSharding.Get(_system);
        if (!sharding.ShardTypeNames.Contains(PartitionRegion.TypeName))
        {
            throw new OperatorCommandException($"This node reaches no partitions, since it has not the role {AdClickAkkaExtensions.ProcessorRole}. Ask one that has.");
        }

        try
        {
            return await sharding.ShardRegion(PartitionRegion.TypeName).Ask<PartitionAnswer>(order, Patience, cancelled);
        }
        catch (AskTimeoutException)
        {
            throw new OperatorCommandException(
                $"Partition {order.Partition} has not answered within {Patience.TotalSeconds:0} s; it may do so yet. Look at 'clicks partitions' for where it is and why it waits.");
        }
    }

    /// <summary>Asks partitions at once, and tells line by line what each says; fails at the end if one of them refused.</summary>
    /// <exception cref="OperatorCommandException">One of them did not do it.</exception>
    public async IAsyncEnumerable<OperatorLine> RunAsync(IReadOnlyList<int> partitions, Func<int, PartitionOrder> order, [EnumeratorCancellation] CancellationToken cancelled)
    {
        var failures = new List<string>();
        var asked = partitions.Select(partition => AskAsync(order(partition), cancelled)).ToList();
        foreach (var (partition, asking) in partitions.Zip(asked))
        {
            PartitionAnswer? answer = null;
            try
            {
                answer = await asking;
            }
            catch (OperatorCommandException e)
            {
                failures.Add(e.Message);
            }

            if (answer is { Done: true })
            {
                yield return OperatorLine.Of(("partition", OperatorLine.Number(partition)), ("message", answer.Text));
            }
            else if (answer is not null)
            {
                failures.Add($"Partition {partition}: {answer.Text}");
            }
        }

        if (failures.Count > 0)
        {
            throw new OperatorCommandException(string.Join(' ', failures.Distinct()));
        }
    }
}
