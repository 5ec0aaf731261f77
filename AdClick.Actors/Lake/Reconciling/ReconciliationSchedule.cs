using AdClick.Actors.Metrics;

namespace AdClick.Actors.Lake.Reconciling;

/// <summary>Which hours are due to be reconciled.</summary>
public sealed record ReconciliationSchedule
{
    /// <summary>How long after an hour is final and archived it is re-counted. Default 10 min.</summary>
    public TimeSpan Delay { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How far back hours are looked at that have no verdict, or one that is unproven or out of date. Default 7 days.</summary>
    public TimeSpan LookBack { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Time between two looks. Default 1 min.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How long an unproven hour waits before it is tried again. Default 1 h.</summary>
    public TimeSpan Retry { get; init; } = TimeSpan.FromHours(1);

    /// <summary>The hours that are looked at.</summary>
    /// <param name="firstLakeHour">First hour that the lake holds clicks of.</param>
    /// <param name="closedMs">Clock of the slowest partition's archive less the allowed lateness, Unix milliseconds.</param>
    public HourRange Window(int firstLakeHour, long closedMs)
    {
        var end = (int)Math.Max(0, (closedMs - (long)Delay.TotalMilliseconds) / HourRange.HourMs);
        return new HourRange(Math.Min(end, Math.Max(firstLakeHour, end - (int)LookBack.TotalHours)), end);
    }

    /// <summary>The next hours to reconcile; null when there are none now. Late clicks are settled day by day, as the first pass has come to the newest hour.</summary>
    /// <param name="window">The hours that are looked at.</param>
    /// <param name="verdicts">What is known of them.</param>
    /// <param name="settleBeforeMs">Hours that end before it may be settled, Unix milliseconds.</param>
    /// <param name="now">Now.</param>
    public HourRange? Next(HourRange window, IReadOnlyList<HourVerdict> verdicts, long settleBeforeMs, DateTimeOffset now)
    {
        var known = verdicts.ToDictionary(verdict => verdict.Hour);
        return First(window, IsDue) ?? First(window, IsUnsettled) switch
        {
            { } unsettled => new HourRange(unsettled.First, Math.Min(unsettled.End, DayEnd(unsettled.First))),
            null => null,
        };

        bool IsDue(int hour) => known.GetValueOrDefault(hour) switch
        {
            null => true,
            { HasRules: true } => false,
            { State: RunState.Unproven } unproven => now - unproven.FinishedAt >= Retry,
            var verdict => verdict.IsStale,
        };

        // A whole day at a time, so that what is around it is read once.
        bool IsUnsettled(int hour) => known[hour] is { IsSettled: false, HasRules: false, IsReconciled: true } && DayEnd(hour) * HourRange.HourMs <= settleBeforeMs;
    }

    private static int DayEnd(int hour) => ((hour / 24) + 1) * 24;

    private static HourRange? First(HourRange window, Func<int, bool> isWanted)
    {
        for (var first = window.First; first < window.End; first++)
        {
            if (isWanted(first))
            {
                var end = first + 1;
                while (end < window.End && end - first < Reconciler.MaxHours && isWanted(end))
                {
                    end++;
                }

                return new HourRange(first, end);
            }
        }

        return null;
    }
}
