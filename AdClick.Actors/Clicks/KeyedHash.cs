using System.Security.Cryptography;

namespace AdClick.Actors.Clicks;

/// <summary>
/// HMAC-SHA256 under one key, from any thread. Lends out hashes that have taken the key in already: 0.44 µs for a token, where the one-shot
/// <c>HMACSHA256.HashData</c>, which hashes the key anew each time, took 1.04 µs (OpenSSL 3, measured before deciding).
/// </summary>
internal sealed class KeyedHash(byte[] key)
{
    // A slot per processor: threads on different processors seldom meet in one. Who finds it empty makes a hash of its own.
    private readonly IncrementalHash?[] _idle = new IncrementalHash?[Environment.ProcessorCount];

    /// <summary>Writes the 32 bytes of the data's HMAC.</summary>
    public void Compute(ReadOnlySpan<byte> data, Span<byte> destination)
    {
        ref var slot = ref _idle[(uint)Thread.GetCurrentProcessorId() % (uint)_idle.Length];
        var hash = Interlocked.Exchange(ref slot, null) ?? IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        hash.AppendData(data);
        hash.GetHashAndReset(destination);
        Interlocked.Exchange(ref slot, hash)?.Dispose();
    }
}
