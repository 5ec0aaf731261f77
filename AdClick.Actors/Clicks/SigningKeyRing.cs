using System.Diagnostics.CodeAnalysis;

namespace AdClick.Actors.Clicks;

/// <summary>
/// Signs and verifies impression tokens and click IDs (I6). Several keys are accepted, one signs, so that keys can be changed without a token lost.
/// Safe for use by many threads. docs/token-format.md is what an ad server reads that signs by itself.
/// </summary>
public sealed class SigningKeyRing
{
    /// <summary>Longest text of an impression token, in characters.</summary>
    public const int MaxTokenLength = ((SignedText.MaxTokenBytes * 4) + 2) / 3;

    /// <summary>Longest text of a click ID, in characters.</summary>
    public const int MaxClickIdLength = ((SignedText.MaxClickIdBytes * 4) + 2) / 3;

    private readonly SigningKey[] _keys;
    private readonly SigningKey _signingKey;

    /// <summary>A ring of keys.</summary>
    /// <param name="keys">All keys whose signatures are accepted.</param>
    /// <param name="signingKeyId">The one among them that signs; it is not bound to advertisers.</param>
    /// <exception cref="ArgumentException">Says what is wrong and with which key.</exception>
    public SigningKeyRing(IEnumerable<SigningKey> keys, string signingKeyId)
    {
        _keys = [.. keys];
        for (var i = 0; i < _keys.Length; i++)
        {
            for (var other = 0; other < i; other++)
            {
                if (_keys[other].KeyId == _keys[i].KeyId)
                {
                    throw new ArgumentException($"The signing key ID '{_keys[i].KeyId}' is given twice.", nameof(keys));
                }

                // Whoever holds the secret under one ID could sign under the other, past its binding to advertisers.
                if (_keys[other].HasSecretOf(_keys[i]))
                {
                    throw new ArgumentException(
                        $"The signing keys '{_keys[other].KeyId}' and '{_keys[i].KeyId}' have the same secret; each needs its own.", nameof(keys));
                }
            }
        }

        _signingKey = Array.Find(_keys, key => key.KeyId == signingKeyId) ?? throw new ArgumentException(
            $"The key '{signingKeyId}' that is to sign is not among the signing keys "
            + $"({(_keys.Length == 0 ? "there are none" : string.Join(", ", (object[])_keys))}).",
            nameof(signingKeyId));
        if (_signingKey.Advertisers is not null)
        {
            throw new ArgumentException(
                $"The key '{signingKeyId}' is bound to advertisers, so it can't be the one that signs for all ads; name a key that is not bound.",
                nameof(signingKeyId));
        }
    }

    /// <summary>The ID of the key that signs.</summary>
    public string SigningKeyId => _signingKey.KeyId;

    /// <summary>The signed text of a token.</summary>
    /// <exception cref="ArgumentException">The token breaks a rule that verification would refuse it for.</exception>
    public string Sign(in ImpressionToken token) => Sign(token, _signingKey);

    /// <summary>The signed text of a token under a key of the caller's choice, one of the ring.</summary>
    /// <exception cref="ArgumentException">The key is not of this ring, or the token breaks a rule that verification would refuse it for.</exception>
    public string Sign(in ImpressionToken token, SigningKey key)
    {
        if (!_keys.Contains(key))
        {
            throw new ArgumentException($"The key '{key}' is not one of this ring, which would not accept its signature.", nameof(key));
        }

        CheckCommon(token.Impression, token.AdId, token.SubShard, token.ExpiresAtMs, "expiry");
        if (!ImpressionToken.IsSubShardOf(token.Impression, token.SubShard))
        {
            throw new ArgumentException($"Sub-shard {token.SubShard} is not the low bits of impression {token.Impression}.", nameof(token));
        }

        if (token.Placement is not null && !Ids.IsValid(token.Placement))
        {
            throw new ArgumentException($"The placement '{token.Placement}' must be {Ids.Rule}, or null.", nameof(token));
        }

        var text = new SignedText(stackalloc byte[SignedText.MaxTokenBytes]);
        WriteCommon(ref text, SignedText.TokenFormat, key, token.Impression, token.ExpiresAtMs, token.Ad);
        text.WriteId(token.Placement);
        return text.Sign(key);
    }

    /// <summary>
    /// Reads a token and checks its signature. Never throws, whatever the text. Whether the token is expired, or the key may sign for the ad's
    /// advertiser, is left to the caller.
    /// </summary>
    public bool TryVerify(ReadOnlySpan<char> text, out ImpressionToken token, [NotNullWhen(true)] out SigningKey? key)
    {
        token = default;
        Span<byte> bytes = stackalloc byte[SignedText.MaxTokenBytes];
        if (!TryOpen(text, bytes, SignedText.TokenFormat, out var content, out key))
        {
            return false;
        }

        string? placement = null;
        if (!TryReadCommon(ref content, out var impression, out var expiresAtMs, out var ad)
            || !ImpressionToken.IsSubShardOf(impression, ad.SubShard)
            || !TryReadPlacement(ref content, ref placement)
            || content.TryReadByte(out _))
        {
            key = null;
            return false;
        }

        token = new ImpressionToken(impression, expiresAtMs, ad.AdId, ad.SubShard, placement);
        return true;
    }

