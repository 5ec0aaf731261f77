using Akka.Actor;
using Akka.Cluster;

namespace AdClick.Actors.Partitions;

/// <summary>
/// Wakes every partition now and then, because sharding starts an entity only when a message comes for it: after the start of a node, the death of
/// another, or a move.
/// </summary>
/// <remarks>
/// Every processor has one, and in each round each wakes only its part of the partitions, so that the messages don't grow with the number of nodes. The parts
/// go round: a node that is dead, frozen, leaving or in the dark about the others leaves no partition unwoken for longer than a few rounds.
/// </remarks>
internal sealed class PartitionWaker : UntypedActor, IWithTimers
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly Cluster _cluster = Cluster.Get(Context.System);
    private readonly IActorRef _region;
    private readonly int _partitions;
    private readonly string _role;
    private int _round;

    /// <summary>Made by <see cref="Props"/>.</summary>
    public PartitionWaker(IActorRef region, int partitions, string role)
    {
        _region = region;
        _partitions = partitions;
        _role = role;
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>Wakes all partitions through the region.</summary>
    /// <param name="region">Their shard region.</param>
    /// <param name="partitions">How many there are.</param>
    /// <param name="role">Role of the nodes that have a waker.</param>
    public static Props Props(IActorRef region, int partitions, string role) =>
        Akka.Actor.Props.Create(() => new PartitionWaker(region, partitions, role));

    /// <summary>Whether the node of this rank, of so many, wakes the partition in the round.</summary>
    internal static bool IsTurn(int partition, int round, int rank, int nodes) => (partition + round) % nodes == rank;

    /// <inheritdoc/>
    protected override void PreStart() => Timers.StartPeriodicTimer("wake", Wake.Instance, TimeSpan.Zero, Interval);

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        var state = _cluster.State;
        var nodes = state.Members.Where(member => member.Status == MemberStatus.Up && member.HasRole(_role) && !state.Unreachable.Contains(member))
            .Select(member => member.UniqueAddress).Order().ToList();
        var rank = nodes.IndexOf(_cluster.SelfUniqueAddress);
        _round = (_round + 1) % int.MaxValue;
        for (var partition = 0; rank >= 0 && partition < _partitions; partition++)
        {
            if (IsTurn(partition, _round, rank, nodes.Count))
            {
                _region.Tell(new PartitionCommands.WakeUp(partition));
            }
        }
    }

    private sealed class Wake : INoSerializationVerificationNeeded
    {
        public static readonly Wake Instance = new();
    }
}
