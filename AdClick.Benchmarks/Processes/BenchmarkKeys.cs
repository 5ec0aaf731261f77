using System.Security.Cryptography;
using AdClick.Actors.Clicks;

namespace AdClick.Benchmarks.Processes;

/// <summary>The keys of a gateway under test.</summary>
/// <param name="AdminKey">Creates ads and reads counts.</param>
/// <param name="SigningKeyId">ID of the signing key.</param>
/// <param name="Secret">Signs impression tokens; 32 bytes.</param>
internal sealed record BenchmarkKeys(string AdminKey, string SigningKeyId, byte[] Secret)
{
    /// <summary>Keys for one run.</summary>
    public static BenchmarkKeys Make() => new(
        Convert.ToHexString(RandomNumberGenerator.GetBytes(16)), "bench", RandomNumberGenerator.GetBytes(SigningKey.SecretLength));

    /// <summary>The keys of a gateway that somebody else has started.</summary>
    /// <param name="adminKey">Its admin key.</param>
    /// <param name="signingKey">Its signing key, <c>ID:BASE64</c>.</param>
    /// <exception cref="ArgumentException">The signing key is not written so.</exception>
    public static BenchmarkKeys Parse(string adminKey, string signingKey)
    {
        var parts = signingKey.Split(':', 2);
        var secret = new byte[SigningKey.SecretLength];
        return parts.Length == 2 && Convert.TryFromBase64String(parts[1], secret, out var length) && length == secret.Length
            ? new BenchmarkKeys(adminKey, parts[0], secret)
            : throw new ArgumentException("The signing key must be written ID:BASE64, with 32 bytes in base64.", nameof(signingKey));
    }

    /// <summary>Signs as an ad server would that knows the secret.</summary>
    public SigningKeyRing Ring() => new([new SigningKey(SigningKeyId, Secret)], SigningKeyId);
}
