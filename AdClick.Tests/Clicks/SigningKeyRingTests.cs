using System.Buffers.Text;
using System.Security.Cryptography;
using AdClick.Actors.Clicks;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Xunit;

namespace AdClick.Tests.Clicks;

public class SigningKeyRingTests
{
    private static readonly byte[] Secret = [.. Enumerable.Range(1, SigningKey.SecretLength).Select(i => (byte)i)];
    private static readonly byte[] OtherSecret = [.. Secret.Select(b => (byte)(b + 100))];
    private static readonly SigningKeyRing Ring = new([new SigningKey("k1", Secret)], "k1");

    private static readonly ImpressionId Impression = ImpressionId.New(DateTimeOffset.FromUnixTimeMilliseconds(1_763_900_000_000));

    private static ImpressionToken Token => new(Impression, 1_763_990_000_000, "ad-1", 0, "top");

    [Property(MaxTest = 500)]
    public Property A_token_says_after_verification_what_was_signed() => Prop.ForAll(Arbitrary.Token.ToArbitrary(), token =>
    {
        Assert.True(Ring.TryVerify(Ring.Sign(token), out var read, out var key));
        Assert.Equal(token, read);
        Assert.Equal("k1", key.KeyId);
    });

    [Property(MaxTest = 500)]
    public Property A_click_ID_says_after_verification_what_was_signed() => Prop.ForAll(Arbitrary.Token.ToArbitrary(), token =>
    {
        var text = Ring.SignClickId(token.Impression, token.Ad, token.ExpiresAtMs);
        Assert.True(Ring.TryVerifyClickId(text, out var read));
        Assert.Equal(new ClickId(token.Impression, token.Ad, token.ExpiresAtMs, "k1"), read);
    });

    [Property(MaxTest = 300)]
    public Property Neither_is_accepted_in_place_of_the_other() => Prop.ForAll(Arbitrary.Token.ToArbitrary(), token =>
    {
        Assert.False(Ring.TryVerifyClickId(Ring.Sign(token), out _));
        Assert.False(Ring.TryVerify(Ring.SignClickId(token.Impression, token.Ad, token.ExpiresAtMs), out _, out _));
    });

    [Property(MaxTest = 20)]
    public Property Every_flip_of_one_bit_is_refused() => Prop.ForAll(Arbitrary.Token.ToArbitrary(), token =>
    {
        AssertEveryFlipRefused(Ring.Sign(token), text => Ring.TryVerify(text, out _, out _));
        AssertEveryFlipRefused(Ring.SignClickId(token.Impression, token.Ad, token.ExpiresAtMs), text => Ring.TryVerifyClickId(text, out _));
    });

