using AdClick.Actors.Metrics;

namespace AdClick.Actors.Lake.Reconciling;

/// <summary>What is to be told of reconciliation on the node where it runs.</summary>
public sealed class ReconciliationState
{
    private volatile IReadOnlyList<HourVerdict> _verdicts = [];
    private volatile string? _fault;
    private volatile string? _reason;
    private long _lastRunMs;

    /// <summary>Why it fails, in a sentence; null when it does not.</summary>
    public string? Fault
    {
        get => _fault;
        set => _fault = value;
    }

    /// <summary>Hours of the look-back that are unproven.</summary>
    public int UnprovenHours => _verdicts.Count(verdict => verdict.State == RunState.Unproven);

    /// <summary>Hours of the look-back in which streamed numbers were wrong.</summary>
    public int MismatchedHours => _verdicts.Count(verdict => verdict.State == RunState.Mismatch && !verdict.HasRules);

    /// <summary>When the last run ended; null before the first.</summary>
    public DateTimeOffset? LastRun => Interlocked.Read(ref _lastRunMs) is > 0 and var ms ? DateTimeOffset.FromUnixTimeMilliseconds(ms) : null;

    /// <summary>Sentences for an operator.</summary>
    public IReadOnlyList<string> Notices
    {
        get
        {
            var notices = new List<string>();
            if (_fault is { } fault)
            {
                notices.Add(fault);
            }

            if (MismatchedHours is > 0 and var mismatched)
            {
                notices.Add($"In {mismatched} hours of the last days streamed numbers were not what the raw clicks give. Answers show the re-counted ones; see the log, and pbm clicks runs.");
            }

            if (UnprovenHours is > 0 and var unproven)
            {
                notices.Add($"{unproven} hours of the last days are unproven{(_reason is { } reason ? $": {reason}" : ".")}");
            }

            return notices;
        }
    }

    internal void Note(IReadOnlyList<HourVerdict> verdicts)
    {
        _verdicts = verdicts;
        if (verdicts.Count > 0)
        {
            Interlocked.Exchange(ref _lastRunMs, verdicts.Max(verdict => verdict.FinishedAt).ToUnixTimeMilliseconds());
        }
    }

    internal void Note(ReconciliationRun run)
    {
        Interlocked.Exchange(ref _lastRunMs, run.FinishedAt.ToUnixTimeMilliseconds());
        _reason = run.Reasons.Count > 0 ? run.Reasons[0] : _reason;
    }

    internal void Clear() => (_verdicts, _fault, _reason) = ([], null, null);
}
