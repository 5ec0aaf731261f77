using AdClick.Actors.Ads;
using AdClick.Actors.Clicks;
using Akka.Actor;

namespace AdClick.Actors.Partitions;

/// <summary>The ad actors of a partition, by key and by number.</summary>
internal sealed class AdTable
{
    private readonly IActorContext _context;
    private readonly Dictionary<AdKey, AdSlot> _byKey = [];
    private readonly List<AdSlot?> _byIndex = [];
    private readonly Stack<int> _free = [];
    private long _started;

    /// <summary>An empty table whose actors will be children of this context.</summary>
    public AdTable(IActorContext context) => _context = context;

    /// <summary>Number of ad actors.</summary>
    public int Count => _byKey.Count;

    /// <summary>Impressions that all of them remember.</summary>
    public long Impressions { get; private set; }

    /// <summary>Bytes that a snapshot of all of them takes, about.</summary>
    public long SavedBytes { get; private set; }

    /// <summary>All of them.</summary>
    public IEnumerable<AdSlot> Slots => _byKey.Values;

    /// <summary>The slot with a number.</summary>
    public AdSlot this[int index] => _byIndex[index]!;

    /// <summary>The ad's slot, if it has an actor.</summary>
    public AdSlot? Find(AdKey key) => _byKey.GetValueOrDefault(key);

    /// <summary>The ad's slot; its actor is started if there is none.</summary>
    public AdSlot GetOrStart(AdKey key) => _byKey.TryGetValue(key, out var slot) ? slot : Start(new AdState(key));

    /// <summary>Starts an actor with a state from a checkpoint.</summary>
    public AdSlot Start(AdState state)
    {
        if (!_free.TryPop(out var index))
        {
            index = _byIndex.Count;
            _byIndex.Add(null);
        }

        // An ad that comes back while its former actor is still stopping finds the name taken.
        var name = $"{state.Key.AdId}:{state.Key.SubShard}";
        _started++;
        if (!_context.Child(name).IsNobody())
        {
            name = $"{name}+{_started}";
        }

        var slot = new AdSlot(index, state.Key, _context.ActorOf(AdActor.Props(index, state).WithDispatcher(CountingDispatcher.Path), name));
        Update(slot, state.Size);
        _byIndex[index] = slot;
        _byKey.Add(state.Key, slot);
        return slot;
    }

    /// <summary>Notes what an answer says of the ad.</summary>
    public void Update(AdSlot slot, AdSize size)
    {
        Impressions += size.Impressions - slot.Size.Impressions;
        SavedBytes += size.SavedBytes - slot.Size.SavedBytes;
        slot.Size = size;
    }

    /// <summary>Ends the actors that hold nothing any more, as of a completed checkpoint.</summary>
    public void StopEmpty(CountingTerms terms, long checkpointClockMs)
    {
        foreach (var slot in _byKey.Values)
        {
            if (!slot.IsDirty && slot.BatchesInFlight == 0 && slot.Pending.Count == 0
                && terms.HasPassed(slot.Size.AliveUntilMs, checkpointClockMs))
            {
                _context.Stop(slot.Actor);
                Update(slot, default);
                _byKey.Remove(slot.Key); // removing while enumerating is allowed in a Dictionary
                _byIndex[slot.Index] = null;
                _free.Push(slot.Index);
            }
        }
    }
}
