using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;

namespace AdClick.Gateway.Proofs;

/// <summary>Holds somebody's counts against AdClick's, bucket by bucket.</summary>
internal static class Comparison
{
    private static readonly string[] States = ["live", "final", "reconciled"];

    /// <summary>Compares.</summary>
    /// <param name="lines">Their counts.</param>
    /// <param name="range">The buckets.</param>
    /// <param name="report">AdClick's counts in these buckets, all of them or those with clicks.</param>
    /// <param name="repeats">Repeats by minute; null where they are not known.</param>
    public static (ComparedCounts Total, IReadOnlyList<ComparedBucket> Series, int LinesOutside) Of(
        IReadOnlyList<CountLine> lines, AlignedRange range, ClickReport report, IReadOnlyList<(int Minute, long Clicks)>? repeats)
    {
        DateTimeOffset[] starts = [.. Enumerable.Range(0, range.Count).Select(range.StartOf)];
        var yours = new long[starts.Length];
        var outside = 0;
        foreach (var line in lines)
        {
            if (BucketOf(starts, range, line.Time) is >= 0 and var bucket)
            {
                yours[bucket] += line.Clicks;
            }
            else
            {
                outside++;
            }
        }

        var repeated = new long[starts.Length];
        foreach (var (minute, clicks) in repeats ?? [])
        {
            if (BucketOf(starts, range, DateTimeOffset.UnixEpoch.AddMinutes(minute)) is >= 0 and var bucket)
            {
                repeated[bucket] += clicks;
            }
        }

        var ours = new ClickBucket?[starts.Length];
        foreach (var bucket in report.Series)
        {
            ours[Array.BinarySearch(starts, bucket.Start)] = bucket;
        }

        var series = new List<ComparedBucket>();
        for (var i = 0; i < starts.Length; i++)
        {
            var totals = ours[i]?.Totals ?? default;
            if (yours[i] != 0 || repeated[i] != 0 || totals != default)
            {
                var counts = Counts(yours[i], totals, repeats is null ? null : repeated[i]);
                series.Add(new ComparedBucket(
                    starts[i].UtcDateTime, States[(int)(ours[i]?.State ?? BucketState.Final)], counts.Yours, counts.Clicks, counts.Difference, counts.ExplainedBy,
                    counts.Duplicates, counts.Repeats, counts.Late, counts.Invalid, counts.InvalidByReason));
            }
        }

        return (Counts(yours.Sum(), report.Total, repeats is null ? null : repeated.Sum()), series, outside);
    }

    /// <summary>The fewest of some counts that add up to a difference; null where none do.</summary>
    public static IReadOnlyList<string>? Explain(long difference, IReadOnlyList<(string Name, long Clicks)> counts)
    {
        if (difference <= 0)
        {
            return null;
        }

        var some = counts.Where(count => count.Clicks > 0).ToList();
        var best = 0;
        for (var set = 1; set < 1 << some.Count; set++)
        {
            if (some.Index().Where(count => (set & (1 << count.Index)) != 0).Sum(count => count.Item.Clicks) == difference
                && (best == 0 || int.PopCount(set) < int.PopCount(best)))
            {
                best = set;
            }
        }

        return best == 0 ? null : [.. some.Index().Where(count => (best & (1 << count.Index)) != 0).Select(count => count.Item.Name)];
    }

    private static ComparedCounts Counts(long yours, ClickTotals totals, long? repeats)
    {
        (string Name, long Clicks)[] invalid =
        [
            (ClickOutcome.Bot.Name(), totals.Bot), (ClickOutcome.Expired.Name(), totals.Expired), (ClickOutcome.InactiveAd.Name(), totals.InactiveAd),
        ];
        var difference = yours - totals.Clicks;
        return new ComparedCounts(
            yours, totals.Clicks, difference,
            Explain(
                difference,
                [
                    (ClickOutcome.Duplicate.Name(), totals.Duplicates), (ClickOutcome.Repeat.Name(), repeats ?? 0), (ClickOutcome.Late.Name(), totals.Late), .. invalid,
                ]),
            totals.Duplicates, repeats, totals.Late, totals.Invalid,
            invalid.Where(reason => reason.Clicks != 0).ToDictionary(reason => reason.Name, reason => reason.Clicks));
    }

    private static int BucketOf(DateTimeOffset[] starts, AlignedRange range, DateTimeOffset time)
    {
        if (time < range.From || time >= range.To)
        {
            return -1;
        }

        var found = Array.BinarySearch(starts, time);
        return found >= 0 ? found : ~found - 1;
    }
}
