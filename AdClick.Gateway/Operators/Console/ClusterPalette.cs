using System.Threading.Channels;
using Akka.Actor;
using Akka.Cluster;
using Cluster = Akka.Cluster.Cluster;

namespace AdClick.Gateway.Operators.Console;

/// <summary>The cluster's members.</summary>
internal sealed class ClusterPalette : IOperatorPalette
{
    private const string AddressHelp = "A node: host:port, as 'cluster show' prints it";

    private readonly ActorSystem _system;

    /// <summary>The commands on this node.</summary>
    public ClusterPalette(ActorSystem system)
    {
        _system = system;
        var address = new OperatorArgument("address", "-a", $"{AddressHelp}.") { IsRequired = true };
        Commands =
        [
            new("cluster", "show", "The members: address | roles | status | reachable or unreachable | leader, where it is.", Show),
            new("cluster", "join", "Has this node join the cluster of another, if it is in none yet.", Join) { Arguments = [address] },
            new("cluster", "leave", "Has a node hand over its partitions, leave the cluster and end.", Leave)
            {
                Arguments = [address with { IsRequired = false, Description = $"{AddressHelp}; by default the node that is asked." }],
                Confirmation = "The node leaves the cluster and its process ends, after it has handed over its partitions.",
            },
            new("cluster", "down", "Declares a node dead, without asking it: others take its partitions over.", Down)
            {
                Arguments = [address],
                Confirmation = "The node is thrown out of the cluster; if it lives, its process ends. What it counts is taken over by the others from its last checkpoint.",
            },
            new("cluster", "down-unreachable", "Declares all nodes dead that do not answer.", DownUnreachable)
            {
                Confirmation = "Every unreachable node is thrown out of the cluster. If the cluster is cut in two, doing so on both sides makes two clusters.",
            },
            new("cluster", "tail", "What happens to the members, as it happens.", TailAsync) { IsLive = true },
        ];
    }

    /// <inheritdoc/>
    public IReadOnlyList<OperatorCommand> Commands { get; }

    private Cluster Cluster => Cluster.Get(_system);

    private IAsyncEnumerable<OperatorLine> Show(OperatorCall call)
    {
        var state = Cluster.State;
        return OperatorLines.All(Members(state).Select(member => OperatorLine.Of(
            ("address", Name(member.Address)),
            ("roles", string.Join(", ", member.Roles.Order(StringComparer.Ordinal))),
            ("status", Status(member)),
            ("reachability", state.Unreachable.Contains(member) ? "unreachable" : "reachable"),
            ("leader", member.Address.Equals(state.Leader) ? "leader" : ""))));
    }

    private IAsyncEnumerable<OperatorLine> Join(OperatorCall call)
    {
        if (!Cluster.State.Members.IsEmpty)
        {
            throw new OperatorCommandException("This node is in a cluster already. Have it leave, and start it with AdClick:Cluster:Seeds of the other.");
        }

        var seed = AddressOf(call["address"]);
        Cluster.Join(seed);
        return OperatorLines.Say($"Joining {Name(seed)}: 'cluster tail' shows when it is up.");
    }

    private IAsyncEnumerable<OperatorLine> Leave(OperatorCall call)
    {
        var member = call.Find("address") is { } address ? FindMember(address) : Cluster.SelfMember;
        Cluster.Leave(member.Address);
        return OperatorLines.Say($"{Name(member.Address)} is leaving.");
    }

    private IAsyncEnumerable<OperatorLine> Down(OperatorCall call)
    {
        var member = FindMember(call["address"]);
        Cluster.Down(member.Address);
        return OperatorLines.Say($"{Name(member.Address)} is down.");
    }

    private IAsyncEnumerable<OperatorLine> DownUnreachable(OperatorCall call)
    {
        var unreachable = Cluster.State.Unreachable;
        foreach (var member in unreachable)
        {
            Cluster.Down(member.Address);
        }

        return unreachable.IsEmpty
            ? OperatorLines.Say("All nodes are reachable.")
            : OperatorLines.All(unreachable.Select(member => OperatorLine.Of($"{Name(member.Address)} is down.")));
    }

    private async IAsyncEnumerable<OperatorLine> TailAsync(OperatorCall call)
    {
        var events = Channel.CreateBounded<ClusterEvent.IClusterDomainEvent>(1000);
        var relay = _system.ActorOf(Props.Create(() => new Relay(events.Writer)));
        try
        {
            await foreach (var happened in events.Reader.ReadAllAsync(call.Cancelled))
            {
                if (Describe(happened) is { } line)
                {
                    yield return line;
                }
            }
        }
        finally
        {
            relay.Tell(PoisonPill.Instance);
        }
    }

    private static OperatorLine? Describe(ClusterEvent.IClusterDomainEvent happened) => happened switch
    {
        ClusterEvent.IMemberEvent change => Line(change.Member, Status(change.Member)),
        ClusterEvent.UnreachableMember lost => Line(lost.Member, "unreachable"),
        ClusterEvent.ReachableMember found => Line(found.Member, "reachable"),
        ClusterEvent.LeaderChanged { Leader: { } leader } => OperatorLine.Of(("address", Name(leader)), ("event", "leader")),
        _ => null,
    };

    private static OperatorLine Line(Member member, string happened) => OperatorLine.Of(("address", Name(member.Address)), ("event", happened));

    private static IEnumerable<Member> Members(ClusterEvent.CurrentClusterState state) => state.Members.OrderBy(member => Name(member.Address), StringComparer.Ordinal);

    private static string Name(Address address) => $"{address.Host}:{address.Port}";

#pragma warning disable CA1308 // The words of Akka's console are in lower case.
    private static string Status(Member member) => member.Status.ToString().ToLowerInvariant();
#pragma warning restore CA1308

    private Member FindMember(string address) => Cluster.State.Members.FirstOrDefault(member => member.Address.Equals(AddressOf(address)))
        ?? throw new OperatorCommandException(
            $"There is no node {address} in the cluster, but {string.Join(", ", Members(Cluster.State).Select(member => Name(member.Address)))}.");

    private Address AddressOf(string text)
    {
        if (text.Contains("://", StringComparison.Ordinal) && ActorPath.TryParseAddress(text, out var address))
        {
            return address;
        }

        var colon = text.LastIndexOf(':');
        return colon > 0 && ushort.TryParse(text[(colon + 1)..], out var port)
            ? Cluster.SelfAddress.WithHost(text[..colon]).WithPort(port)
            : throw new OperatorCommandException($"'{text}' is no address: write host:port, as 'cluster show' does.");
    }

    private sealed class Relay : ReceiveActor
    {
        private readonly ChannelWriter<ClusterEvent.IClusterDomainEvent> _events;

        public Relay(ChannelWriter<ClusterEvent.IClusterDomainEvent> events)
        {
            _events = events;
            Receive<ClusterEvent.IClusterDomainEvent>(happened => _events.TryWrite(happened));
        }

        protected override void PreStart() => Cluster.Get(Context.System).Subscribe(
            Self, ClusterEvent.InitialStateAsEvents, typeof(ClusterEvent.IMemberEvent), typeof(ClusterEvent.IReachabilityEvent), typeof(ClusterEvent.LeaderChanged));

        protected override void PostStop()
        {
            Cluster.Get(Context.System).Unsubscribe(Self);
            _events.TryComplete();
        }
    }
}
