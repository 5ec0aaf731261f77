using System.Text;
using AdClick.Actors.Clicks;

namespace AdClick.Actors.Partitions;

/// <summary>
/// The ad keys that a partition has read lately, found by the bytes in the log, so that a click of a known ad makes no string and its partition is
/// computed once.
/// </summary>
internal sealed class AdKeyTable
{
    private const int MaxKeys = 256 * 1024;

    private readonly int _partitions;
    private readonly Dictionary<AdKey, KnownKey> _keys = new(new Comparer());
    private readonly Dictionary<AdKey, KnownKey>.AlternateLookup<KeyBytes> _byBytes;
    private long _batch;

    /// <summary>An empty table.</summary>
    public AdKeyTable(int partitions)
    {
        _partitions = partitions;
        _byBytes = _keys.GetAlternateLookup<KeyBytes>();
    }

    /// <summary>Forgets the groups of the batch before; and the keys, when they have become too many.</summary>
    public void BeginBatch()
    {
        _batch++;
        if (_keys.Count > MaxKeys)
        {
            _keys.Clear();
        }
    }

    /// <summary>The key with this ad ID and sub-shard; null when the ID is not made of the characters of an ID.</summary>
    public KnownKey? Find(ReadOnlySpan<byte> adId, int subShard)
    {
        var bytes = new KeyBytes(adId, subShard);
        if (!_byBytes.TryGetValue(bytes, out var known))
        {
            var text = Encoding.UTF8.GetString(adId);
            if (!Ids.IsValid(text))
            {
                return null;
            }

            var key = new AdKey(text, subShard);
            known = new KnownKey(key, key.Partition(_partitions));
            _keys.Add(key, known);
        }

        if (known.Batch != _batch)
        {
            known.Batch = _batch;
            known.Group = -1;
        }

        return known;
    }

    /// <summary>A key, its partition, and its place in the present batch.</summary>
    internal sealed class KnownKey(AdKey key, int partition)
    {
        public AdKey Key { get; } = key;

        public int Partition { get; } = partition;

        /// <summary>Number of the ad's group in the batch; -1 before its first click.</summary>
        public int Group { get; set; } = -1;

        /// <summary>The batch that <see cref="Group"/> belongs to.</summary>
        public long Batch { get; set; }
    }

    private readonly ref struct KeyBytes(ReadOnlySpan<byte> adId, int subShard)
    {
        public ReadOnlySpan<byte> AdId { get; } = adId;

        public int SubShard { get; } = subShard;
    }

    private sealed class Comparer : IEqualityComparer<AdKey>, IAlternateEqualityComparer<KeyBytes, AdKey>
    {
        public bool Equals(AdKey x, AdKey y) => x == y;

        public int GetHashCode(AdKey key)
        {
            Span<byte> adId = stackalloc byte[Ids.MaxLength];
            return GetHashCode(new KeyBytes(adId[..Encoding.ASCII.GetBytes(key.AdId, adId)], key.SubShard));
        }

        public bool Equals(KeyBytes bytes, AdKey key) =>
            bytes.SubShard == key.SubShard && Ascii.Equals(bytes.AdId, key.AdId.AsSpan());

        public int GetHashCode(KeyBytes bytes) => Murmur2.Hash(bytes.AdId) + bytes.SubShard;

        public AdKey Create(KeyBytes bytes) => new(Encoding.ASCII.GetString(bytes.AdId), bytes.SubShard);
    }
}
