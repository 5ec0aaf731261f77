using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using Akka.Actor;

namespace AdClick.Actors.Ads;

/// <summary>
/// Counts the clicks of one ad key, in memory. A child of its partition, which feeds it in offset order and writes down what it hands over; if it
/// fails, the whole partition starts again from its checkpoint.
/// </summary>
internal sealed class AdActor : UntypedActor
{
    private readonly int _slot;
    private readonly AdState _state;

    private AdActor(int slot, AdState state)
    {
        _slot = slot;
        _state = state;
    }

    /// <summary>An actor for the ad.</summary>
    /// <param name="slot">The partition's number for the ad; comes back in every answer.</param>
    /// <param name="state">State as of the clicks before the first batch.</param>
    public static Props Props(int slot, AdState state) => Akka.Actor.Props.CreateBy(new Producer(slot, state));

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case AdCommands.CountClicks batch:
                Context.Parent.Tell(Count(batch), Self);
                break;
            case AdCommands.HandOver barrier:
                Context.Parent.Tell(HandOver(barrier), Self);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private AdEvents.Counted Count(AdCommands.CountClicks batch)
    {
        Span<int> outcomes = stackalloc int[ClickOutcomes.Count];
        List<LateClick>? late = null;
        foreach (ref readonly var click in batch.Clicks.AsSpan(batch.Start, batch.Count))
        {
            var outcome = _state.Apply(click, batch.Terms, out var isLate);
            outcomes[(int)outcome]++;
            if (isLate)
            {
                var minute = MinuteCounts.MinuteOf(click.EffectiveTimeMs);
                (late ??= []).Add(new LateClick(
                    click.Offset, _state.Key.AdId, _state.Key.SubShard, minute, outcome, click.Impression, click.ClickTimeMs));
            }
        }

        AdMetrics.Count(outcomes);
        return new AdEvents.Counted(_slot, batch.Batch, _state.TakeTouchedCounts(), late, _state.Size);
    }

    private AdEvents.HandedOver HandOver(AdCommands.HandOver barrier)
    {
        var deltas = _state.HandOver(barrier.Terms, barrier.ClockMs, barrier.CheckpointClockMs, out var deltaAliveUntilMs);
        var whole = barrier.WholeState ? _state.CopyAll(barrier.Terms, barrier.ClockMs) : null;
        return new AdEvents.HandedOver(_slot, deltas, whole, deltaAliveUntilMs, _state.Size);
    }

    // A hundred thousand ads may start at once: made by a call, where an expression would be compiled for each.
    private sealed class Producer(int slot, AdState state) : IIndirectActorProducer
    {
        public Type ActorType => typeof(AdActor);

        public ActorBase Produce() => new AdActor(slot, state);

        public void Release(ActorBase actor)
        {
        }
    }
}
