using System.Buffers.Binary;
using System.Text;

namespace AdClick.Actors.Clicks;

/// <summary>A click as the gateway writes it to the log; click.proto says what each field means.</summary>
public readonly record struct ClickRecord
{
    /// <summary>Random number of this click; a copy of the click carries the same.</summary>
    public required ulong Nonce { get; init; }

    /// <summary>The impression that was clicked.</summary>
    public required ImpressionId Impression { get; init; }

    /// <summary>End of the impression token's life, Unix milliseconds.</summary>
    public required long ExpiresAtMs { get; init; }

    /// <summary>The ad, and the sub-shard of its token.</summary>
    public required AdKey Ad { get; init; }

    /// <summary>When the gateway took the request, Unix milliseconds.</summary>
    public required long ClickTimeMs { get; init; }

    /// <summary>What the gateway holds against the click.</summary>
    public ClickVerdict Verdict { get; init; }

    /// <summary>Where the ad was shown, or null.</summary>
    public string? Placement { get; init; }

    /// <summary>The User-Agent header; cut to <see cref="ClickRecordWriter.MaxUserAgentLength"/> characters when written.</summary>
    public string? UserAgent { get; init; }

    /// <summary>What <see cref="Clicks.ClientNetwork.Cut"/> has left of the client's address.</summary>
    public string? ClientNetwork { get; init; }

    /// <summary>The host of the Referer header.</summary>
    public string? ReferrerHost { get; init; }

    /// <summary>The first language of the Accept-Language header.</summary>
    public string? Language { get; init; }

    /// <summary>The node that writes the click.</summary>
    public string? Gateway { get; init; }
}

/// <summary>A gateway's mark: none of its clicks before <paramref name="OpenFromMs"/> is still to come.</summary>
/// <param name="Gateway">The node's name; not empty.</param>
/// <param name="TimeMs">Now on the gateway's clock, Unix milliseconds.</param>
/// <param name="OpenFromMs">Click time of its oldest click that is not in the log yet; <paramref name="TimeMs"/> when there is none.</param>
public readonly record struct MarkRecord(string Gateway, long TimeMs, long OpenFromMs)
{
    /// <summary>In place of <see cref="OpenFromMs"/>: the gateway leaves with nothing open, and takes no click before its next mark is in the log.</summary>
    public const long NothingOpen = LogRecordReader.MaxTimeMs - 1;
}

/// <summary>
/// Writes a <c>LogRecord</c> (click.proto) straight into the caller's memory, byte for byte as the generated code does, which a test compares;
/// that would take two objects and an array per click. Texts beyond their limit are cut, so that no record is ever too long for the log.
/// </summary>
public static class ClickRecordWriter
{
    /// <summary>Longest user agent that is kept, in UTF-16 characters.</summary>
    public const int MaxUserAgentLength = 512;

    /// <summary>Longest name of a gateway that is kept, in characters.</summary>
    public const int MaxGatewayLength = 64;

    private const int MaxBytesPerCharacter = 3; // UTF-8 of one UTF-16 character; a pair takes four
    private const int MaxVarint = 10;

    /// <summary>
    /// No record is longer, in bytes; less than half of what the log takes. Texts with their tags (2) and lengths (2), two fixed halves and the
    /// nonce with theirs, times, sub-shard and verdict, and the frame around them.
    /// </summary>
    public const int MaxBytes = ((Ids.MaxLength * 2) + MaxUserAgentLength + ClientNetwork.MaxLength + ReferrerHost.MaxLength + Language.MaxLength
        + MaxGatewayLength) * MaxBytesPerCharacter + (7 * 4) + (3 * 9) + (4 * (1 + MaxVarint)) + 4;

    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int LengthDelimited = 2;

    /// <summary>Encodes a click.</summary>
    /// <param name="click">The click.</param>
    /// <param name="destination"><see cref="MaxBytes"/> are always enough.</param>
    /// <returns>Number of bytes written.</returns>
    /// <exception cref="ArgumentException">
    /// The click could be written, but not be read again: a malformed ad key, or a time out of range. <paramref name="destination"/> may also be
    /// too short.
    /// </exception>
    public static int Write(in ClickRecord click, Span<byte> destination)
    {
        if (!Ids.IsValid(click.Ad.AdId) || click.Ad.SubShard is < 0 or >= AdKey.MaxSubShards)
        {
            throw new ArgumentException(
                $"The log can't hold a click of ad key '{click.Ad}': the ad ID must be {Ids.Rule}, the sub-shard 0 to 63.", nameof(click));
        }

        CheckTime(click.ClickTimeMs, "click time", nameof(click));
        CheckTime(click.ExpiresAtMs, "expiry", nameof(click));

        var placement = Text.Of(click.Placement, Ids.MaxLength);
        var userAgent = Text.Of(click.UserAgent, MaxUserAgentLength);
        var network = Text.Of(click.ClientNetwork, ClientNetwork.MaxLength);
        var referrer = Text.Of(click.ReferrerHost, ReferrerHost.MaxLength);
        var language = Text.Of(click.Language, Language.MaxLength);
        var gateway = Text.Of(click.Gateway, MaxGatewayLength);
        var adId = Text.Of(click.Ad.AdId, Ids.MaxLength);

        var body = Fixed64Size(click.Nonce) + Fixed64Size(click.Impression.High) + Fixed64Size(click.Impression.Low)
            + VarintSize(click.ExpiresAtMs) + adId.Size(1) + VarintSize(click.Ad.SubShard) + VarintSize(click.ClickTimeMs)
            + VarintSize((int)click.Verdict) + placement.Size(2) + userAgent.Size(2) + network.Size(2) + referrer.Size(2)
            + language.Size(2) + gateway.Size(2);

        var output = Output.Of(1, body, destination);
        output.Fixed64Field(1, click.Nonce);
        output.Fixed64Field(2, click.Impression.High);
        output.Fixed64Field(3, click.Impression.Low);
        output.VarintField(4, click.ExpiresAtMs);
        output.TextField(5, adId);
        output.VarintField(6, click.Ad.SubShard);
        output.VarintField(7, click.ClickTimeMs);
        output.VarintField(8, (int)click.Verdict);
        output.TextField(16, placement);
        output.TextField(17, userAgent);
        output.TextField(18, network);
        output.TextField(19, referrer);
        output.TextField(20, language);
        output.TextField(21, gateway);
        return output.Length;
    }

