namespace AdClick.Actors.ClickLog.Spool;

/// <summary>
/// What the spool stores for a click: one byte with the key's length, the key, the record. The key is needed to find the click's partition again,
/// which is another one if the topic's partition count has changed in between.
/// </summary>
internal static class SpoolEntry
{
    /// <summary>Longest entry: what the embedded log takes. A click with every text at its limit takes half of it.</summary>
    public const int MaxBytes = ClickLogLimits.MaxRecordBytes;

    private const int LengthBytes = 1;

    /// <summary>Bytes of an entry.</summary>
    /// <exception cref="ArgumentException">Key or record is too long.</exception>
    public static int SizeOf(ReadOnlySpan<byte> key, ReadOnlySpan<byte> record)
    {
        var size = LengthBytes + key.Length + record.Length;
        return key.Length <= byte.MaxValue && size <= MaxBytes
            ? size
            : throw new ArgumentException(
                $"The spool can't hold a record of {record.Length} bytes with a key of {key.Length}: together at most {MaxBytes - LengthBytes}.");
    }

    /// <summary>Writes an entry.</summary>
    public static void Write(ReadOnlySpan<byte> key, ReadOnlySpan<byte> record, Span<byte> entry)
    {
        entry[0] = (byte)key.Length;
        key.CopyTo(entry[LengthBytes..]);
        record.CopyTo(entry[(LengthBytes + key.Length)..]);
    }

    /// <summary>The key of an entry.</summary>
    public static ReadOnlySpan<byte> KeyOf(ReadOnlySpan<byte> entry) => entry.Slice(LengthBytes, entry[0]);

    /// <summary>The record of an entry.</summary>
    public static ReadOnlySpan<byte> RecordOf(ReadOnlySpan<byte> entry) => entry[(LengthBytes + entry[0])..];
}
