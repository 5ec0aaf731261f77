using Confluent.Kafka;

namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>What a node's consumer reads, and how much it may hold.</summary>
internal sealed record ConsumerSettings
{
    /// <summary>The topic.</summary>
    public required string Topic { get; init; }

    /// <summary>Number of its partitions.</summary>
    public required int Partitions { get; init; }

    /// <summary>The client's properties, see <see cref="KafkaClientConfig.Consumer"/>.</summary>
    public required ConsumerConfig Client { get; init; }

    /// <summary>Takes secrets out of the client's log lines. Default: there are none.</summary>
    public Func<string, string> Redact { get; init; } = line => line;

    /// <summary>
    /// Bytes of records that may wait for their readers, of all partitions together. A partition's share of it is its high-water mark, see
    /// <see cref="HighWaterMark"/>. Default 64 MiB.
    /// </summary>
    public long BufferBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Time between two commits to the consumer group, which are for Kafka's tools only. Default 5 s, as Kafka's own auto-commit.</summary>
    public TimeSpan CommitInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the brokers may take to say the range of a partition. Default 5 s.</summary>
    public TimeSpan RangeTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Bytes of a partition that wait for their reader from which on it is paused: an equal share of <see cref="BufferBytes"/>, but at least
    /// 256 KiB, so that a batch is worth its costs, and at most 8 MiB, a batch of 8,192 records several times over.
    /// </summary>
    /// <param name="assignedPartitions">Partitions that this node reads.</param>
    public int HighWaterMark(int assignedPartitions) =>
        (int)Math.Clamp(BufferBytes / Math.Max(1, assignedPartitions), 256 * 1024, 8 * 1024 * 1024);

    /// <summary>Bytes at which a paused partition goes on: a quarter of the high-water mark, so that a pause is worth its round trip.</summary>
    public static int LowWaterMark(int highWaterMark) => highWaterMark / 4;

    /// <summary>The properties that the consumer is built with: <see cref="Client"/>, and where it is silent, what suits clicks.</summary>
    public ConsumerConfig ToConsumerConfig()
    {
        var properties = new Dictionary<string, string>
        {
            // A broker answers as soon as it has one byte. The wait bounds how long a partition that was just assigned or resumed stands behind a
            // request that is under way, as a broker is asked once at a time.
            ["fetch.min.bytes"] = "1",
            ["fetch.wait.max.ms"] = "100",

            // What librdkafka fetches ahead is thrown away when its partition is paused, and comes on top of BufferBytes: enough to keep the connections
            // busy, no more.
            ["queued.min.messages"] = "50000",
            ["queued.max.messages.kbytes"] = "16384",
        };
        foreach (var (name, value) in Client)
        {
            properties[name] = value;
        }

        return new ConsumerConfig(properties)
        {
            IsolationLevel = IsolationLevel.ReadUncommitted, // else an open transaction of someone else would hold clicks back
            ConsumeResultFields = "timestamp", // the topic is known, and headers cost more than all the rest
        };
    }
}
