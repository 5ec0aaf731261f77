using AdClick.Actors.Clicks;

namespace AdClick.Actors.Lake.Receipts;

/// <summary>All logged clicks of an impression, with what became of each.</summary>
public sealed record ClickReceipt
{
    /// <summary>The impression.</summary>
    public required ImpressionId Impression { get; init; }

    /// <summary>The clicks, by ad key and in the order of the log.</summary>
    public required IReadOnlyList<ReceiptClick> Clicks { get; init; }

    /// <summary>Effective times from here on were looked through, Unix milliseconds.</summary>
    public required long FromMs { get; init; }

    /// <summary>Effective times before it were looked through.</summary>
    public required long ToMs { get; init; }

    /// <summary>Partitions of the log that were looked at.</summary>
    public required IReadOnlyList<int> Partitions { get; init; }

    /// <summary>Files of the lake that were read.</summary>
    public required int Files { get; init; }

    /// <summary>Records of the click log that were read, beyond what is archived.</summary>
    public required long LogRecords { get; init; }

    /// <summary>Allowed lateness that outcomes were judged by: the one in force now.</summary>
    public required TimeSpan AllowedLateness { get; init; }

    /// <summary>Sentences about what could not be looked at, although clicks of the impression may be there. None: the receipt is complete.</summary>
    public required IReadOnlyList<string> Missing { get; init; }

    /// <summary>When the clicks are younger than what is kept: null. Otherwise the time before which raw clicks are no longer kept, Unix milliseconds.</summary>
    public long? KeptFromMs { get; init; }
}

/// <summary>A logged click of a receipt.</summary>
/// <param name="Click">The click.</param>
/// <param name="Outcome">What became of it, by the counting rule.</param>
/// <param name="File">The file of the lake that it stands in; null: it is not archived yet, and was read from the click log.</param>
/// <param name="Sha256">SHA-256 of that file, as it was written and as it is.</param>
public sealed record ReceiptClick(RawClick Click, ClickOutcome Outcome, string? File, byte[]? Sha256);
