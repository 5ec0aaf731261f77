using AdClick.Actors.Ads;
using AdClick.Actors.Clicks;
using Akka.Actor;

namespace AdClick.Actors.Partitions;

/// <summary>What a partition keeps beside each of its ad actors.</summary>
internal sealed class AdSlot(int index, AdKey key, IActorRef actor)
{
    /// <summary>The ad's number in its partition; comes back in its answers.</summary>
    public int Index { get; } = index;

    /// <summary>Ad key.</summary>
    public AdKey Key { get; } = key;

    /// <summary>The ad actor.</summary>
    public IActorRef Actor { get; } = actor;

    /// <summary>Whether it was given clicks since it last handed over.</summary>
    public bool IsDirty { get; set; }

    /// <summary>Batches that it has not answered yet.</summary>
    public int BatchesInFlight { get; set; }

    /// <summary>What it holds, by its last answer.</summary>
    public AdSize Size { get; set; }

    /// <summary>Counts for the next flush.</summary>
    public List<MinuteCell> Pending { get; } = new(0);
}
