using System.Numerics;
using System.Runtime.InteropServices;
using AdClick.Actors.Clicks;

namespace AdClick.Actors.Ads;

/// <summary>One clicked impression as the window keeps it, and as checkpoints store it (24 bytes, little-endian).</summary>
/// <param name="High">Impression ID, most significant half.</param>
/// <param name="Low">Impression ID, least significant half.</param>
/// <param name="Nonce">Low 32 bits of the first click's nonce.</param>
/// <param name="Bucket">Expiry bucket, with flags on top.</param>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal record struct WindowEntry(ulong High, ulong Low, uint Nonce, uint Bucket)
{
    public const int ByteLength = 24;
    public const uint AcceptedFlag = 1u << 31;
    public const uint FurtherNoncesFlag = 1u << 30;
    public const uint ChangedFlag = 1u << 29; // in memory only: since the last hand-over
    public const uint BucketMask = ChangedFlag - 1;

    public readonly bool IsAccepted => (Bucket & AcceptedFlag) != 0;

    public readonly uint ExpiryBucket => Bucket & BucketMask;

    public readonly ImpressionId Id => new(High, Low);
}

/// <summary>
/// The impressions of one ad that were clicked and may be clicked again: about 32 bytes each. Entries stand in one dense array in the order of their
/// first click, so that what is new since a checkpoint is its tail; an open-addressing table of positions finds them.
/// </summary>
/// <remarks>
/// An entry lives until the partition clock has passed the end of its expiry bucket by more than the allowed lateness. That is decided by the clock
/// before each record, never by when memory is reclaimed, so that a replay decides alike (I4).
/// </remarks>
internal sealed class ImpressionWindow
{
    /// <summary>Expiries are rounded up to this, so that an entry needs 23 bits for its end of life.</summary>
    public const long BucketMs = 5 * 60_000;

    /// <summary>Nonces kept beyond the first one; a copy of a later click is not told from a new click.</summary>
    public const int MaxFurtherNonces = 8;

    private const int LinearScanLimit = 8; // up to here the entries are searched one by one, without a table

    private static readonly WindowEntry[] None = [];

    private WindowEntry[] _entries = None;
    private int[]? _table; // position + 1; 0 is free
    private int _count;
    private int _handedOver; // entries before this one were handed over
    private List<int>? _changed; // positions before _handedOver that have changed since
    private Dictionary<ImpressionId, uint[]>? _furtherNonces;
    private uint _firstBucket = uint.MaxValue; // no entry expires in an earlier bucket

    /// <summary>Impressions held, the dead ones that were not reclaimed yet included.</summary>
    public int Count => _count;

    /// <summary>Bytes that the window takes.</summary>
    public long MemoryBytes => ((long)_entries.Length * WindowEntry.ByteLength) + ((_table?.Length ?? 0) * 4L)
        + ((_furtherNonces?.Count ?? 0) * 120L);

    /// <summary>Bytes that the window takes in a checkpoint, about.</summary>
    public long SavedBytes => ((long)_count * WindowEntry.ByteLength) + ((_furtherNonces?.Count ?? 0) * 32L);

    /// <summary>Last bucket that any entry expires in, as Unix milliseconds of its end; 0 when empty.</summary>
    public long EndMs { get; private set; }

    /// <summary>End of the bucket in which an expiry falls, Unix milliseconds.</summary>
    public static long BucketEndMs(long expiresAtMs) => BucketOf(expiresAtMs) * BucketMs;

    /// <summary>
    /// The position of a living entry, or -1.
    /// </summary>
    public int Find(ImpressionId id, CountingTerms terms, long clockMs)
    {
        var position = Find(id);
        return position >= 0 && terms.HasPassed(_entries[position].ExpiryBucket * BucketMs, clockMs) ? -1 : position;
    }

    /// <summary>Whether the click with this nonce was seen before.</summary>
    public bool HoldsNonce(int position, ulong nonce)
    {
        ref var entry = ref _entries[position];
        if (entry.Nonce == (uint)nonce)
        {
            return true;
        }

        return (entry.Bucket & WindowEntry.FurtherNoncesFlag) != 0
            && _furtherNonces![entry.Id].AsSpan().Contains((uint)nonce);
    }

    /// <summary>Whether the impression was accepted.</summary>
    public bool IsAccepted(int position) => _entries[position].IsAccepted;

