using System.Diagnostics.Metrics;
using AdClick.Actors.ClickLog;
using AdClick.Actors.Partitions;

namespace AdClick.Gateway.Operators;

/// <summary>What the partitions of this node look like from outside, read when somebody looks.</summary>
internal sealed class PartitionGauges : IDisposable
{
    private readonly Meter _meter = new("AdClick");
    private readonly PartitionBoard _board;
    private readonly IClickLog _log;

    /// <summary>Registers the gauges.</summary>
    public PartitionGauges(PartitionBoard board, IClickLog log, Readiness readiness, TimeProvider time)
    {
        _board = board;
        _log = log;
        Gauge("adclick.partition.running", "1", "1 while the partition counts", status => status.Phase == PartitionPhase.Running ? 1 : 0);
        Gauge("adclick.partition.lag", "{record}", "Log records that are not counted yet", status => Math.Max(0, log.RangeOf(status.Partition).End - status.NextOffset));
        Gauge("adclick.partition.checkpoint.age", "s", "Time since the newest checkpoint, or since the start",
            status => status.CheckpointAt == default ? 0 : (time.GetUtcNow() - status.CheckpointAt).TotalSeconds);
        Gauge("adclick.partition.ads", "{ad}", "Ad keys with an actor", status => status.Ads);
        Gauge("adclick.partition.impressions", "{impression}", "Impressions remembered for deduplication", status => status.Impressions);
        Gauge("adclick.partition.owner.epoch", "1", "Times that the partition was taken over", status => status.OwnerEpoch);
        _meter.CreateObservableGauge("adclick.ready", () => readiness.Reasons().Count == 0 ? 1 : 0, "1", "1 while the node can take clicks and answer queries");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private void Gauge(string name, string unit, string description, Func<PartitionStatus, double> value) =>
        _meter.CreateObservableGauge(
            name,
            () => _board.Snapshot().Where(status => status.Partition < _log.Identity.Partitions)
                .Select(status => new Measurement<double>(value(status), new KeyValuePair<string, object?>("partition", status.Partition))),
            unit,
            description);
}
