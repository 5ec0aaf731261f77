using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;

namespace AdClick.Actors.Clicks;

/// <summary>
/// The bytes of an impression token or click ID, read from left to right or written so. docs/token-format.md lays them out. The first byte names
/// purpose and version and is signed with the rest, so that nothing signed for one purpose is ever taken for another.
/// </summary>
internal ref struct SignedText(Span<byte> bytes)
{
    /// <summary>First byte of an impression token, version 1.</summary>
    public const byte TokenFormat = 0x01;

    /// <summary>First byte of a click ID, version 1.</summary>
    public const byte ClickIdFormat = 0xC1;

    private const int TimeLength = 6;

    /// <summary>Longest click ID, in bytes: format, key ID, impression ID, click time, sub-shard, ad ID, signature.</summary>
    public const int MaxClickIdBytes = 1 + 1 + SigningKey.MaxKeyIdLength + ImpressionId.ByteLength + TimeLength + 1 + 1 + Ids.MaxLength
        + SigningKey.SignatureLength;

    /// <summary>Longest token, in bytes: as a click ID, and the placement.</summary>
    public const int MaxTokenBytes = MaxClickIdBytes + 1 + Ids.MaxLength;

    private readonly Span<byte> _bytes = bytes;
    private int _position;

    /// <summary>Bytes read or written so far.</summary>
    public readonly int Position => _position;

    /// <summary>
    /// Decodes unpadded base64url in its one canonical form; false for anything else, so that no two texts mean the same bytes.
    /// </summary>
    /// <param name="text">At most as long as <paramref name="destination"/> has room for; longer ones are refused unread.</param>
    /// <param name="destination">Takes the bytes.</param>
    /// <param name="length">Number of bytes.</param>
    public static bool TryDecode(ReadOnlySpan<char> text, Span<byte> destination, out int length)
    {
        length = 0;
        if (text.IsEmpty || text.Length % 4 == 1 || Base64Url.GetMaxDecodedLength(text.Length) > destination.Length
            || text.ContainsAnyExcept(Ids.Alphabet))
        {
            return false; // the decoder would pass over white space and padding
        }

        // Unused bits of the last character that are not zero are refused by the decoder itself.
        return Base64Url.DecodeFromChars(text, destination, out _, out length) == OperationStatus.Done;
    }

    public void WriteByte(int value) => _bytes[_position++] = (byte)value;

    /// <summary>Writes a text of the ID alphabet with its length before it; null as length 0.</summary>
    public void WriteId(string? id)
    {
        WriteByte(id?.Length ?? 0);
        _position += Encoding.ASCII.GetBytes(id, _bytes[_position..]);
    }

    public void WriteImpression(in ImpressionId impression)
    {
        impression.Write(_bytes[_position..]);
        _position += ImpressionId.ByteLength;
    }

    /// <summary>Writes a time as the low 48 bits, network order, as UUIDv7 does.</summary>
    public void WriteTime(long unixMs)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_bytes[_position..], (ushort)(unixMs >> 32));
        BinaryPrimitives.WriteUInt32BigEndian(_bytes[(_position + 2)..], (uint)unixMs);
        _position += TimeLength;
    }

    /// <summary>Signs what was written and gives the text.</summary>
    public string Sign(SigningKey key)
    {
        key.Sign(_bytes[.._position], _bytes[_position..]);
        return Base64Url.EncodeToString(_bytes[..(_position + SigningKey.SignatureLength)]);
    }

    public bool TryReadByte(out int value)
    {
        var ok = _position < _bytes.Length;
        value = ok ? _bytes[_position++] : 0;
        return ok;
    }

    /// <summary>Reads a length and that many bytes.</summary>
    public bool TryReadIdBytes(int maxLength, out ReadOnlySpan<byte> id)
    {
        id = default;
        if (!TryReadByte(out var length) || length > maxLength || length > _bytes.Length - _position)
        {
            return false;
        }

        id = _bytes.Slice(_position, length);
        _position += length;
        return true;
    }

    /// <summary>Reads a text of the ID alphabet, at least one character.</summary>
    public bool TryReadId(out string id)
    {
        // A byte that isn't ASCII becomes '?', which no ID has.
        id = TryReadIdBytes(Ids.MaxLength, out var bytes) ? Encoding.ASCII.GetString(bytes) : "";
        return Ids.IsValid(id);
    }

    public bool TryReadImpression(out ImpressionId impression)
    {
        impression = default;
        if (_bytes.Length - _position < ImpressionId.ByteLength)
        {
            return false;
        }

        impression = ImpressionId.Read(_bytes[_position..]);
        _position += ImpressionId.ByteLength;
        return impression.IsUuidV7;
    }

    public bool TryReadTime(out long unixMs)
    {
        unixMs = 0;
        if (_bytes.Length - _position < TimeLength)
        {
            return false;
        }

        unixMs = ((long)BinaryPrimitives.ReadUInt16BigEndian(_bytes[_position..]) << 32)
            | BinaryPrimitives.ReadUInt32BigEndian(_bytes[(_position + 2)..]);
        _position += TimeLength;
        return unixMs < LogRecordReader.MaxTimeMs;
    }
}
