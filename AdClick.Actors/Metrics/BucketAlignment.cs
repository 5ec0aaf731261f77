using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace AdClick.Actors.Metrics;

/// <summary>
/// Where the buckets of an answer begin and end. Buckets follow the clocks of the asked time zone: a new one begins at every full local quarter of an
/// hour, hour or date, and wherever the clocks are put forward or back within one (so a 30-minute change, as on Lord Howe Island, gives a bucket of
/// 30 minutes, and a day has 23 to 25 hours).
/// </summary>
public static class BucketAlignment
{
    private const int MinutesPerDay = 24 * 60;

    // Far enough apart from both ends of DateTimeOffset that no step beyond a bound can overflow.
    private static readonly DateTimeOffset Earliest = new(2, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Latest = new(9998, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly SearchValues<char> ZoneCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+/");

    /// <summary>
    /// Checks a question and aligns its range outwards to buckets. A range from a time to the same time has no bucket.
    /// </summary>
    /// <param name="query">Question.</param>
    /// <param name="range">The buckets.</param>
    /// <param name="error">What is wrong with the question, for the person who asked.</param>
    public static bool TryAlign(ClickQuery query, [NotNullWhen(true)] out AlignedRange? range, [NotNullWhen(false)] out string? error)
    {
        range = null;
        error = Check(query, out var zone);
        if (error is not null)
        {
            return false;
        }

        if (query.From == query.To)
        {
            range = new AlignedRange(query.From.ToUniversalTime(), query.To.ToUniversalTime(), []);
            return true;
        }

        var from = FloorDiv(query.From.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks, TimeSpan.TicksPerMinute);
        var to = -FloorDiv(-(query.To.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks), TimeSpan.TicksPerMinute);
        var boundaries = Boundaries(zone!, from, to, query.Granularity);
        if (boundaries is null)
        {
            error = $"'from' to 'to' spans more than {ClickQuery.MaxBuckets} buckets: narrow it, or ask for a coarser granularity.";
            return false;
        }

        range = new AlignedRange(TimeOf(boundaries[0]), TimeOf(boundaries[^1]), boundaries);
        return true;
    }

    /// <summary>Finds a time zone by its IANA name.</summary>
    public static bool TryFindZone(string name, [NotNullWhen(true)] out TimeZoneInfo? zone)
    {
        zone = null;

        // The database of the operating system also holds files that are no zones of the IANA list: leap-second variants, this machine's own time.
        if (name.Length is 0 or > 64 || name.AsSpan().ContainsAnyExcept(ZoneCharacters) || name[0] == '/'
            || name.StartsWith("right/", StringComparison.Ordinal) || name.StartsWith("posix/", StringComparison.Ordinal)
            || name is "localtime" or "posixrules" or "Factory")
        {
            return false;
        }

        return TimeZoneInfo.TryFindSystemTimeZoneById(name, out zone);
    }

    internal static DateTimeOffset TimeOf(long minute) => DateTimeOffset.UnixEpoch.AddTicks(minute * TimeSpan.TicksPerMinute);

    private static string? Check(ClickQuery query, out TimeZoneInfo? zone)
    {
        zone = null;
        if (query.AdId is null == query.AdvertiserId is null)
        {
            return "The question must name either an ad or an advertiser.";
        }

        if (!Enum.IsDefined(query.Granularity))
        {
            return "'granularity' must be minute, quarter-hour, hour or day.";
        }

        if (!TryFindZone(query.TimeZone, out zone))
        {
            return "'timeZone' must be an IANA time zone name that this machine's time zone database knows, such as UTC or Europe/Berlin.";
        }

        if (query.From > query.To)
        {
            return "'from' must not be after 'to'.";
        }

        if (query.From < Earliest || query.To > Latest)
        {
            return "'from' and 'to' must lie between the years 2 and 9997.";
        }

        return query.Top < 1 ? "'top' must be at least 1." : null;
    }

    /// <summary>Bucket boundaries in UTC minutes since 1970, the last one ending the last bucket; null when there are too many.</summary>
    private static long[]? Boundaries(TimeZoneInfo zone, long from, long to, Granularity granularity)
    {
        var step = granularity switch
        {
            Granularity.Minute => 1,
            Granularity.QuarterHour => 15,
            Granularity.Hour => 60,
            _ => MinutesPerDay,
        };

        // No bucket is longer than a local date and a half, so this cuts off hopeless ranges only, before any work is done.
        if ((to - from) / (step * 3 / 2.0) > ClickQuery.MaxBuckets)
        {
            return null;
        }

        // The first boundary is the last one that is not after `from`: found within three days before it, as the end is within three days after `to`
        // (a local date may have been left out).
        var searchFrom = from - (3 * MinutesPerDay);
        var boundaries = new List<long>();
        var lastDay = FloorDiv(searchFrom + OffsetAt(zone, searchFrom), MinutesPerDay);
        foreach (var (start, end, offset) in Segments(zone, searchFrom, to + (3 * MinutesPerDay)))
        {
            var first = start;
            if (granularity != Granularity.Day && start < from)
            {
                first = Math.Max(start, (FloorDiv(Math.Min(from, end - 1) + offset, step) * step) - offset);
            }

            for (var at = first; at < end; at = ((FloorDiv(at + offset, step) + 1) * step) - offset)
            {
                // A date begins once, also when the clocks are put back to the evening before or to its own midnight.
                if (granularity == Granularity.Day)
                {
                    var day = FloorDiv(at + offset, MinutesPerDay);
                    if (day <= lastDay)
                    {
                        continue;
                    }

                    lastDay = day;
                }

                if (boundaries.Count == 1 && at <= from)
                {
                    boundaries[0] = at;
                }
                else
                {
                    boundaries.Add(at);
                }

                if (at >= to)
                {
                    return boundaries.Count - 1 > ClickQuery.MaxBuckets ? null : [.. boundaries];
                }

                if (boundaries.Count > ClickQuery.MaxBuckets + 1)
                {
                    return null;
                }
            }
        }

        throw new InvalidOperationException($"The time zone {zone.Id} has no bucket boundary within three days after {TimeOf(to):O}.");
    }

    /// <summary>The spans of one UTC offset that cover <c>[from, to)</c>, all in minutes.</summary>
    private static IEnumerable<(long Start, long End, long Offset)> Segments(TimeZoneInfo zone, long from, long to)
    {
        if (ReferenceEquals(zone, TimeZoneInfo.Utc))
        {
            yield return (from, to, 0);
            yield break;
        }

        const long Sample = MinutesPerDay / 2; // no zone has ever changed its offset and back within half a day
        var start = from;
        var offset = OffsetAt(zone, from);
        for (var at = from; at < to; at += Sample)
        {
            var next = OffsetAt(zone, at + Sample);
            if (next == offset)
            {
                continue;
            }

            var (before, after) = (at, at + Sample);
            while (after - before > 1)
            {
                var middle = (before + after) / 2;
                (before, after) = OffsetAt(zone, middle) == offset ? (middle, after) : (before, middle);
            }

            yield return (start, after, offset);
            (start, offset) = (after, next);
        }

        yield return (start, Math.Max(to, start + 1), offset);
    }

    // Whole minutes: TimeZoneInfo knows no seconds in an offset.
    private static long OffsetAt(TimeZoneInfo zone, long minute) => zone.GetUtcOffset(TimeOf(minute)).Ticks / TimeSpan.TicksPerMinute;

    private static long FloorDiv(long value, long divisor)
    {
        var quotient = value / divisor;
        return value % divisor < 0 ? quotient - 1 : quotient;
    }
}

/// <summary>The buckets of an answer.</summary>
public sealed class AlignedRange
{
    private readonly long[] _boundaries;

    internal AlignedRange(DateTimeOffset from, DateTimeOffset to, long[] boundaries)
    {
        From = from;
        To = to;
        _boundaries = boundaries;
    }

    /// <summary>Start of the first bucket, in UTC.</summary>
    public DateTimeOffset From { get; }

    /// <summary>End of the last bucket, in UTC.</summary>
    public DateTimeOffset To { get; }

    /// <summary>Number of buckets.</summary>
    public int Count => Math.Max(0, _boundaries.Length - 1);

    /// <summary>Start of a bucket, in UTC; <see cref="Count"/> gives the end of the last.</summary>
    public DateTimeOffset StartOf(int bucket) => BucketAlignment.TimeOf(_boundaries[bucket]);

    /// <summary>The boundaries in minutes since 1970-01-01T00:00Z, one more than buckets (none when there are no buckets).</summary>
    internal ReadOnlySpan<long> BoundaryMinutes => _boundaries;

    /// <summary>Beginning and end of all buckets together, in minutes; empty when there are no buckets.</summary>
    internal ReadOnlySpan<long> Whole => _boundaries.Length == 0 ? [] : (long[])[_boundaries[0], _boundaries[^1]];
}

/// <summary>An answer would need minutes that are no longer kept.</summary>
public sealed class MinutesNotKeptException : ArgumentException
{
    /// <summary>Says from when on they are kept and what to ask for.</summary>
    public MinutesNotKeptException(string message) : base(message) { }
}

/// <summary>An answer would hold more than <see cref="ClickQuery.MaxBuckets"/> buckets.</summary>
public sealed class TooManyBucketsException : ArgumentException
{
    /// <summary>Says how many and how to ask for fewer.</summary>
    public TooManyBucketsException(string message) : base(message) { }
}
