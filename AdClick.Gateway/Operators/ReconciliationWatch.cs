using System.Diagnostics.Metrics;
using AdClick.Actors.Lake.Reconciling;

namespace AdClick.Gateway.Operators;

/// <summary>What reconciliation looks like from outside, on the node where it runs.</summary>
internal sealed class ReconciliationWatch : IDisposable
{
    private readonly Meter _meter = new("AdClick");
    private readonly ReconciliationState _state;

    /// <summary>Registers the gauges.</summary>
    /// <param name="state">What there is to tell.</param>
    /// <param name="reconciler">Does runs on this node; null where clicks are not archived.</param>
    public ReconciliationWatch(ReconciliationState state, Reconciler? reconciler)
    {
        _state = state;
        Reconciler = reconciler;
        if (reconciler is null)
        {
            return;
        }

        _meter.CreateObservableGauge("adclick.reconciliation.unproven", () => state.UnprovenHours, "{hour}", "Hours of the look-back that are unproven");
        _meter.CreateObservableGauge("adclick.reconciliation.mismatched", () => state.MismatchedHours, "{hour}", "Hours of the look-back in which streamed numbers were wrong");
        _meter.CreateObservableGauge(
            "adclick.reconciliation.last_run", () => state.LastRun is { } last ? [new Measurement<long>(last.ToUnixTimeSeconds())] : (Measurement<long>[])[], "s", "Unix time of the last run");
    }

    /// <summary>Does runs on this node; null where clicks are not archived.</summary>
    public Reconciler? Reconciler { get; }

    /// <summary>Sentences for an operator.</summary>
    public IReadOnlyList<string> Notices => _state.Notices;

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();
}
