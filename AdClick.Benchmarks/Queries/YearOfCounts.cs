using System.Globalization;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Benchmarks.Load;

namespace AdClick.Benchmarks.Queries;

/// <summary>
/// A year of minute counts, the same for the same seed. Traffic follows Zipf's law, but an ad has at most all minutes: the busiest ads are clicked in every minute
/// of the year, the others evenly through each day. Every minute that has clicks has accepted ones and duplicates.
/// </summary>
internal sealed class YearOfCounts
{
    /// <summary>Days in it.</summary>
    public const int Days = 365;

    /// <summary>The advertiser that every tenth ad belongs to, busy ones and others.</summary>
    public const string LargeAdvertiser = "large";

    private const int MinutesPerDay = 24 * 60;

    private static readonly ClickOutcome[] Outcomes = [ClickOutcome.Accepted, ClickOutcome.Duplicate];

    private readonly double[] _minutesPerDay;
    private readonly ZipfSampler _asked;
    private readonly ulong _seed;

    /// <summary>A year.</summary>
    /// <param name="rows">Minute rows in it, roughly.</param>
    /// <param name="ads">Number of ads.</param>
    /// <param name="seed">Draws who was clicked when.</param>
    /// <param name="endMinute">First minute after it, since 1970.</param>
    public YearOfCounts(long rows, int ads, ulong seed, int endMinute)
    {
        _seed = seed;
        EndMinute = endMinute;
        AdIds = [.. Enumerable.Range(0, ads).Select(ad => string.Create(CultureInfo.InvariantCulture, $"ad{ad}"))];
        _asked = new ZipfSampler(ads, 1);
        _minutesPerDay = Distribute(Math.Min((double)rows / Days / Outcomes.Length, (double)ads * MinutesPerDay), ads);
    }

    /// <summary>The ads, the busiest first.</summary>
    public IReadOnlyList<string> AdIds { get; }

    /// <summary>First minute after the year, since 1970.</summary>
    public int EndMinute { get; }

    /// <summary>How the ads stand in the catalogue.</summary>
    public IEnumerable<Ad> Catalogue => AdIds.Select((adId, ad) => new Ad(
        adId, ad % 10 == 4 ? LargeAdvertiser : string.Create(CultureInfo.InvariantCulture, $"advertiser{ad % 100}"), adId, "https://example.com/", AdStatus.Active, null));

    /// <summary>An ad that somebody asks about: the busier, the more likely.</summary>
    public string AskedAd(SeededRandom random) => AdIds[_asked.Next(random)];

    /// <summary>Counts of 24 hours, in the order of time, as they would have been flushed.</summary>
    /// <param name="day">0 is the first day of the year.</param>
    public IEnumerable<MinuteCount> CountsOf(int day)
    {
        var random = new SeededRandom(_seed + (ulong)day);
        var clicked = new List<int>[MinutesPerDay];
        for (var minute = 0; minute < MinutesPerDay; minute++)
        {
            clicked[minute] = [];
        }

        for (var ad = 0; ad < AdIds.Count; ad++)
        {
            var minutes = Math.Min(MinutesPerDay, (int)(_minutesPerDay[ad] + random.NextDouble()));
            var shift = random.NextDouble();
            for (var i = 0; i < minutes; i++)
            {
                clicked[(int)((i + shift) * MinutesPerDay / minutes)].Add(ad);
            }
        }

        var first = EndMinute - ((Days - day) * MinutesPerDay);
        for (var minute = 0; minute < MinutesPerDay; minute++)
        {
            foreach (var ad in clicked[minute])
            {
                foreach (var outcome in Outcomes)
                {
                    yield return new MinuteCount(AdIds[ad], 0, first + minute, outcome, 1 + random.NextInt(20));
                }
            }
        }
    }

    /// <summary>That many counts of ads one after the other, in as many minutes as it takes; returns them and the first minute after them.</summary>
    public (List<MinuteCount> Counts, int EndMinute) CountsFrom(int minute, int firstAd, int count, long clicks)
    {
        var counts = new List<MinuteCount>(count);
        while (counts.Count < count)
        {
            for (var ad = 0; ad < AdIds.Count && counts.Count < count; ad++)
            {
                foreach (var outcome in Outcomes)
                {
                    counts.Add(new MinuteCount(AdIds[(firstAd + ad) % AdIds.Count], 0, minute, outcome, clicks));
                }
            }

            minute++;
        }

        return (counts, minute);
    }

    // Clicked minutes a day of each ad: c/rank, at most all of them, with the c that gives the sum.
    private static double[] Distribute(double sum, int ads)
    {
        var (low, high) = (0.0, (double)MinutesPerDay * ads);
        for (var i = 0; i < 100; i++)
        {
            var middle = (low + high) / 2;
            (low, high) = Of(middle).Sum() < sum ? (middle, high) : (low, middle);
        }

        return [.. Of(high)];

        IEnumerable<double> Of(double most) => Enumerable.Range(1, ads).Select(rank => Math.Min(MinutesPerDay, most / rank));
    }
}
