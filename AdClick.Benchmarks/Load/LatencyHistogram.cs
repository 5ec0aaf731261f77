using System.Numerics;

namespace AdClick.Benchmarks.Load;

/// <summary>
/// Durations in log-linear buckets, as HdrHistogram has them: 128 buckets for each power of two, so that a percentile is at most 0.8% above the truth, at any
/// magnitude. Not safe for several threads at once.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int SubBucketBits = 7;
    private const int SubBuckets = 1 << SubBucketBits;
    private const int Magnitudes = 40 - SubBucketBits; // up to 2^40 us: twelve days

    private readonly long[] _counts = new long[(Magnitudes + 1) * SubBuckets];

    /// <summary>Number of values.</summary>
    public long Count { get; private set; }

    /// <summary>The greatest value, exactly.</summary>
    public TimeSpan Max { get; private set; }

    /// <summary>Adds a duration; a negative one counts as zero.</summary>
    public void Record(TimeSpan duration)
    {
        var microseconds = Math.Max(0, duration.Ticks / TimeSpan.TicksPerMicrosecond);
        _counts[Math.Min(BucketOf((ulong)microseconds), _counts.Length - 1)]++;
        Count++;
        Max = duration > Max ? duration : Max;
    }

    /// <summary>Adds the values of another histogram.</summary>
    public void Add(LatencyHistogram other)
    {
        for (var i = 0; i < _counts.Length; i++)
        {
            _counts[i] += other._counts[i];
        }

        Count += other.Count;
        Max = other.Max > Max ? other.Max : Max;
    }

    /// <summary>The value that this share of all values does not exceed, rounded up to the end of its bucket; zero when there are none.</summary>
    /// <param name="share">0 to 1; 0.99 for p99.</param>
    public TimeSpan Percentile(double share)
    {
        if (Count == 0)
        {
            return TimeSpan.Zero;
        }

        var rank = Math.Max(1, (long)Math.Ceiling(share * Count));
        long seen = 0;
        for (var i = 0; i < _counts.Length; i++)
        {
            seen += _counts[i];
            if (seen >= rank)
            {
                var end = TimeSpan.FromMicroseconds(LastOf(i));
                return end < Max ? end : Max;
            }
        }

        return Max;
    }

    // Below 2^7 us each value has a bucket of its own; above, the seven bits after the leading one choose among those of its power of two.
    private static int BucketOf(ulong microseconds)
    {
        if (microseconds < SubBuckets)
        {
            return (int)microseconds;
        }

        var magnitude = BitOperations.Log2(microseconds) - SubBucketBits;
        return ((magnitude + 1) * SubBuckets) + (int)((microseconds >> magnitude) - SubBuckets);
    }

    private static long LastOf(int bucket)
    {
        if (bucket < SubBuckets)
        {
            return bucket;
        }

        var magnitude = (bucket / SubBuckets) - 1;
        return ((SubBuckets + (bucket % SubBuckets) + 1L) << magnitude) - 1;
    }
}