    /// <summary>Encodes a mark.</summary>
    /// <param name="mark">The mark.</param>
    /// <param name="destination"><see cref="MaxBytes"/> are always enough.</param>
    /// <returns>Number of bytes written.</returns>
    /// <exception cref="ArgumentException">
    /// The mark could be written, but not be read again: no gateway, or a time out of range. <paramref name="destination"/> may also be too short.
    /// </exception>
    public static int Write(in MarkRecord mark, Span<byte> destination)
    {
        if (string.IsNullOrEmpty(mark.Gateway))
        {
            throw new ArgumentException("A mark needs the name of its gateway.", nameof(mark));
        }

        CheckTime(mark.TimeMs, "time", nameof(mark));
        CheckTime(mark.OpenFromMs, "open-from time", nameof(mark));
        var gateway = Text.Of(mark.Gateway, MaxGatewayLength);
        var output = Output.Of(2, gateway.Size(1) + VarintSize(mark.TimeMs) + VarintSize(mark.OpenFromMs), destination);
        output.TextField(1, gateway);
        output.VarintField(2, mark.TimeMs);
        output.VarintField(3, mark.OpenFromMs);
        return output.Length;
    }

    private static void CheckTime(long timeMs, string name, string parameter)
    {
        if (timeMs is < 0 or >= LogRecordReader.MaxTimeMs)
        {
            throw new ArgumentException(
                $"The log can't hold a {name} of {timeMs} Unix milliseconds (from 0 and below {LogRecordReader.MaxTimeMs}); check the clock.",
                parameter);
        }
    }

    // proto3 leaves out fields that have their default value.
    private static int Fixed64Size(ulong value) => value == 0 ? 0 : 1 + sizeof(ulong);

    private static int VarintSize(long value) => value == 0 ? 0 : 1 + NumberSize((ulong)value);

    private static int NumberSize(ulong value) => ((63 - (int)ulong.LeadingZeroCount(value | 1)) / 7) + 1;

    /// <summary>A text within its limit, and its length in UTF-8.</summary>
    private readonly ref struct Text
    {
        private Text(ReadOnlySpan<char> characters)
        {
            Characters = characters;
            ByteCount = Encoding.UTF8.GetByteCount(characters);
        }

        public ReadOnlySpan<char> Characters { get; }

        public int ByteCount { get; }

        /// <summary>Cuts a text that is too long; never through a surrogate pair.</summary>
        public static Text Of(string? text, int maxLength)
        {
            if (text is null || text.Length <= maxLength)
            {
                return new Text(text);
            }

            return new Text(text.AsSpan(0, char.IsHighSurrogate(text[maxLength - 1]) ? maxLength - 1 : maxLength));
        }

        public int Size(int tagSize) => ByteCount == 0 ? 0 : tagSize + NumberSize((ulong)ByteCount) + ByteCount;
    }

    private ref struct Output(Span<byte> destination)
    {
        private readonly Span<byte> _destination = destination;

        public int Length { get; private set; }

        /// <summary>Begins a record whose field has a body of that many bytes.</summary>
        public static Output Of(int field, int bodySize, Span<byte> destination)
        {
            var size = 1 + NumberSize((ulong)bodySize) + bodySize;
            if (size > destination.Length)
            {
                throw new ArgumentException(
                    $"The record takes {size} bytes, but there is room for {destination.Length}; {MaxBytes} are always enough.", nameof(destination));
            }

            var output = new Output(destination);
            output.Tag(field, LengthDelimited);
            output.Number((ulong)bodySize);
            return output;
        }

        public void Tag(int field, int wireType) => Number((ulong)((field << 3) | wireType));

        public void Number(ulong value)
        {
            while (value >= 0x80)
            {
                _destination[Length++] = (byte)(value | 0x80);
                value >>= 7;
            }

            _destination[Length++] = (byte)value;
        }

        public void Fixed64Field(int field, ulong value)
        {
            if (value != 0)
            {
                Tag(field, Fixed64);
                BinaryPrimitives.WriteUInt64LittleEndian(_destination[Length..], value);
                Length += sizeof(ulong);
            }
        }

        public void VarintField(int field, long value)
        {
            if (value != 0)
            {
                Tag(field, Varint);
                Number((ulong)value);
            }
        }

        public void TextField(int field, in Text text)
        {
            if (text.ByteCount != 0)
            {
                Tag(field, LengthDelimited);
                Number((ulong)text.ByteCount);
                Length += Encoding.UTF8.GetBytes(text.Characters, _destination[Length..]);
            }
        }
    }
}
