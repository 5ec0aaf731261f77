using AdClick.Actors.Ads;
using AdClick.Actors.Metrics;

namespace AdClick.Actors.Partitions;

/// <summary>
/// What waits for the next flush of a partition: newer absolute counts replace older ones, so that a slow store makes it grow with the
/// number of counters, not of clicks.
/// </summary>
internal sealed class PendingCounts
{
    private readonly List<AdSlot> _slots = [];
    private readonly List<LateClick> _late = [];
    private readonly List<RejectedRecord> _rejected = [];
    private int _cells;

    /// <summary>Rows that a flush would write now.</summary>
    public int Count => _cells + _late.Count + _rejected.Count;

    /// <summary>Notes the newest counts of an ad.</summary>
    public void Put(AdSlot slot, MinuteCell[] counts)
    {
        if (counts.Length == 0)
        {
            return;
        }

        if (slot.Pending.Count == 0)
        {
            _slots.Add(slot);
        }

        foreach (var cell in counts)
        {
            var index = slot.Pending.Count - 1;
            while (index >= 0 && slot.Pending[index].Key != cell.Key)
            {
                index--;
            }

            if (index >= 0)
            {
                slot.Pending[index] = cell;
            }
            else
            {
                slot.Pending.Add(cell);
                _cells++;
            }
        }
    }

    /// <summary>Notes clicks that were too late for their counters.</summary>
    public void Put(IEnumerable<LateClick> late) => _late.AddRange(late);

    /// <summary>Notes records that can't be counted.</summary>
    public void Put(IEnumerable<RejectedRecord> rejected) => _rejected.AddRange(rejected);

    /// <summary>Empties it into a flush.</summary>
    public PartitionFlush Take(PartitionProgress progress)
    {
        var counts = new List<MinuteCount>(_cells);
        foreach (var slot in _slots)
        {
            foreach (var cell in slot.Pending)
            {
                counts.Add(AdState.ToMinuteCount(slot.Key, cell));
            }

            slot.Pending.Clear();
        }

        var flush = new PartitionFlush { Progress = progress, Counts = counts, LateClicks = [.. _late], Rejected = [.. _rejected] };
        _slots.Clear();
        _late.Clear();
        _rejected.Clear();
        _cells = 0;
        return flush;
    }
}
