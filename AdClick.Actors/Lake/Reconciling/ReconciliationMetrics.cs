using System.Diagnostics.Metrics;
using AdClick.Actors.Metrics;

namespace AdClick.Actors.Lake.Reconciling;

/// <summary>What reconciliation measures.</summary>
internal static class ReconciliationMetrics
{
    private static readonly Meter Meter = new("AdClick");

    private static readonly Counter<long> Runs = Meter.CreateCounter<long>("adclick.reconciliation.runs", "{run}", "Reconciliation runs, by state");

    private static readonly Counter<long> Mismatches = Meter.CreateCounter<long>(
        "adclick.reconciliation.mismatches", "{number}", "Streamed numbers that were not what the raw clicks give");

    private static readonly Counter<long> Settled = Meter.CreateCounter<long>("adclick.reconciliation.settled", "{click}", "Late clicks that were accepted after all");

    private static readonly Histogram<double> Duration = Meter.CreateHistogram<double>("adclick.reconciliation.duration", "s", "Time of a reconciliation run");

    /// <summary>Notes a finished run.</summary>
    public static void Note(ReconciliationRun run)
    {
        Runs.Add(1, new KeyValuePair<string, object?>("state", NameOf(run.State)));
        Duration.Record((run.FinishedAt - run.StartedAt).TotalSeconds);
        Settled.Add(run.Settled);
        if (run.Kind != RunKind.OtherRules)
        {
            Mismatches.Add(run.Mismatches);
        }
    }

    /// <summary>A state's name.</summary>
    public static string NameOf(RunState state) => state switch
    {
        RunState.Match => "match",
        RunState.Mismatch => "mismatch",
        _ => "unproven",
    };
}
