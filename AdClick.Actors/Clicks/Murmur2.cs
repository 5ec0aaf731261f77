using System.Buffers.Binary;

namespace AdClick.Actors.Clicks;

/// <summary>The 32-bit MurmurHash2 with Kafka's seed, so that our partition of a key is the one that Kafka's own clients compute.</summary>
public static class Murmur2
{
    private const uint Multiplier = 0x5bd1e995;
    private const int Shift = 24;
    private const uint KafkaSeed = 0x9747b28c;

    /// <summary>Hashes the bytes.</summary>
    public static int Hash(ReadOnlySpan<byte> data)
    {
        unchecked
        {
            var hash = KafkaSeed ^ (uint)data.Length;
            while (data.Length >= 4)
            {
                var word = BinaryPrimitives.ReadUInt32LittleEndian(data) * Multiplier;
                word = (word ^ (word >> Shift)) * Multiplier;
                hash = (hash * Multiplier) ^ word;
                data = data[4..];
            }

            if (data.Length > 0)
            {
                var tail = (uint)data[0];
                tail |= data.Length > 1 ? (uint)data[1] << 8 : 0;
                tail |= data.Length > 2 ? (uint)data[2] << 16 : 0;
                hash = (hash ^ tail) * Multiplier;
            }

            hash = (hash ^ (hash >> 13)) * Multiplier;
            return (int)(hash ^ (hash >> 15));
        }
    }
}
