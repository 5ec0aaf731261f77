using AdClick.Actors.Clicks;

namespace AdClick.Benchmarks.Load;

/// <summary>Bounds of what AdClick must have counted; the two of a pair are equal unless an answer was lost.</summary>
/// <param name="AcceptedMin">Impressions with a valid click that is in the log for sure.</param>
/// <param name="AcceptedMax">And those with a valid click that may be.</param>
/// <param name="ValidMin">Valid clicks that are in the log for sure: accepted and duplicates together.</param>
/// <param name="ValidMax">And those that may be.</param>
/// <param name="BotsMin">Bots' clicks that are in the log for sure.</param>
/// <param name="BotsMax">And those that may be.</param>
internal readonly record struct ExpectedClicks(long AcceptedMin, long AcceptedMax, long ValidMin, long ValidMax, long BotsMin, long BotsMax)
{
    public static ExpectedClicks operator +(ExpectedClicks a, ExpectedClicks b) => new(
        a.AcceptedMin + b.AcceptedMin,
        a.AcceptedMax + b.AcceptedMax,
        a.ValidMin + b.ValidMin,
        a.ValidMax + b.ValidMax,
        a.BotsMin + b.BotsMin,
        a.BotsMax + b.BotsMax);

    /// <summary>What is wrong with counts, in a few words; null when nothing is.</summary>
    public string? FindFault(CountedClicks counted)
    {
        if (counted.Others != 0)
        {
            return $"{counted.Others} clicks under outcomes that this load does not have (late, expired, inactive_ad)";
        }

        if (counted.Accepted < AcceptedMin || counted.Accepted > AcceptedMax)
        {
            return $"accepted {counted.Accepted}, not {Range(AcceptedMin, AcceptedMax)}";
        }

        var valid = counted.Accepted + counted.Duplicates;
        if (valid < ValidMin || valid > ValidMax)
        {
            return $"duplicates {counted.Duplicates}, not {Range(ValidMin - counted.Accepted, ValidMax - counted.Accepted)}";
        }

        return counted.Bots < BotsMin || counted.Bots > BotsMax ? $"bots {counted.Bots}, not {Range(BotsMin, BotsMax)}" : null;
    }

    private static string Range(long min, long max) => min == max ? $"{min}" : $"{min} to {max}";
}

/// <summary>What AdClick says of an ad.</summary>
/// <param name="Accepted">Accepted clicks.</param>
/// <param name="Duplicates">Duplicates.</param>
/// <param name="Bots">Bots' clicks.</param>
/// <param name="Others">Late, expired and inactive ones.</param>
internal readonly record struct CountedClicks(long Accepted, long Duplicates, long Bots, long Others)
{
    /// <summary>Those of clicks by number of their outcome. Copies of a click (<c>repeat</c>) are none: a fill that Kafka was slow to report makes some.</summary>
    public static CountedClicks OfTotals(long[] totals)
    {
        var (accepted, duplicates, bots) = (totals[(int)ClickOutcome.Accepted], totals[(int)ClickOutcome.Duplicate], totals[(int)ClickOutcome.Bot]);
        return new CountedClicks(accepted, duplicates, bots, totals.Sum() - accepted - duplicates - bots - totals[(int)ClickOutcome.Repeat]);
    }

    public static CountedClicks operator +(CountedClicks a, CountedClicks b) => new(
        a.Accepted + b.Accepted, a.Duplicates + b.Duplicates, a.Bots + b.Bots, a.Others + b.Others);
}
