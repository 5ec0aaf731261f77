namespace AdClick.Actors.Metrics;

/// <summary>What every store makes of a run, in the same way.</summary>
internal static class RunRules
{
    private const int MaxReasonCharacters = 4_000;

    /// <summary>Why a run is unproven, as one text.</summary>
    public static string ReasonOf(ReconciliationRun run)
    {
        var reason = string.Join(' ', run.Reasons);
        return reason.Length <= MaxReasonCharacters ? reason : string.Concat(reason.AsSpan(0, MaxReasonCharacters), " …");
    }

    /// <summary>The verdict on each of its hours. An hour without a difference matches, whatever the others of its run.</summary>
    public static IEnumerable<HourVerdict> VerdictsOf(long number, ReconciliationRun run)
    {
        var differ = run.Corrections.Where(cell => cell.IsMismatch).Select(cell => cell.Minute / StoredTime.MinutesPerHour).ToHashSet();
        for (var hour = run.Hours.First; hour < run.Hours.End; hour++)
        {
            var state = run.State == RunState.Unproven ? RunState.Unproven : differ.Contains(hour) ? RunState.Mismatch : RunState.Match;
            yield return new HourVerdict(hour, number, state, IsStale: false, run.IsSettled, run.Rules.Length > 0, run.FinishedAt);
        }
    }
}
