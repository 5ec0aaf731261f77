using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;

namespace AdClick.Actors.Metrics;

/// <summary>What the progress of all partitions says about the truth of an answer (I5).</summary>
/// <param name="ThroughMs">Time before which no gateway still holds a click that the store lacks, Unix milliseconds.</param>
/// <param name="FinalBeforeMs">Buckets that end before this time can only get late clicks.</param>
internal readonly record struct Completeness(long ThroughMs, long FinalBeforeMs)
{
    /// <summary>While a partition has not said anything, nothing is known.</summary>
    public static readonly Completeness Unknown;

    /// <param name="log">The log that the store belongs to, or null while no partition was ever acquired.</param>
    /// <param name="partitions">Its progress rows.</param>
    public static Completeness Of(LogIdentity? log, IReadOnlyCollection<PartitionProgress> partitions)
    {
        if (log is null || partitions.Count < log.Partitions)
        {
            return Unknown;
        }

        var (through, final) = (long.MaxValue, long.MaxValue);
        foreach (var partition in partitions)
        {
            var passed = partition.ClockMs - partition.AllowedLatenessMs;
            final = Math.Min(final, passed);

            // A gateway that was not heard for longer is gone; what it may still send later is late.
            // One that has left with nothing open holds nobody back; only when all have, nothing is known of what came since.
            var heard = partition.Marks.Where(mark => mark.TimeMs >= passed).ToList();
            var open = heard.Select(mark => mark.OpenFromMs).Where(from => from != MarkRecord.NothingOpen).DefaultIfEmpty(long.MaxValue).Min();
            through = Math.Min(through, open != long.MaxValue ? open : heard.Select(mark => mark.TimeMs).DefaultIfEmpty(0).Max());
        }

        return new Completeness(Math.Max(0, through), Math.Max(0, final));
    }

    /// <summary>State of a bucket by its end.</summary>
    public BucketState StateOf(DateTimeOffset end) => end.ToUnixTimeMilliseconds() < FinalBeforeMs ? BucketState.Final : BucketState.Live;
}