    /// <summary>The signed text of a click ID.</summary>
    /// <param name="impression">The impression that was clicked.</param>
    /// <param name="ad">The ad key of its token.</param>
    /// <param name="clickTimeMs">When the gateway took the request, Unix milliseconds.</param>
    /// <exception cref="ArgumentException">An argument breaks a rule that verification would refuse the text for.</exception>
    public string SignClickId(ImpressionId impression, AdKey ad, long clickTimeMs)
    {
        CheckCommon(impression, ad.AdId, ad.SubShard, clickTimeMs, "click time");
        var text = new SignedText(stackalloc byte[SignedText.MaxClickIdBytes]);
        WriteCommon(ref text, SignedText.ClickIdFormat, _signingKey, impression, clickTimeMs, ad);
        return text.Sign(_signingKey);
    }

    /// <summary>
    /// Reads a click ID and checks its signature. Never throws, whatever the text. A key that is bound to advertisers is in other hands than ours and
    /// vouches for impressions alone: a click ID under it is refused.
    /// </summary>
    public bool TryVerifyClickId(ReadOnlySpan<char> text, out ClickId clickId)
    {
        clickId = default;
        Span<byte> bytes = stackalloc byte[SignedText.MaxClickIdBytes];
        if (!TryOpen(text, bytes, SignedText.ClickIdFormat, out var content, out var key)
            || key.Advertisers is not null
            || !TryReadCommon(ref content, out var impression, out var clickTimeMs, out var ad)
            || content.TryReadByte(out _))
        {
            return false;
        }

        clickId = new ClickId(impression, ad, clickTimeMs, key.KeyId);
        return true;
    }

    private static void CheckCommon(in ImpressionId impression, string adId, int subShard, long timeMs, string timeName)
    {
        if (!impression.IsUuidV7)
        {
            throw new ArgumentException($"The impression ID {impression} is not a UUIDv7.");
        }

        if (!Ids.IsValid(adId))
        {
            throw new ArgumentException($"The ad ID '{adId}' must be {Ids.Rule}.");
        }

        if (subShard is < 0 or >= AdKey.MaxSubShards)
        {
            throw new ArgumentException($"The sub-shard {subShard} must be 0 to {AdKey.MaxSubShards - 1}.");
        }

        if (timeMs is < 0 or >= LogRecordReader.MaxTimeMs)
        {
            throw new ArgumentException($"The {timeName} {timeMs} must be Unix milliseconds, 0 or more and below {LogRecordReader.MaxTimeMs}.");
        }
    }

    private static void WriteCommon(ref SignedText text, byte format, SigningKey key, in ImpressionId impression, long timeMs, AdKey ad)
    {
        text.WriteByte(format);
        text.WriteId(key.KeyId);
        text.WriteImpression(impression);
        text.WriteTime(timeMs);
        text.WriteByte(ad.SubShard);
        text.WriteId(ad.AdId);
    }

    /// <summary>Finds the key and checks the signature; nothing after the key ID is looked at before.</summary>
    private bool TryOpen(
        ReadOnlySpan<char> text, Span<byte> buffer, byte format, out SignedText content, [NotNullWhen(true)] out SigningKey? key)
    {
        content = default;
        key = null;
        if (!SignedText.TryDecode(text, buffer, out var length) || length <= SigningKey.SignatureLength)
        {
            return false;
        }

        var signed = buffer[..(length - SigningKey.SignatureLength)];
        content = new SignedText(signed);
        if (!content.TryReadByte(out var first) || first != format || !content.TryReadIdBytes(SigningKey.MaxKeyIdLength, out var keyId))
        {
            return false;
        }

        foreach (var candidate in _keys)
        {
            if (candidate.HasId(keyId))
            {
                key = candidate.HasSigned(signed, buffer[signed.Length..length]) ? candidate : null;
                return key is not null;
            }
        }

        return false;
    }

    private static bool TryReadCommon(ref SignedText content, out ImpressionId impression, out long timeMs, out AdKey ad)
    {
        timeMs = 0;
        ad = default;
        if (!content.TryReadImpression(out impression)
            || !content.TryReadTime(out timeMs)
            || !content.TryReadByte(out var subShard) || subShard >= AdKey.MaxSubShards
            || !content.TryReadId(out var adId))
        {
            return false;
        }

        ad = new AdKey(adId, subShard);
        return true;
    }

    private static bool TryReadPlacement(ref SignedText content, ref string? placement)
    {
        var afterLength = content;
        if (afterLength.TryReadByte(out var length) && length == 0)
        {
            content = afterLength;
            return true;
        }

        var ok = content.TryReadId(out var read);
        placement = ok ? read : null;
        return ok;
    }
}
