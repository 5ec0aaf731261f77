using System.Diagnostics.Metrics;

namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>What this node's consumer measures, once per round of its thread or batch of a reader.</summary>
internal static class KafkaConsumerMetrics
{
    private static readonly Meter Meter = new("AdClick");

    /// <summary>Records that were taken.</summary>
    public static readonly Counter<long> Records =
        Meter.CreateCounter<long>("adclick.kafka.consumer.records", "{record}", "Records read from Kafka");

    /// <summary>Their bytes, keys and headers excluded.</summary>
    public static readonly Counter<long> Bytes =
        Meter.CreateCounter<long>("adclick.kafka.consumer.bytes", "By", "Bytes of records read from Kafka");

    /// <summary>Offsets without a record.</summary>
    public static readonly Counter<long> OffsetsPassed = Meter.CreateCounter<long>(
        "adclick.kafka.consumer.offsets.passed", "{offset}", "Offsets that hold no record: markers of transactions, or a compacted topic");

    /// <summary>Partitions whose reader is behind.</summary>
    public static readonly UpDownCounter<long> Paused = Meter.CreateUpDownCounter<long>(
        "adclick.kafka.consumer.partitions.paused", "{partition}", "Partitions that are not fetched now because enough of their records wait for counting");

    /// <summary>Bytes that wait for their readers.</summary>
    public static readonly UpDownCounter<long> BufferedBytes =
        Meter.CreateUpDownCounter<long>("adclick.kafka.consumer.buffered", "By", "Bytes of records that wait for counting");

    /// <summary>Commits of checkpoints to the consumer group that failed.</summary>
    public static readonly Counter<long> CommitsFailed =
        Meter.CreateCounter<long>("adclick.kafka.consumer.commits.failed", "{commit}", "Commits to the consumer group that failed");

    /// <summary>Times that the consumer had to be built anew.</summary>
    public static readonly Counter<long> Rebuilds =
        Meter.CreateCounter<long>("adclick.kafka.consumer.rebuilds", "{rebuild}", "Times that the consumer had to be built anew");
}
