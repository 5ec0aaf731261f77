using AdClick.Actors.Clicks;

namespace AdClick.Actors.Metrics;

/// <summary>Why a run was made. The numbers are stored.</summary>
public enum RunKind
{
    /// <summary>Its hours were due.</summary>
    Scheduled = 0,

    /// <summary>Somebody asked for it.</summary>
    Requested = 1,

    /// <summary>Somebody applied other rules than those of the counting.</summary>
    OtherRules = 2,
}

/// <summary>What came out of a run, or of an hour. The numbers are stored.</summary>
public enum RunState
{
    /// <summary>The raw clicks give the streamed numbers.</summary>
    Match = 0,

    /// <summary>They give others, which answers now show.</summary>
    Mismatch = 1,

    /// <summary>Not all that is needed is there as it was written, so nothing is said of the numbers.</summary>
    Unproven = 2,
}

/// <summary>A finished run, as it is put on record.</summary>
public sealed record ReconciliationRun
{
    /// <summary>Why it was made.</summary>
    public required RunKind Kind { get; init; }

    /// <summary>Who asked for it: the name of an API key, or what runs by the clock.</summary>
    public required string RequestedBy { get; init; }

    /// <summary>When it began.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When it had come to its verdict.</summary>
    public required DateTimeOffset FinishedAt { get; init; }

    /// <summary>The hours that it judged.</summary>
    public required HourRange Hours { get; init; }

    /// <summary>Its verdict on all of them together.</summary>
    public required RunState State { get; init; }

    /// <summary>Why it is unproven, sentence by sentence; empty otherwise.</summary>
    public IReadOnlyList<string> Reasons { get; init; } = [];

    /// <summary>Other rules than those of the counting; empty for those.</summary>
    public string Rules { get; init; } = "";

    /// <summary>(ad, minute, outcome) that were compared.</summary>
    public long Cells { get; init; }

    /// <summary>Clicks of the hours that were re-counted.</summary>
    public long Clicks { get; init; }

    /// <summary>Late clicks that were accepted.</summary>
    public long Settled { get; init; }

    /// <summary>Whether late clicks were looked at: after the last click that could be accepted in their place.</summary>
    public bool IsSettled { get; init; }

    /// <summary>Files that were read and found as they were written.</summary>
    public int FilesRead { get; init; }

    /// <summary>Offsets that it rests on.</summary>
    public IReadOnlyList<CoveredOffsets> Covered { get; init; } = [];

    /// <summary>Files of its hours, and all that have a problem.</summary>
    public IReadOnlyList<ReadFile> Files { get; init; } = [];

    /// <summary>Where it differs from the streamed numbers, and what it settled.</summary>
    public IReadOnlyList<Correction> Corrections { get; init; } = [];

    /// <summary>Corrections that are more than settled late clicks.</summary>
    public long Mismatches => Corrections.LongCount(cell => cell.IsMismatch);
}

/// <summary>Offsets of a partition that a run rests on.</summary>
/// <param name="LogEpoch">Log.</param>
/// <param name="Partition">Partition.</param>
/// <param name="FirstOffset">First offset of the first cut that it needed.</param>
/// <param name="EndOffset">Offset before which it looked at every record.</param>
public sealed record CoveredOffsets(Guid LogEpoch, int Partition, long FirstOffset, long EndOffset);

/// <summary>A file that a run has read, or could not.</summary>
/// <param name="Name">Path below the lake.</param>
/// <param name="Hour">UTC hour of its clicks, since 1970-01-01T00Z.</param>
/// <param name="Bytes">Its length, as it was written.</param>
/// <param name="Sha256">SHA-256 of its bytes, as it was written.</param>
/// <param name="Problem">What is wrong with it, such as "is missing"; empty when nothing is.</param>
public sealed record ReadFile(string Name, int Hour, long Bytes, byte[] Sha256, string Problem);

/// <summary>A streamed number and what the raw clicks say.</summary>
/// <param name="AdId">Ad.</param>
/// <param name="Minute">Minute since 1970.</param>
/// <param name="Outcome">Outcome.</param>
/// <param name="Streamed">The number that was streamed, over all sub-shards, late clicks included.</param>
/// <param name="Recounted">The number that the counting rule gives.</param>
/// <param name="Settled">What settling late clicks adds to it, or takes from it.</param>
public sealed record Correction(string AdId, int Minute, ClickOutcome Outcome, long Streamed, long Recounted, long Settled)
{
    /// <summary>Whether the streamed number is not the re-counted one.</summary>
    public bool IsMismatch => Streamed != Recounted;
}

/// <summary>The last word on an hour.</summary>
/// <param name="Hour">UTC hour since 1970-01-01T00Z.</param>
/// <param name="Run">The run that said it.</param>
/// <param name="State">What it said.</param>
/// <param name="IsStale">Whether a late click has come since.</param>
/// <param name="IsSettled">Whether late clicks were looked at.</param>
/// <param name="HasRules">Whether it stands by other rules than those of the counting.</param>
/// <param name="FinishedAt">When it was said.</param>
public sealed record HourVerdict(int Hour, long Run, RunState State, bool IsStale, bool IsSettled, bool HasRules, DateTimeOffset FinishedAt)
{
    /// <summary>Whether the hour's answers are re-counted ones.</summary>
    public bool IsReconciled => State != RunState.Unproven && !IsStale;
}

/// <summary>A run on record.</summary>
/// <param name="Run">Its number.</param>
/// <param name="Kind">Why it was made.</param>
/// <param name="RequestedBy">Who asked for it.</param>
/// <param name="StartedAt">When it began.</param>
/// <param name="FinishedAt">When it ended.</param>
/// <param name="Hours">The hours that it judged.</param>
/// <param name="State">Its verdict.</param>
/// <param name="Reason">Why it is unproven.</param>
/// <param name="Rules">Other rules than those of the counting.</param>
/// <param name="Cells">(ad, minute, outcome) compared.</param>
/// <param name="Clicks">Clicks re-counted.</param>
/// <param name="Mismatches">Cells that differed.</param>
/// <param name="Settled">Late clicks that were accepted.</param>
/// <param name="FilesRead">Files read.</param>
public sealed record RunRecord(
    long Run, RunKind Kind, string RequestedBy, DateTimeOffset StartedAt, DateTimeOffset FinishedAt, HourRange Hours, RunState State, string Reason, string Rules,
    long Cells, long Clicks, long Mismatches, long Settled, int FilesRead);

/// <summary>What is known of an ad in some hours.</summary>
public sealed record AdProof
{
    /// <summary>Streamed numbers; a minute and outcome may stand there several times, and adds up.</summary>
    public required IReadOnlyList<(int Minute, ClickOutcome Outcome, long Clicks)> Streamed { get; init; }

    /// <summary>Corrections that hold.</summary>
    public required IReadOnlyList<Correction> Corrections { get; init; }

    /// <summary>Verdicts on the hours, ascending.</summary>
    public required IReadOnlyList<HourVerdict> Verdicts { get; init; }

    /// <summary>The runs of these verdicts.</summary>
    public required IReadOnlyList<RunEvidence> Runs { get; init; }

    /// <summary>Buckets that end before it can only get late clicks, Unix milliseconds.</summary>
    public required long FinalBeforeMs { get; init; }
}

/// <summary>What a run rests on.</summary>
/// <param name="Record">The run.</param>
/// <param name="Covered">Offsets.</param>
/// <param name="Files">Files.</param>
public sealed record RunEvidence(RunRecord Record, IReadOnlyList<CoveredOffsets> Covered, IReadOnlyList<ReadFile> Files);
