using Akka.Actor;

namespace AdClick.Actors.Partitions;

/// <summary>
/// Wakes every partition now and then, because sharding starts an entity only when a message comes for it: after the start of a node, the death of
/// another, or a move.
/// </summary>
internal sealed class PartitionWaker : UntypedActor, IWithTimers
{
    // A partition that has lost its node waits at most this long once sharding has noticed.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly IActorRef _region;
    private readonly int _partitions;

    /// <summary>Made by <see cref="Props"/>.</summary>
    public PartitionWaker(IActorRef region, int partitions)
    {
        _region = region;
        _partitions = partitions;
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>Wakes all partitions through the region.</summary>
    public static Props Props(IActorRef region, int partitions) => Akka.Actor.Props.Create(() => new PartitionWaker(region, partitions));

    /// <inheritdoc/>
    protected override void PreStart() => Timers.StartPeriodicTimer("wake", Wake.Instance, TimeSpan.Zero, Interval);

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        for (var partition = 0; partition < _partitions; partition++)
        {
            _region.Tell(new PartitionCommands.WakeUp(partition));
        }
    }

    private sealed class Wake : INoSerializationVerificationNeeded
    {
        public static readonly Wake Instance = new();
    }
}
