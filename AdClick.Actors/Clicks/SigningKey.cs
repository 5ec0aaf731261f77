using System.Security.Cryptography;
using System.Text;

namespace AdClick.Actors.Clicks;

/// <summary>
/// A secret that signs impression tokens and click IDs, and the ID that names it in them. The secret never leaves this class: neither by a
/// property nor in text.
/// </summary>
public sealed class SigningKey
{
    /// <summary>Longest key ID, in characters.</summary>
    public const int MaxKeyIdLength = 32;

    /// <summary>Length of a secret, in bytes: as much as HMAC-SHA256 has strength for.</summary>
    public const int SecretLength = 32;

    /// <summary>Length of a signature, in bytes: HMAC-SHA256 cut to half, 128 bits, as RFC 2104 allows.</summary>
    public const int SignatureLength = 16;

    private readonly byte[] _secret;
    private readonly byte[] _keyIdBytes;
    private readonly KeyedHash _hash;

    /// <summary>A key.</summary>
    /// <param name="keyId">1 to 32 of <c>A-Z a-z 0-9 _ -</c>.</param>
    /// <param name="secret">32 random bytes; copied.</param>
    /// <param name="advertisers">The only advertisers whose ads this key may sign for; null for all.</param>
    /// <exception cref="ArgumentException">Says what is wrong, and of which key.</exception>
    public SigningKey(string keyId, ReadOnlySpan<byte> secret, IReadOnlySet<string>? advertisers = null)
    {
        if (keyId is null || keyId.Length > MaxKeyIdLength || !Ids.IsValid(keyId))
        {
            throw new ArgumentException($"The signing key ID '{keyId}' must be 1 to {MaxKeyIdLength} of A-Z a-z 0-9 _ -.", nameof(keyId));
        }

        if (secret.Length != SecretLength)
        {
            throw new ArgumentException(
                $"The secret of signing key '{keyId}' has {secret.Length} bytes; it must have {SecretLength} "
                + $"(make one with: openssl rand -base64 {SecretLength}).",
                nameof(secret));
        }

        if (advertisers is { Count: 0 })
        {
            throw new ArgumentException(
                $"Signing key '{keyId}' is bound to no advertiser at all; name at least one, or leave the binding out.", nameof(advertisers));
        }

        if (advertisers?.FirstOrDefault(advertiser => !Ids.IsValid(advertiser)) is { } malformed)
        {
            throw new ArgumentException(
                $"Signing key '{keyId}' is bound to advertiser '{malformed}', which is not an ID ({Ids.Rule}).", nameof(advertisers));
        }

        KeyId = keyId;
        Advertisers = advertisers;
        _secret = secret.ToArray();
        _keyIdBytes = Encoding.ASCII.GetBytes(keyId);
        _hash = new KeyedHash(_secret);
    }

    /// <summary>Names the key in what it signs.</summary>
    public string KeyId { get; }

    /// <summary>The only advertisers whose ads the key may sign for; null for all.</summary>
    public IReadOnlySet<string>? Advertisers { get; }

    /// <summary>Whether a token of one of this advertiser's ads may carry the key's signature.</summary>
    public bool MaySign(string advertiserId) => Advertisers is null || Advertisers.Contains(advertiserId);

    /// <summary>The key's ID, never the secret.</summary>
    public override string ToString() => KeyId;

    internal bool HasId(ReadOnlySpan<byte> keyId) => keyId.SequenceEqual(_keyIdBytes);

    internal bool HasSecretOf(SigningKey other) => CryptographicOperations.FixedTimeEquals(_secret, other._secret);

    /// <summary>Writes the signature of the data: <see cref="SignatureLength"/> bytes.</summary>
    internal void Sign(ReadOnlySpan<byte> data, Span<byte> destination)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        _hash.Compute(data, hash);
        hash[..SignatureLength].CopyTo(destination);
    }

    /// <summary>Whether this is the signature of the data; takes the same time for any wrong one.</summary>
    internal bool HasSigned(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        _hash.Compute(data, hash);
        return CryptographicOperations.FixedTimeEquals(hash[..SignatureLength], signature);
    }
}
