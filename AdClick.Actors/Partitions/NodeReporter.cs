using Akka.Actor;
using Akka.Cluster;

namespace AdClick.Actors.Partitions;

/// <summary>Keeps the <see cref="ClusterBoard"/>: tells the other nodes each second what this one does, and notes what they say. A report that is lost costs a second.</summary>
internal sealed class NodeReporter : UntypedActor, IWithTimers
{
    /// <summary>Its name below <c>/user</c>, by which the others find it.</summary>
    public const string Name = "node-reporter";

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Cluster _cluster = Cluster.Get(Context.System);
    private readonly ClusterBoard _board;

    /// <summary>Made by <see cref="Props"/>.</summary>
    public NodeReporter(ClusterBoard board) => _board = board;

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>Keeps a board.</summary>
    public static Props Props(ClusterBoard board) => Akka.Actor.Props.Create(() => new NodeReporter(board));

    /// <inheritdoc/>
    protected override void PreStart()
    {
        _cluster.Subscribe(
            Self,
            ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents,
            typeof(ClusterEvent.IMemberEvent),
            typeof(ClusterEvent.IReachabilityEvent));
        Timers.StartPeriodicTimer("report", Tick.Instance, TimeSpan.Zero, Interval);
    }

    /// <inheritdoc/>
    protected override void PostStop() => _cluster.Unsubscribe(Self);

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case NodeReport report:
                _board.Note(NameOf(Sender.Path.Address), report);
                break;
            case ClusterEvent.MemberRemoved removed:
                _board.Forget(NameOf(removed.Member.Address));
                LookAround();
                break;
            case Tick:
                LookAround();
                Report();
                break;
            default:
                LookAround();
                break;
        }
    }

    private static string NameOf(Address address) => $"{address.Host}:{address.Port}";

    private void LookAround()
    {
        var state = _cluster.State;
        _board.SetNodes(
        [
            .. state.Members.Select(member => new ClusterNode(
                NameOf(member.Address),
                [.. member.Roles.Order(StringComparer.Ordinal)],
                member.Status.ToString().ToLowerInvariant(),
                !state.Unreachable.Contains(member),
                member.UniqueAddress.Equals(_cluster.SelfUniqueAddress))).OrderBy(node => node.Node, StringComparer.Ordinal),
        ]);
    }

    private void Report()
    {
        var report = _board.Report();
        foreach (var member in _cluster.State.Members)
        {
            if (!member.UniqueAddress.Equals(_cluster.SelfUniqueAddress))
            {
                Context.ActorSelection(new RootActorPath(member.Address) / "user" / Name).Tell(report, Self);
            }
        }
    }

    private sealed class Tick : INoSerializationVerificationNeeded
    {
        public static readonly Tick Instance = new();
    }
}
