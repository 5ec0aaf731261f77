using System.Buffers.Binary;

namespace AdClick.Actors.Clicks;

/// <summary>
/// Names one showing of an ad to one person: a UUIDv7 (RFC 9562), so its first 48 bits are the issue time in Unix milliseconds
/// and its low bits are random. Written as a hyphenated lower-case UUID.
/// </summary>
/// <param name="High">The most significant 64 bits.</param>
/// <param name="Low">The least significant 64 bits.</param>
public readonly record struct ImpressionId(ulong High, ulong Low)
{
    /// <summary>Length of the binary form, in bytes.</summary>
    public const int ByteLength = 16;

    /// <summary>Length of the text form, in characters.</summary>
    public const int TextLength = 36;

    /// <summary>Unix time in milliseconds at which the impression was issued.</summary>
    public long IssuedAtMs => (long)(High >> 16);

    /// <summary>Whether the 128 bits are a UUIDv7: version and variant as RFC 9562 lays them down.</summary>
    public bool IsUuidV7 => (High & 0xf000) == 0x7000 && Low >> 62 == 0b10;

    /// <summary>A new ID that carries <paramref name="issuedAt"/> (millisecond precision).</summary>
    public static ImpressionId New(DateTimeOffset issuedAt)
    {
        Span<byte> bytes = stackalloc byte[ByteLength];
        Guid.CreateVersion7(issuedAt).TryWriteBytes(bytes, bigEndian: true, out _);
        return Read(bytes);
    }

    /// <summary>
    /// The sub-shard that this impression belongs to when its ad is split into <paramref name="subShards"/>: the low bits of the ID.
    /// </summary>
    /// <param name="subShards">A power of two, 1 to 64.</param>
    public int SubShard(int subShards) => (int)(Low & (uint)(subShards - 1));

    /// <summary>Reads the 16 bytes in network order.</summary>
    public static ImpressionId Read(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt64BigEndian(bytes),
        BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));

    /// <summary>Writes the 16 bytes in network order.</summary>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, High);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], Low);
    }

    /// <summary>Reads the hyphenated text form; false for anything that is not a UUIDv7.</summary>
    public static bool TryParse(string? text, out ImpressionId id)
    {
        id = default;
        if (text?.Length != TextLength || !Guid.TryParseExact(text, "D", out var guid)) // which by itself would pass over white space
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[ByteLength];
        guid.TryWriteBytes(bytes, bigEndian: true, out _);
        var read = Read(bytes);
        id = read.IsUuidV7 ? read : default;
        return read.IsUuidV7;
    }

    /// <summary>Writes the hyphenated text form, <see cref="TextLength"/> characters; false where there is no room for it.</summary>
    public bool TryFormat(Span<char> destination, out int charsWritten)
    {
        Span<byte> bytes = stackalloc byte[ByteLength];
        Write(bytes);
        return new Guid(bytes, bigEndian: true).TryFormat(destination, out charsWritten);
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[ByteLength];
        Write(bytes);
        return new Guid(bytes, bigEndian: true).ToString();
    }
}
