using System.Runtime.InteropServices;
using AdClick.Actors.Clicks;

namespace AdClick.Actors.Ads;

/// <summary>
/// One counter: clicks of one minute with one outcome. Eight bytes, because an ad keeps one for each minute of the allowed lateness.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
public readonly record struct MinuteCell
{
    private const uint OutcomeBits = 3;
    private const uint OutcomeMask = (1 << (int)OutcomeBits) - 1;

    /// <summary>A counter.</summary>
    /// <param name="minute">Minutes since 1970-01-01T00:00Z, below 2^27 (year 2225).</param>
    /// <param name="outcome">Outcome.</param>
    /// <param name="clicks">Clicks.</param>
    public MinuteCell(int minute, ClickOutcome outcome, uint clicks)
        : this(((uint)minute << (int)OutcomeBits) | (uint)outcome, clicks) { }

    internal MinuteCell(uint key, uint clicks)
    {
        Key = key;
        Clicks = clicks;
    }

    internal uint Key { get; }

    /// <summary>Clicks so far.</summary>
    public uint Clicks { get; }

    /// <summary>Minutes since 1970-01-01T00:00Z.</summary>
    public int Minute => (int)(Key >> (int)OutcomeBits);

    /// <summary>Outcome.</summary>
    public ClickOutcome Outcome => (ClickOutcome)(Key & OutcomeMask);

    internal static uint KeyOf(int minute, ClickOutcome outcome) => ((uint)minute << (int)OutcomeBits) | (uint)outcome;
}

/// <summary>
/// The counters of one ad, in the order in which they were first touched, so that the present minute stands at the end. They are absolute and only
/// grow; a counter is forgotten only once no click can be added to it any more and it stands in a checkpoint.
/// </summary>
internal sealed class MinuteCounts
{
    private const uint ChangedFlag = 1u << 31;  // since the last hand-over
    private const uint TouchedFlag = 1u << 30;  // since the last TakeTouched
    private const uint KeyMask = TouchedFlag - 1;
    private const int MsPerMinute = 60_000;

    private static readonly MinuteCell[] None = [];

    private MinuteCell[] _cells = None; // Key with the two flags on top
    private int _count;
    private int _firstTouched = int.MaxValue;

    /// <summary>Number of counters.</summary>
    public int Count => _count;

    /// <summary>Bytes that the counters take.</summary>
    public int MemoryBytes => _cells.Length * 8;

    /// <summary>The minute that a time falls into.</summary>
    public static int MinuteOf(long timeMs) => (int)(timeMs / MsPerMinute);

    /// <summary>Counts one click.</summary>
    public void Add(int minute, ClickOutcome outcome)
    {
        ref var cell = ref Find(MinuteCell.KeyOf(minute, outcome), out var index);
        cell = new MinuteCell(cell.Key | ChangedFlag | TouchedFlag, checked(cell.Clicks + 1));
        _firstTouched = Math.Min(_firstTouched, index);
    }

    /// <summary>The counters that <see cref="Add"/> has touched since the last call.</summary>
    public MinuteCell[] TakeTouched()
    {
        var touched = 0;
        for (var i = _firstTouched; i < _count; i++)
        {
            touched += (_cells[i].Key & TouchedFlag) != 0 ? 1 : 0;
        }

        if (touched == 0)
        {
            return None;
        }

        var taken = new MinuteCell[touched];
        for (var i = _count - 1; touched > 0; i--)
        {
            var cell = _cells[i];
            if ((cell.Key & TouchedFlag) != 0)
            {
                taken[--touched] = new MinuteCell(cell.Key & KeyMask, cell.Clicks);
                _cells[i] = new MinuteCell(cell.Key & ~TouchedFlag, cell.Clicks);
            }
        }

        _firstTouched = int.MaxValue;
        return taken;
    }

    /// <summary>The counters changed since the last hand-over, or all of them, and when the newest of them ends.</summary>
    public MinuteCell[] HandOver(bool all, out long endMs)
    {
        var taken = new List<MinuteCell>();
        endMs = 0;
        for (var i = 0; i < _count; i++)
        {
            var cell = _cells[i];
            if (all || (cell.Key & ChangedFlag) != 0)
            {
                var handed = new MinuteCell(cell.Key & KeyMask, cell.Clicks);
                taken.Add(handed);
                endMs = Math.Max(endMs, (handed.Minute + 1L) * MsPerMinute);
            }
        }

        return taken.Count == 0 ? None : [.. taken];
    }

    /// <summary>Notes that what <see cref="HandOver"/> gave is on its way into a checkpoint.</summary>
    public void MarkHandedOver()
    {
        for (var i = 0; i < _count; i++)
        {
            _cells[i] = new MinuteCell(_cells[i].Key & ~ChangedFlag, _cells[i].Clicks);
        }
    }

    /// <summary>Sets a counter from a checkpoint.</summary>
    public void Load(MinuteCell cell)
    {
        ref var slot = ref Find(cell.Key, out _);
        slot = cell;
    }

    /// <summary>
    /// Drops the counters to which no click could be added even at the checkpoint before: they are in it, and in the metrics store.
    /// </summary>
    /// <param name="terms">Terms in force.</param>
    /// <param name="checkpointClockMs">Partition clock of the newest completed checkpoint.</param>
    public void Forget(CountingTerms terms, long checkpointClockMs)
    {
        var kept = 0;
        for (var i = 0; i < _count; i++)
        {
            var lastMs = ((((_cells[i].Key & KeyMask) >> 3) + 1L) * MsPerMinute) - 1;
            if ((_cells[i].Key & ChangedFlag) != 0 || !terms.HasPassed(lastMs, checkpointClockMs))
            {
                _cells[kept++] = _cells[i];
            }
        }

        _count = kept;
        if (_cells.Length > 16 && kept < _cells.Length / 4)
        {
            Array.Resize(ref _cells, Math.Max(kept, 4));
        }
    }

    private ref MinuteCell Find(uint key, out int index)
    {
        for (index = _count - 1; index >= 0; index--)
        {
            if ((_cells[index].Key & KeyMask) == key)
            {
                return ref _cells[index];
            }
        }

        if (_count == _cells.Length)
        {
            Array.Resize(ref _cells, Math.Max(2, _count + (_count / 2) + 1));
        }

        index = _count++;
        _cells[index] = new MinuteCell(key, 0);
        return ref _cells[index];
    }
}