    /// <summary>Remembers the first click of an impression.</summary>
    public void Add(ImpressionId id, ulong nonce, long expiresAtMs, bool accepted, CountingTerms terms, long clockMs)
    {
        var bucket = (uint)BucketOf(expiresAtMs);
        var dead = Find(id); // an entry that died under this clock and was not reclaimed
        if (dead >= 0)
        {
            Reclaim(terms, clockMs);
        }

        MakeRoom(terms, clockMs);
        Append(new WindowEntry(id.High, id.Low, (uint)nonce, bucket | (accepted ? WindowEntry.AcceptedFlag : 0)));
    }

    /// <summary>Remembers a further click of an impression.</summary>
    public void Update(int position, ulong nonce, long expiresAtMs, bool accepted)
    {
        ref var entry = ref _entries[position];
        var bucket = Math.Max(entry.ExpiryBucket, (uint)BucketOf(expiresAtMs));
        var flags = (entry.Bucket & ~WindowEntry.BucketMask) | WindowEntry.FurtherNoncesFlag | (accepted ? WindowEntry.AcceptedFlag : 0);
        AddFurtherNonce(entry.Id, (uint)nonce);
        if (position < _handedOver && (flags & WindowEntry.ChangedFlag) == 0)
        {
            flags |= WindowEntry.ChangedFlag;
            (_changed ??= []).Add(position);
        }

        entry.Bucket = bucket | flags;
        EndMs = Math.Max(EndMs, bucket * BucketMs);
    }

    /// <summary>
    /// The entries that are new or changed since the last call, or all living ones, and their further nonces.
    /// </summary>
    /// <param name="all">Whether to give all living entries.</param>
    /// <param name="terms">Terms in force.</param>
    /// <param name="clockMs">Partition clock now.</param>
    public WindowPart Copy(bool all, CountingTerms terms, long clockMs)
    {
        if (all)
        {
            Reclaim(terms, clockMs);
        }

        var changed = all ? 0 : _changed?.Count ?? 0;
        var from = all ? 0 : _handedOver;
        var entries = new WindowEntry[changed + _count - from];
        for (var i = 0; i < changed; i++)
        {
            entries[i] = _entries[_changed![i]];
        }

        _entries.AsSpan(from, _count - from).CopyTo(entries.AsSpan(changed));
        var nonces = new List<(ImpressionId Id, uint[] Nonces)>();
        long endMs = 0;
        foreach (ref var entry in entries.AsSpan())
        {
            entry.Bucket &= ~WindowEntry.ChangedFlag;
            endMs = Math.Max(endMs, entry.ExpiryBucket * BucketMs);
            if ((entry.Bucket & WindowEntry.FurtherNoncesFlag) != 0)
            {
                nonces.Add((entry.Id, _furtherNonces![entry.Id]));
            }
        }

        return new WindowPart(entries, nonces, endMs);
    }

    /// <summary>Notes that what <see cref="Copy"/> gave is on its way into a checkpoint.</summary>
    public void MarkHandedOver()
    {
        foreach (var position in _changed ?? [])
        {
            _entries[position].Bucket &= ~WindowEntry.ChangedFlag;
        }

        _changed = null;
        _handedOver = _count;
    }

    /// <summary>Puts entries from a checkpoint in, replacing those with the same ID.</summary>
    public void Load(ReadOnlySpan<WindowEntry> entries)
    {
        foreach (ref readonly var entry in entries)
        {
            var position = Find(entry.Id);
            if (position >= 0)
            {
                // An impression that died and came again brings no nonces of its first life along.
                _furtherNonces?.Remove(entry.Id);
                _entries[position] = entry;
                _firstBucket = Math.Min(_firstBucket, entry.ExpiryBucket);
                EndMs = Math.Max(EndMs, entry.ExpiryBucket * BucketMs);
            }
            else
            {
                if (_count == _entries.Length)
                {
                    Grow();
                }

                Append(entry);
            }
        }

        _handedOver = _count;
    }

    /// <summary>Puts an impression's further nonces from a checkpoint in.</summary>
    public void LoadFurtherNonces(ImpressionId id, uint[] nonces) => (_furtherNonces ??= [])[id] = nonces;

