using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace AdClick.Actors.ClickLog.Embedded;

/// <summary>
/// One entry of the embedded log: docs/decisions/0002-embedded-log-format.md. FasterLog puts the entry's length before it (4 bytes, little-endian)
/// and aligns it to 4 bytes; the entry is a header of 24 bytes and the encoded <c>LogRecord</c>.
/// <code>
///  0  uint32  CRC-32C of all that follows
///  4  uint32  place in its commit group, from 0
///  8  int64   offset: the partition's dense sequence number
/// 16  int64   append time, Unix ms
/// 24  …       the record
/// </code>
/// Offset minus place is the number of records that were durable when this one was written. It tells a torn tail from damage: a hole below that
/// number was acknowledged, a hole at or above it was not.
/// </summary>
internal static class RecordFormat
{
    /// <summary>Bytes of FasterLog's own header: the length.</summary>
    public const int LengthBytes = 4;

    /// <summary>Bytes of our header.</summary>
    public const int HeaderBytes = 24;

    /// <summary>Longest entry.</summary>
    public const int MaxEntryBytes = HeaderBytes + ClickLogLimits.MaxRecordBytes;

    /// <summary>Bytes that an entry takes in the log, with its length and alignment.</summary>
    public static int SpaceOf(int entryBytes) => LengthBytes + ((entryBytes + 3) & ~3);

    /// <summary>Whether a length can be that of an entry.</summary>
    public static bool IsEntryLength(int length) => length is >= HeaderBytes and <= MaxEntryBytes;

    /// <summary>Fills the header of an entry whose record is in place.</summary>
    public static void Seal(Span<byte> entry, long offset, long appendTimeMs, uint place)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], place);
        BinaryPrimitives.WriteInt64LittleEndian(entry[8..], offset);
        BinaryPrimitives.WriteInt64LittleEndian(entry[16..], appendTimeMs);
        BinaryPrimitives.WriteUInt32LittleEndian(entry, Checksum(entry[4..]));
    }

    /// <summary>Whether an entry is what was written.</summary>
    public static bool IsIntact(ReadOnlySpan<byte> entry) => BinaryPrimitives.ReadUInt32LittleEndian(entry) == Checksum(entry[4..]);

    /// <summary>Place in the commit group.</summary>
    public static uint PlaceOf(ReadOnlySpan<byte> entry) => BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]);

    /// <summary>Offset.</summary>
    public static long OffsetOf(ReadOnlySpan<byte> entry) => BinaryPrimitives.ReadInt64LittleEndian(entry[8..]);

    /// <summary>Append time, Unix ms.</summary>
    public static long AppendTimeOf(ReadOnlySpan<byte> entry) => BinaryPrimitives.ReadInt64LittleEndian(entry[16..]);

    // BitOperations.Crc32C is one instruction per 8 bytes on x64 and Arm64. Starting from all ones keeps a block of zeros from passing.
    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var word in words)
        {
            crc = BitOperations.Crc32C(crc, BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word));
        }

        foreach (var rest in bytes[(words.Length * sizeof(ulong))..])
        {
            crc = BitOperations.Crc32C(crc, rest);
        }

        return ~crc;
    }
}
