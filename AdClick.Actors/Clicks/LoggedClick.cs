namespace AdClick.Actors.Clicks;

/// <summary>
/// What the counting rule reads of one logged click. All times are Unix milliseconds.
/// </summary>
public readonly struct LoggedClick
{
    /// <summary>Offset in the partition.</summary>
    public required long Offset { get; init; }

    /// <summary>Random number of this click; a copy of the click carries the same.</summary>
    public required ulong Nonce { get; init; }

    /// <summary>The impression that was clicked.</summary>
    public required ImpressionId Impression { get; init; }

    /// <summary>End of the impression token's life.</summary>
    public required long ExpiresAtMs { get; init; }

    /// <summary>When the gateway took the request.</summary>
    public required long ClickTimeMs { get; init; }

    /// <summary>The smaller of click time and append time: names the click's minute.</summary>
    public required long EffectiveTimeMs { get; init; }

    /// <summary>The partition clock before this record: the greatest effective time of all records before it.</summary>
    public required long ClockMs { get; init; }

    /// <summary>What the gateway held against the click.</summary>
    public required ClickVerdict Verdict { get; init; }
}
