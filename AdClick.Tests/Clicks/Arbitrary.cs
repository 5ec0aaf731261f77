using AdClick.Actors.Clicks;
using FsCheck;
using FsCheck.Fluent;

namespace AdClick.Tests.Clicks;

/// <summary>Generators of the words of a click, for properties.</summary>
public static class Arbitrary
{
    private const string IdAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

    /// <summary>Times that a record can hold, small ones and the greatest among them.</summary>
    public static Gen<long> TimesMs { get; } =
        Gen.OneOf(Gen.Elements(0L, 1L, LogRecordReader.MaxTimeMs - 1), UInt64s.Select(bits => (long)(bits % (ulong)LogRecordReader.MaxTimeMs)));

    public static Gen<string> Id { get; } =
        from length in Gen.OneOf(Gen.Choose(1, 8), Gen.Choose(1, Ids.MaxLength))
        from characters in Gen.ArrayOf(Gen.Elements(IdAlphabet.ToCharArray()), length)
        select new string(characters);

    public static Gen<ImpressionId> Impression { get; } =
        from high in UInt64s
        from low in UInt64s
        select new ImpressionId((high & ~0xf000UL) | 0x7000, (low >> 2) | (1UL << 63));

    public static Gen<ImpressionToken> Token { get; } =
        from impression in Impression
        from expiresAtMs in TimesMs
        from adId in Id
        from shardBits in Gen.Choose(0, 6)
        from placement in Optional(Id)
        select new ImpressionToken(impression, expiresAtMs, adId, impression.SubShard(1 << shardBits), placement);

    /// <summary>Text of any kind: ASCII, other scripts, pairs, lone surrogates, controls.</summary>
    public static Gen<string> Text { get; } =
        from length in Gen.OneOf(Gen.Choose(0, 40), Gen.Choose(500, 530))
        from pieces in Gen.ArrayOf(
            Gen.OneOf(
                Gen.Choose(32, 126).Select(c => ((char)c).ToString()),
                Gen.Choose(0, 0xffff).Select(c => ((char)c).ToString()),
                Gen.Choose(0x10000, 0x10ffff).Select(char.ConvertFromUtf32)),
            length)
        select string.Concat(pieces);

    public static Gen<ClickRecord> Click { get; } =
        from nonce in Gen.OneOf(Gen.Constant(0UL), UInt64s)
        from token in Token
        from clickTimeMs in TimesMs
        from verdict in Gen.Elements(Enum.GetValues<ClickVerdict>())
        from userAgent in Optional(Text)
        from texts in Gen.ArrayOf(Optional(Id), 4)
        select new ClickRecord
        {
            Nonce = nonce,
            Impression = token.Impression,
            ExpiresAtMs = token.ExpiresAtMs,
            Ad = token.Ad,
            ClickTimeMs = clickTimeMs,
            Verdict = verdict,
            Placement = token.Placement,
            UserAgent = userAgent,
            ClientNetwork = texts[0]?[..Math.Min(texts[0]!.Length, ClientNetwork.MaxLength)],
            ReferrerHost = texts[1],
            Language = texts[2]?[..Math.Min(texts[2]!.Length, Language.MaxLength)],
            Gateway = texts[3],
        };

    public static Gen<MarkRecord> Mark { get; } =
        from gateway in Id
        from timeMs in TimesMs
        from openFromMs in TimesMs
        select new MarkRecord(gateway, timeMs, openFromMs);

    public static Gen<byte[]> Bytes { get; } =
        from length in Gen.OneOf(Gen.Choose(0, 12), Gen.Choose(0, 300))
        from bytes in Gen.ArrayOf(Gen.Choose(0, 255).Select(value => (byte)value), length)
        select bytes;

    private static Gen<ulong> UInt64s =>
        Gen.ArrayOf(Gen.Choose(0, 0xffff), 4).Select(parts => parts.Aggregate(0UL, (value, part) => (value << 16) | (uint)part));

    private static Gen<T?> Optional<T>(Gen<T> some) where T : class => Gen.OneOf(Gen.Constant<T?>(null), some.Select(value => (T?)value));
}
