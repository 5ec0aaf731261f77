namespace AdClick.Actors.Clicks;

/// <summary>
/// What became of a logged click. The numbers are stored in the metrics store and in checkpoints: they never change.
/// </summary>
public enum ClickOutcome : byte
{
    /// <summary>Counted and billable: the first valid click of its impression.</summary>
    Accepted = 0,

    /// <summary>Another click of an impression that was already accepted.</summary>
    Duplicate = 1,

    /// <summary>A second copy of the very same click (same nonce); shown in proofs only.</summary>
    Repeat = 2,

    /// <summary>Older than the allowed lateness when the log received it; left to reconciliation.</summary>
    Late = 3,

    /// <summary>Invalid: a declared bot or something that is not a browser.</summary>
    Bot = 4,

    /// <summary>Invalid: clicked after the impression token's expiry.</summary>
    Expired = 5,

    /// <summary>Invalid: the ad was paused or archived.</summary>
    InactiveAd = 6,
}

/// <summary>Names and groups of outcomes as users see them.</summary>
public static class ClickOutcomes
{
    /// <summary>How many outcomes there are; they are numbered from 0 without a gap.</summary>
    public const int Count = 7;

    /// <summary>Whether the outcome is one of the invalid ones, which are reported by reason.</summary>
    public static bool IsInvalid(this ClickOutcome outcome) => outcome >= ClickOutcome.Bot;

    /// <summary>The outcome's name in answers, metrics and CSV: <c>accepted</c>, <c>inactive_ad</c>, …</summary>
    public static string Name(this ClickOutcome outcome) => outcome switch
    {
        ClickOutcome.Accepted => "accepted",
        ClickOutcome.Duplicate => "duplicate",
        ClickOutcome.Repeat => "repeat",
        ClickOutcome.Late => "late",
        ClickOutcome.Bot => "bot",
        ClickOutcome.Expired => "expired",
        ClickOutcome.InactiveAd => "inactive_ad",
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "Unknown outcome."),
    };

    /// <summary>The invalid outcome that a gateway's verdict stands for, or null for a valid click.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A verdict that this version does not know.</exception>
    public static ClickOutcome? ToOutcome(this ClickVerdict verdict) => verdict switch
    {
        ClickVerdict.Valid => null,
        ClickVerdict.Bot => ClickOutcome.Bot,
        ClickVerdict.Expired => ClickOutcome.Expired,
        ClickVerdict.InactiveAd => ClickOutcome.InactiveAd,
        _ => throw new ArgumentOutOfRangeException(nameof(verdict), verdict, "Unknown verdict."),
    };
}
