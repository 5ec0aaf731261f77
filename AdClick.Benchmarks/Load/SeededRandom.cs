namespace AdClick.Benchmarks.Load;

/// <summary>SplitMix64 (Steele, Lea and Flood, 2014): a few instructions for each number, and the same numbers for the same seed on every machine.</summary>
internal sealed class SeededRandom(ulong seed)
{
    private ulong _state = seed;

    /// <summary>64 random bits.</summary>
    public ulong NextBits()
    {
        unchecked
        {
            var z = _state += 0x9E3779B97F4A7C15;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }
    }

    /// <summary>0 to below 1, evenly.</summary>
    public double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    /// <summary>0 to below <paramref name="limit"/>, evenly (the bias of the multiplication is below 2^-32).</summary>
    public int NextInt(int limit) => (int)(((NextBits() >> 32) * (ulong)limit) >> 32);
}