    /// <summary>Lets go of the entries that are dead under this clock.</summary>
    public void Reclaim(CountingTerms terms, long clockMs)
    {
        if (_firstBucket == uint.MaxValue || !terms.HasPassed(_firstBucket * BucketMs, clockMs))
        {
            return;
        }

        var kept = 0;
        var keptHandedOver = 0;
        var first = uint.MaxValue;
        var endMs = 0L;
        _changed = null;
        for (var i = 0; i < _count; i++)
        {
            var entry = _entries[i];
            if (terms.HasPassed(entry.ExpiryBucket * BucketMs, clockMs))
            {
                if ((entry.Bucket & WindowEntry.FurtherNoncesFlag) != 0)
                {
                    _furtherNonces!.Remove(entry.Id);
                }

                continue;
            }

            if (i < _handedOver)
            {
                keptHandedOver++;
                if ((entry.Bucket & WindowEntry.ChangedFlag) != 0)
                {
                    (_changed ??= []).Add(kept);
                }
            }

            first = Math.Min(first, entry.ExpiryBucket);
            endMs = Math.Max(endMs, entry.ExpiryBucket * BucketMs);
            _entries[kept++] = entry;
        }

        _count = kept;
        _handedOver = keptHandedOver;
        _firstBucket = first;
        EndMs = endMs;
        if (kept < _entries.Length / 2)
        {
            Array.Resize(ref _entries, kept);
        }

        Reindex();
    }

    private static long BucketOf(long expiresAtMs) => (expiresAtMs + BucketMs - 1) / BucketMs;

    private void AddFurtherNonce(ImpressionId id, uint nonce)
    {
        ref var nonces = ref CollectionsMarshal.GetValueRefOrAddDefault(_furtherNonces ??= [], id, out _);
        if ((nonces?.Length ?? 0) < MaxFurtherNonces)
        {
            nonces = [.. nonces ?? [], nonce];
        }
    }

    private void MakeRoom(CountingTerms terms, long clockMs)
    {
        if (_count < _entries.Length)
        {
            return;
        }

        Reclaim(terms, clockMs);
        if (_count >= _entries.Length - (_entries.Length / 8))
        {
            Grow();
        }
    }

    // By half while small, by a quarter when large: the mean slack stays at an eighth of what is held.
    private void Grow() => Array.Resize(ref _entries, Math.Max(2, _entries.Length + (_entries.Length / (_entries.Length < 4096 ? 2 : 4)) + 1));

    private void Append(WindowEntry entry)
    {
        _firstBucket = Math.Min(_firstBucket, entry.ExpiryBucket);
        EndMs = Math.Max(EndMs, entry.ExpiryBucket * BucketMs);
        _entries[_count++] = entry;
        if (_count <= LinearScanLimit)
        {
            return;
        }

        if (_table is null || _count > _table.Length / 4 * 3)
        {
            Reindex();
        }
        else
        {
            Index(entry, _count);
        }
    }

    private int Find(ImpressionId id)
    {
        if (_table is null)
        {
            for (var i = 0; i < _count; i++)
            {
                if (_entries[i].Low == id.Low && _entries[i].High == id.High)
                {
                    return i;
                }
            }

            return -1;
        }

        var mask = _table.Length - 1;
        for (var slot = Slot(id.Low, mask); _table[slot] != 0; slot = (slot + 1) & mask)
        {
            ref var entry = ref _entries[_table[slot] - 1];
            if (entry.Low == id.Low && entry.High == id.High)
            {
                return _table[slot] - 1;
            }
        }

        return -1;
    }

    private void Reindex()
    {
        if (_count <= LinearScanLimit)
        {
            _table = null;
            return;
        }

        var size = (int)BitOperations.RoundUpToPowerOf2((uint)(_count + (_count / 3) + 1));
        _table = new int[size];
        for (var i = 0; i < _count; i++)
        {
            Index(_entries[i], i + 1);
        }
    }

    private void Index(in WindowEntry entry, int positionPlusOne)
    {
        var mask = _table!.Length - 1;
        var slot = Slot(entry.Low, mask);
        while (_table[slot] != 0)
        {
            slot = (slot + 1) & mask;
        }

        _table[slot] = positionPlusOne;
    }

    // The low bits of an ID name its sub-shard, so within one window they are alike: multiply, and take high bits.
    private static int Slot(ulong low, int mask) => (int)((low * 0x9E3779B97F4A7C15) >> 32) & mask;
}

/// <summary>A copied part of a window.</summary>
/// <param name="Entries">Entries without their in-memory flag.</param>
/// <param name="FurtherNonces">Nonces beyond the first of those entries that have them.</param>
/// <param name="EndMs">Unix milliseconds at which the last bucket of the part ends; 0 when empty.</param>
internal readonly record struct WindowPart(WindowEntry[] Entries, IReadOnlyList<(ImpressionId Id, uint[] Nonces)> FurtherNonces, long EndMs);