    [Fact]
    public void Every_change_of_one_character_is_refused()
    {
        // Also where only the unused bits of the last character change: 47 to 49 bytes leave 2, 0 and 4 of them.
        foreach (var placement in new[] { "a", "ab", "abc" })
        {
            var text = Ring.Sign(Token with { Placement = placement });
            for (var i = 0; i < text.Length; i++)
            {
                foreach (var other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= \n\0é".Where(c => c != text[i]))
                {
                    var changed = text[..i] + other + text[(i + 1)..];
                    Assert.False(Ring.TryVerify(changed, out _, out _), changed);
                }
            }
        }
    }

    [Theory]
    [InlineData("=")]
    [InlineData("==")]
    [InlineData("A")]
    [InlineData("AA")]
    [InlineData("AAAA")]
    [InlineData(" ")]
    [InlineData("\n")]
    [InlineData("%3D")]
    public void Nothing_may_stand_around_a_token(string added)
    {
        Assert.False(Ring.TryVerify(Ring.Sign(Token) + added, out _, out _));
        Assert.False(Ring.TryVerify(added + Ring.Sign(Token), out _, out _));
    }

    [Property(MaxTest = 1000)]
    public Property Random_text_is_refused_and_never_throws() => Prop.ForAll(Arbitrary.Text.ToArbitrary(), AssertRefused);

    [Property(MaxTest = 1000)]
    public Property Random_bytes_are_refused_and_never_throw() => Prop.ForAll(Arbitrary.Bytes.ToArbitrary(), bytes =>
    {
        AssertRefused(Base64Url.EncodeToString(bytes));
        AssertRefused(Base64Url.EncodeToString([SignedText.TokenFormat, 2, (byte)'k', (byte)'1', .. bytes]));
        AssertRefused(Base64Url.EncodeToString([SignedText.ClickIdFormat, 2, (byte)'k', (byte)'1', .. bytes]));
    });

    [Property(MaxTest = 1000)]
    public Property Rightly_signed_nonsense_never_throws_and_keeps_the_rules(bool clickId) => Prop.ForAll(Arbitrary.Bytes.ToArbitrary(), bytes =>
    {
        var text = SignBytes([clickId ? SignedText.ClickIdFormat : SignedText.TokenFormat, 2, (byte)'k', (byte)'1', .. bytes]);
        if (Ring.TryVerify(text, out var token, out _))
        {
            Assert.Equal(text, Ring.Sign(token));
        }

        if (Ring.TryVerifyClickId(text, out var read))
        {
            Assert.Equal(text, Ring.SignClickId(read.Impression, read.Ad, read.ClickTimeMs));
        }
    });

    [Fact]
    public void Rightly_signed_tokens_that_break_a_rule_are_refused()
    {
        var good = Base64Url.DecodeFromChars(Ring.Sign(Token))[..^SigningKey.SignatureLength];
        Assert.True(Ring.TryVerify(SignBytes(good), out _, out _)); // 1 format, 3 key ID, 16 impression, 6 expiry, 1 sub-shard, 5 ad ID, 4 placement

        AssertRuleBroken("unknown version", bytes => bytes[0] = 2);
        AssertRuleBroken("no UUIDv7", bytes => bytes[4 + 6] = 0x4a);
        AssertRuleBroken("another variant", bytes => bytes[4 + 8] |= 0x40);
        AssertRuleBroken("year 10889", bytes => bytes[20] = 0xff);
        AssertRuleBroken("sub-shard 64", bytes => bytes[26] = 64);
        AssertRuleBroken("sub-shard not the low bits", bytes => bytes[26] = (byte)((bytes[19] ^ 1) & 63 | 32));
        AssertRuleBroken("space in ad ID", bytes => bytes[28] = (byte)' ');
        AssertRuleBroken("byte beyond ASCII in ad ID", bytes => bytes[28] = 0xc3);
        AssertRuleBroken("slash in placement", bytes => bytes[33] = (byte)'/');
        AssertRuleBroken("ad ID longer than the token", bytes => bytes[27] = 60);
        AssertRuleBroken("placement longer than the token", bytes => bytes[32] = 4);
        AssertRuleBroken("placement shorter, trailing byte", bytes => bytes[32] = 2);
        AssertRuleBroken("no placement, trailing bytes", bytes => bytes[32] = 0);
        AssertRuleBroken("empty ad ID", bytes => bytes[27] = 0);
        Assert.False(Ring.TryVerify(SignBytes([.. good, 0]), out _, out _));
        for (var length = 0; length < good.Length; length++)
        {
            Assert.False(Ring.TryVerify(SignBytes(good[..length]), out _, out _), $"cut to {length} bytes");
        }

        void AssertRuleBroken(string rule, Action<byte[]> breaking)
        {
            var bytes = good.ToArray();
            breaking(bytes);
            Assert.False(Ring.TryVerify(SignBytes(bytes), out var token, out var key), rule);
            Assert.Equal(default, token);
            Assert.Null(key);
        }
    }

    [Fact]
    public void The_longest_of_all_are_as_long_as_the_limit_says()
    {
        var longest = new SigningKey(new string('k', SigningKey.MaxKeyIdLength), Secret);
        var ring = new SigningKeyRing([longest], longest.KeyId);
        var id = new string('x', Ids.MaxLength);
        var token = ring.Sign(new ImpressionToken(Impression, 1, id, 0, id));
        var clickId = ring.SignClickId(Impression, new AdKey(id, 63), 1);
        Assert.Equal(SigningKeyRing.MaxTokenLength, token.Length);
        Assert.Equal(SigningKeyRing.MaxClickIdLength, clickId.Length);
        Assert.True(ring.TryVerify(token, out _, out _));
        Assert.True(ring.TryVerifyClickId(clickId, out _));
        Assert.False(ring.TryVerify(new string('A', 10_000_000), out _, out _));
    }

    [Fact]
    public void Any_key_of_the_ring_is_accepted_and_named()
    {
        var old = new SigningKey("old", OtherSecret);
        var ring = new SigningKeyRing([old, new SigningKey("new", Secret)], "new");
        Assert.Equal("new", ring.SigningKeyId);
        Assert.True(ring.TryVerify(ring.Sign(Token), out _, out var key));
        Assert.Equal("new", key.KeyId);
        Assert.True(ring.TryVerify(ring.Sign(Token, old), out _, out key));
        Assert.Same(old, key);
        Assert.True(ring.TryVerifyClickId(new SigningKeyRing([old], "old").SignClickId(Impression, new AdKey("a", 0), 1), out var clickId));
        Assert.Equal("old", clickId.KeyId);
    }

    [Fact]
    public void A_key_that_is_not_in_the_ring_is_not_accepted()
    {
        var foreign = new SigningKeyRing([new SigningKey("k9", OtherSecret)], "k9");
        var forged = new SigningKeyRing([new SigningKey("k1", OtherSecret)], "k1");
        Assert.False(Ring.TryVerify(foreign.Sign(Token), out _, out _));
        Assert.False(Ring.TryVerify(forged.Sign(Token), out _, out _));
        Assert.False(Ring.TryVerifyClickId(forged.SignClickId(Impression, new AdKey("a", 0), 1), out _));
        var error = Assert.Throws<ArgumentException>(() => Ring.Sign(Token, new SigningKey("k1", OtherSecret)));
        Assert.Contains("k1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_bound_to_advertisers_vouches_for_impressions_alone()
    {
        var bound = new SigningKey("partner", OtherSecret, new HashSet<string> { "adv-1" });
        var ring = new SigningKeyRing([new SigningKey("k1", Secret), bound], "k1");
        Assert.True(bound.MaySign("adv-1"));
        Assert.False(bound.MaySign("adv-2"));
        Assert.True(ring.TryVerify(ring.Sign(Token, bound), out _, out var key));
        Assert.Same(bound, key);
        var partner = new SigningKeyRing([new SigningKey("partner", OtherSecret)], "partner");
        Assert.False(ring.TryVerifyClickId(partner.SignClickId(Impression, new AdKey("a", 0), 1), out _));
    }

    [Fact]
    public void A_key_never_shows_its_secret()
    {
        var key = new SigningKey("k1", Secret);
        Assert.Equal("k1", key.ToString());
        Assert.Equal(["KeyId", "Advertisers"], typeof(SigningKey).GetProperties().Select(property => property.Name));
        Assert.DoesNotContain(typeof(SigningKey).GetFields(), field => !field.IsLiteral);
    }

    [Fact]
    public void Keys_that_are_wrong_are_refused_by_name()
    {
        AssertSays("'a b'", () => new SigningKey("a b", Secret));
        AssertSays("1 to 32", () => new SigningKey(new string('k', 33), Secret));
        AssertSays("1 to 32", () => new SigningKey("", Secret));
        AssertSays("'k1' has 31 bytes", () => new SigningKey("k1", Secret.AsSpan(1)));
        AssertSays("'k1' is bound to no advertiser", () => new SigningKey("k1", Secret, new HashSet<string>()));
        AssertSays("'adv 1'", () => new SigningKey("k1", Secret, new HashSet<string> { "adv 1" }));

        var key = new SigningKey("k1", Secret);
        AssertSays("there are none", () => new SigningKeyRing([], "k1"));
        AssertSays("'k2' that is to sign is not among the signing keys (k1)", () => new SigningKeyRing([key], "k2"));
        AssertSays("'k1' is given twice", () => new SigningKeyRing([key, new SigningKey("k1", OtherSecret)], "k1"));
        AssertSays("'k1' and 'k2' have the same secret", () => new SigningKeyRing([key, new SigningKey("k2", Secret)], "k1"));
        AssertSays("'k1' is bound", () => new SigningKeyRing([new SigningKey("k1", Secret, new HashSet<string> { "a" })], "k1"));
    }

    [Fact]
    public void What_verification_would_refuse_is_not_signed()
    {
        AssertSays("UUIDv7", () => Ring.Sign(Token with { Impression = new ImpressionId(1, 2) }));
        AssertSays("'a/b'", () => Ring.Sign(Token with { AdId = "a/b" }));
        AssertSays("placement ''", () => Ring.Sign(Token with { Placement = "" }));
        AssertSays("sub-shard 64", () => Ring.Sign(Token with { SubShard = 64 }));
        AssertSays("sub-shard -1", () => Ring.Sign(Token with { SubShard = -1 }));
        AssertSays("low bits", () => Ring.Sign(Token with { SubShard = (Impression.SubShard(64) ^ 1) | 32 }));
        AssertSays("expiry -1", () => Ring.Sign(Token with { ExpiresAtMs = -1 }));
        AssertSays("expiry 8000000000000", () => Ring.Sign(Token with { ExpiresAtMs = LogRecordReader.MaxTimeMs }));
        AssertSays("click time -1", () => Ring.SignClickId(Impression, new AdKey("a", 0), -1));
        AssertSays("sub-shard 64", () => Ring.SignClickId(Impression, new AdKey("a", 64), 1));
    }

    [Fact]
    public void The_sub_shard_is_right_for_any_number_of_sub_shards_and_no_other()
    {
        for (var low = 0; low < 64; low++)
        {
            var impression = new ImpressionId(0x7000, (1UL << 63) | (uint)low);
            var right = Enumerable.Range(0, 7).Select(bits => impression.SubShard(1 << bits)).ToHashSet();
            for (var subShard = -1; subShard <= 64; subShard++)
            {
                Assert.Equal(right.Contains(subShard), ImpressionToken.IsSubShardOf(impression, subShard));
            }
        }
    }

    [Fact]
    public void Many_threads_can_sign_and_verify_at_once() => Parallel.For(0, 20_000, i =>
    {
        var token = Token with { ExpiresAtMs = i };
        Assert.True(Ring.TryVerify(Ring.Sign(token), out var read, out _));
        Assert.Equal(i, read.ExpiresAtMs);
    });

    [Fact]
    public void Verifying_and_signing_allocate_no_more_than_their_results()
    {
        var token = Ring.Sign(Token with { Placement = null });
        string clickId = "";
        Run(100); // the first run makes the keyed hashes
        var before = GC.GetAllocatedBytesForCurrentThread();
        Run(1000);
        var perClick = (GC.GetAllocatedBytesForCurrentThread() - before) / 1000;
        var results = SizeOf("ad-1") + SizeOf(clickId);
        Assert.InRange(perClick, results, results + 16); // a thread that changes its processor may make one more hash

        void Run(int count)
        {
            for (var i = 0; i < count; i++)
            {
                Ring.TryVerify(token, out var read, out _);
                clickId = Ring.SignClickId(read.Impression, read.Ad, i);
            }
        }

        static long SizeOf(string text) => (22 + (2 * text.Length) + 7) / 8 * 8;
    }

    private static void AssertRefused(string text)
    {
        Assert.False(Ring.TryVerify(text, out var token, out var key));
        Assert.Equal(default, token);
        Assert.Null(key);
        Assert.False(Ring.TryVerifyClickId(text, out var clickId));
        Assert.Equal(default, clickId);
    }

    private static void AssertEveryFlipRefused(string text, Func<string, bool> verify)
    {
        var bytes = Base64Url.DecodeFromChars(text);
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(verify(Base64Url.EncodeToString(bytes)), $"bit {bit} of {text}");
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Assert.True(verify(Base64Url.EncodeToString(bytes)));
    }

    private static string SignBytes(byte[] content) =>
        Base64Url.EncodeToString([.. content, .. HMACSHA256.HashData(Secret, content)[..SigningKey.SignatureLength]]);

    private static void AssertSays(string part, Func<object> act) =>
        Assert.Contains(part, Assert.Throws<ArgumentException>(act).Message, StringComparison.Ordinal);
}
