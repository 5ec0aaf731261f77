using System.Diagnostics.Metrics;

namespace AdClick.Actors.ClickLog.Spool;

/// <summary>What a spool looks like from outside, read when somebody looks.</summary>
internal sealed class SpoolMetrics : IDisposable
{
    private readonly Meter _meter = new("AdClick");

    /// <summary>Registers the instruments.</summary>
    public SpoolMetrics(ClickSpool spool, TimeProvider time)
    {
        _meter.CreateObservableGauge("adclick.spool.records", () => spool.Records, "{click}", "Clicks in the spool that Kafka has not taken yet");
        _meter.CreateObservableGauge("adclick.spool.bytes", () => spool.Bytes, "By", "Bytes of the clicks in the spool that Kafka has not taken yet");
        _meter.CreateObservableCounter("adclick.spool.appends", () => spool.Appended, "{click}", "Clicks made durable in the spool");
        _meter.CreateObservableGauge(
            "adclick.spool.damaged.lanes",
            () => spool.Lanes.Count(lane => lane.Damage is not null),
            "{lane}",
            "Lanes of the spool that wait for a person because clicks in them can't be read");

        // Unknown after damage: no figure is better than an age of fifty years.
        _meter.CreateObservableGauge(
            "adclick.spool.oldest.age",
            () => spool.OldestClickMs switch
            {
                null => [new Measurement<double>(0)],
                0 => [],
                { } oldest => new[] { new Measurement<double>(Math.Max(0, (time.GetUtcNow().ToUnixTimeMilliseconds() - oldest) / 1000.0)) },
            },
            "s",
            "Age of the oldest click in the spool");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();
}
