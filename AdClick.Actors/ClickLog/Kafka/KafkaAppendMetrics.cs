using System.Diagnostics.Metrics;

namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>What the write side of the Kafka log measures: once per group of clicks, or when something fails.</summary>
internal static class KafkaAppendMetrics
{
    private static readonly Meter Meter = new("AdClick");

    /// <summary>From the oldest append of a group to its durability, in Kafka or in the spool. The embedded log's instrument, for the same question.</summary>
    public static readonly Histogram<double> AppendDuration =
        Meter.CreateHistogram<double>("adclick.log.append.duration", "s", "Time from the oldest append of a commit to its durability");

    /// <summary>Records that Kafka has reported as written, drained ones not among them.</summary>
    public static readonly Counter<long> Delivered =
        Meter.CreateCounter<long>("adclick.kafka.delivered", "{record}", "Records that Kafka reported as written, without those from the spool");

    /// <summary>Spooled clicks that Kafka has reported as written.</summary>
    public static readonly Counter<long> Drained =
        Meter.CreateCounter<long>("adclick.kafka.drained", "{record}", "Spooled clicks that Kafka reported as written");

    /// <summary>Refused records, tagged <c>reason</c> with Kafka's name of the error.</summary>
    public static readonly Counter<long> Failures =
        Meter.CreateCounter<long>("adclick.kafka.delivery.failures", "{record}", "Records that Kafka or its client refused, by reason");

    /// <summary>Records whose report did not come within the delivery time-out.</summary>
    public static readonly Counter<long> TimedOut =
        Meter.CreateCounter<long>("adclick.kafka.delivery.timeouts", "{record}", "Records not reported as written within the delivery time-out");

    /// <summary>Partitions that Kafka does not take clicks of now.</summary>
    public static readonly UpDownCounter<long> PartitionsAway =
        Meter.CreateUpDownCounter<long>(
            "adclick.kafka.partitions.away", "{partition}", "Partitions whose clicks go to the spool because Kafka does not take them");

    /// <summary>Producers that were given up after an error that they can't recover from.</summary>
    public static readonly Counter<long> Rebuilds =
        Meter.CreateCounter<long>("adclick.kafka.producer.rebuilds", "{producer}", "Producers replaced after a fatal error");

    /// <summary>Counts refused records.</summary>
    public static void Refused(Confluent.Kafka.ErrorCode code, int records) =>
        Failures.Add(records, new KeyValuePair<string, object?>("reason", code.ToString()));
}
