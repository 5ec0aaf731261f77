using System.Buffers.Binary;

namespace AdClick.Actors.Clicks;

/// <summary>
/// Reads the fields of an encoded <c>LogRecord</c> (click.proto) without allocating. It follows the
/// Protobuf wire format, so that fields added later are passed over; a test holds it against the generated parser.
/// </summary>
/// <remarks>The generated parser takes ten strings and two objects per click, several times the cost of all that follows it.</remarks>
internal ref struct LogRecordReader
{
    private const int ClickTag = (1 << 3) | LengthDelimited;
    private const int MarkTag = (2 << 3) | LengthDelimited;
    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int LengthDelimited = 2;
    private const int Fixed32 = 5;

    /// <summary>Times from here on (year 2223) are nonsense, and would not fit into a minute counter's key.</summary>
    public const long MaxTimeMs = 8_000_000_000_000;

    private ReadOnlySpan<byte> _rest;

    /// <summary>What the record is.</summary>
    public enum Kind
    {
        /// <summary>Not a record that this version can read.</summary>
        Unreadable,

        /// <summary>A click; the click fields are set.</summary>
        Click,

        /// <summary>A mark; the mark fields are set.</summary>
        Mark,
    }

    public ulong Nonce;
    public ulong ImpressionHigh;
    public ulong ImpressionLow;
    public long ExpiresAtMs;
    public ReadOnlySpan<byte> AdId;
    public int SubShard;
    public long ClickTimeMs;
    public ClickVerdict Verdict;

    public ReadOnlySpan<byte> Placement;
    public ReadOnlySpan<byte> UserAgent;
    public ReadOnlySpan<byte> ClientNetwork;
    public ReadOnlySpan<byte> ReferrerHost;
    public ReadOnlySpan<byte> Language;

    /// <summary>Of a click and of a mark.</summary>
    public ReadOnlySpan<byte> Gateway;
    public long TimeMs;
    public long OpenFromMs;

    /// <summary>Reads the record's fields; <see cref="Kind.Unreadable"/> leaves them undefined.</summary>
    public Kind Read(ReadOnlySpan<byte> record)
    {
        this = default;
        _rest = record;
        var kind = Kind.Unreadable;
        ReadOnlySpan<byte> body = default;
        while (!_rest.IsEmpty)
        {
            if (!TryReadVarint(out var tag))
            {
                return Kind.Unreadable;
            }

            if (tag is ClickTag or MarkTag)
            {
                kind = tag == ClickTag ? Kind.Click : Kind.Mark;
                if (!TryReadBytes(out body))
                {
                    return Kind.Unreadable;
                }
            }
            else if (!TrySkip((int)tag & 7))
            {
                return Kind.Unreadable;
            }
        }

        _rest = body;
        return kind switch
        {
            Kind.Click when TryReadClick() => Kind.Click,
            Kind.Mark when TryReadMark() => Kind.Mark,
            _ => Kind.Unreadable,
        };
    }

    private bool TryReadClick()
    {
        while (!_rest.IsEmpty)
        {
            if (!TryReadVarint(out var tag))
            {
                return false;
            }

            ulong number = 0;
            var ok = tag switch
            {
                (1 << 3) | Fixed64 => TryReadFixed64(out Nonce),
                (2 << 3) | Fixed64 => TryReadFixed64(out ImpressionHigh),
                (3 << 3) | Fixed64 => TryReadFixed64(out ImpressionLow),
                (4 << 3) | Varint => TryReadInt64(out ExpiresAtMs),
                (5 << 3) | LengthDelimited => TryReadBytes(out AdId),
                (6 << 3) | Varint => TryReadVarint(out number) && number < AdKey.MaxSubShards,
                (7 << 3) | Varint => TryReadInt64(out ClickTimeMs),
                (8 << 3) | Varint => TryReadVarint(out number) && number <= (ulong)ClickVerdict.InactiveAd,
                (16 << 3) | LengthDelimited => TryReadBytes(out Placement),
                (17 << 3) | LengthDelimited => TryReadBytes(out UserAgent),
                (18 << 3) | LengthDelimited => TryReadBytes(out ClientNetwork),
                (19 << 3) | LengthDelimited => TryReadBytes(out ReferrerHost),
                (20 << 3) | LengthDelimited => TryReadBytes(out Language),
                (21 << 3) | LengthDelimited => TryReadBytes(out Gateway),
                _ => TrySkip((int)tag & 7),
            };
            if (!ok)
            {
                return false;
            }

            if (tag == ((6 << 3) | Varint))
            {
                SubShard = (int)number;
            }
            else if (tag == ((8 << 3) | Varint))
            {
                Verdict = (ClickVerdict)number;
            }
        }

        return AdId.Length is > 0 and <= Ids.MaxLength
            && ClickTimeMs is >= 0 and < MaxTimeMs && ExpiresAtMs is >= 0 and < MaxTimeMs;
    }

    private bool TryReadMark()
    {
        while (!_rest.IsEmpty)
        {
            if (!TryReadVarint(out var tag))
            {
                return false;
            }

            var ok = tag switch
            {
                (1 << 3) | LengthDelimited => TryReadBytes(out Gateway),
                (2 << 3) | Varint => TryReadInt64(out TimeMs),
                (3 << 3) | Varint => TryReadInt64(out OpenFromMs),
                _ => TrySkip((int)tag & 7),
            };
            if (!ok)
            {
                return false;
            }
        }

        return !Gateway.IsEmpty && TimeMs is >= 0 and < MaxTimeMs && OpenFromMs is >= 0 and < MaxTimeMs;
    }

    private bool TrySkip(int wireType) => wireType switch
    {
        Varint => TryReadVarint(out _),
        Fixed64 => TryReadFixed64(out _),
        LengthDelimited => TryReadBytes(out _),
        Fixed32 => TryAdvance(4),
        _ => false,
    };

    private bool TryReadInt64(out long value)
    {
        var ok = TryReadVarint(out var raw);
        value = (long)raw;
        return ok;
    }

    private bool TryReadVarint(out ulong value)
    {
        value = 0;
        for (var i = 0; i < _rest.Length && i < 10; i++)
        {
            value |= (ulong)(_rest[i] & 0x7f) << (7 * i);
            if (_rest[i] < 0x80)
            {
                _rest = _rest[(i + 1)..];
                return true;
            }
        }

        return false;
    }

    private bool TryReadFixed64(out ulong value)
    {
        value = _rest.Length >= 8 ? BinaryPrimitives.ReadUInt64LittleEndian(_rest) : 0;
        return TryAdvance(8);
    }

    private bool TryReadBytes(out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (!TryReadVarint(out var length) || length > (ulong)_rest.Length)
        {
            return false;
        }

        bytes = _rest[..(int)length];
        return TryAdvance((int)length);
    }

    private bool TryAdvance(int count)
    {
        if (_rest.Length < count)
        {
            return false;
        }

        _rest = _rest[count..];
        return true;
    }
}
