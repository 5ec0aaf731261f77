namespace AdClick.Actors.Ads;

/// <summary>The settings that the counting rule judges by. They change only at a checkpoint, so that a replay judges as the first pass did.</summary>
/// <param name="AllowedLatenessMs">How far a click's effective time may lie behind the partition clock, in milliseconds.</param>
/// <param name="CountedFromMs">
/// Clicks with a smaller effective time (Unix milliseconds) are too old whatever the clock says; their counters were forgotten under an
/// earlier, shorter lateness. 0 as long as the lateness never grew.
/// </param>
public readonly record struct CountingTerms(long AllowedLatenessMs, long CountedFromMs)
{
    /// <summary>Whether a click of this effective time comes too late to be added to its minute's counter.</summary>
    public bool IsLate(long effectiveTimeMs, long clockMs) =>
        clockMs - effectiveTimeMs > AllowedLatenessMs || effectiveTimeMs < CountedFromMs;

    /// <summary>Whether the clock has passed a time by more than the allowed lateness, so that nothing up to it can be counted any more.</summary>
    public bool HasPassed(long timeMs, long clockMs) => clockMs - timeMs > AllowedLatenessMs;

    /// <summary>The terms after the setting has changed at a checkpoint with this clock.</summary>
    public CountingTerms ChangeTo(long allowedLatenessMs, long clockMs) => new(
        allowedLatenessMs, Math.Max(CountedFromMs, allowedLatenessMs > AllowedLatenessMs ? clockMs - AllowedLatenessMs : 0));
}
