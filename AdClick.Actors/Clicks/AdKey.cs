using System.Globalization;
using System.Text;

namespace AdClick.Actors.Clicks;

/// <summary>
/// The unit of counting: one ad, or one sub-shard of a hot ad. Written <c>{adId}/{subShard}</c>.
/// </summary>
/// <param name="AdId">1 to 64 of <c>A-Z a-z 0-9 _ -</c>.</param>
/// <param name="SubShard">0 to 63; 0 unless the ad is hot.</param>
public readonly record struct AdKey(string AdId, int SubShard)
{
    /// <summary>Most sub-shards that an ad can be split into.</summary>
    public const int MaxSubShards = 64;

    /// <summary>
    /// The click log partition of this key: Kafka's murmur2 of the UTF-8 text, as its default partitioner computes it for keyed records.
    /// </summary>
    public int Partition(int partitions)
    {
        Span<byte> utf8 = stackalloc byte[Ids.MaxLength + 4];
        return PartitionOf(utf8[..WriteUtf8(utf8)], partitions);
    }

    /// <summary>The same for a key that is UTF-8 text already.</summary>
    public static int PartitionOf(ReadOnlySpan<byte> utf8, int partitions) =>
        (int)((uint)(Murmur2.Hash(utf8) & 0x7fffffff) % (uint)partitions);

    /// <summary>Writes the key's text as UTF-8 and returns its length in bytes.</summary>
    public int WriteUtf8(Span<byte> destination)
    {
        var length = Encoding.ASCII.GetBytes(AdId, destination);
        destination[length++] = (byte)'/';
        SubShard.TryFormat(destination[length..], out var digits, provider: CultureInfo.InvariantCulture);
        return length + digits;
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{AdId}/{SubShard}");
}
