namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>Settings of the click log on Kafka, <c>AdClick:Kafka:…</c>.</summary>
public sealed record KafkaOptions
{
    /// <summary>Brokers to begin with, <c>host:port</c> with commas between.</summary>
    public required string BootstrapServers { get; init; }

    /// <summary>The topic of the clicks. Default <c>adclick-clicks</c>.</summary>
    public string Topic { get; init; } = "adclick-clicks";

    /// <summary>Number of partitions of the topic, that of <c>AdClick:Partitions</c>; a topic with another number is refused. Default 8.</summary>
    public int Partitions { get; init; } = 8;

    /// <summary>Replicas that a new topic gets. Default 3.</summary>
    public short ReplicationFactor { get; init; } = 3;

    /// <summary>
    /// Replicas that must hold a click before it is durable, for a new topic. Default 2: with three replicas, any one broker may die.
    /// </summary>
    public int MinInsyncReplicas { get; init; } = 2;

    /// <summary>
    /// How long a new topic keeps clicks. Default 7 days: much longer than impressions live, so that days of counts can be rebuilt from it.
    /// </summary>
    public TimeSpan TopicRetention { get; init; } = TimeSpan.FromDays(7);

    /// <summary>How long a redirect waits for the report that its click is durable, before the click goes to the spool. Default 2 s.</summary>
    public TimeSpan DeliveryTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Folder of the spool that holds clicks while Kafka is away. Default <c>./data/spool</c>.</summary>
    public string SpoolFolder { get; init; } = "./data/spool";

    /// <summary>Most bytes that the spool may take. Default 10 GiB, some 40 million clicks.</summary>
    public long SpoolMaxBytes { get; init; } = 10L * 1024 * 1024 * 1024;

    /// <summary>Group under which checkpoints are committed, so that Kafka's own tools show how far counting lags. Default <c>adclick</c>.</summary>
    public string Group { get; init; } = "adclick";

    /// <summary>How long a click may wait for others to travel with. Default 5 ms, which is part of every redirect.</summary>
    public TimeSpan Linger { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>
    /// Properties of librdkafka, <c>AdClick:Kafka:Client:…</c>: TLS, SASL, sizes. Default none. Those that AdClick's promises rest on are refused
    /// (<see cref="KafkaClientConfig.Problems"/>).
    /// </summary>
    public IReadOnlyDictionary<string, string> ClientSettings { get; init; } = new Dictionary<string, string>();

    /// <summary>All but the values of <see cref="ClientSettings"/>, which may be secret.</summary>
    public override string ToString() =>
        $"{BootstrapServers}, topic {Topic} ({Partitions} partitions, {ReplicationFactor} replicas, {MinInsyncReplicas} in sync, " +
        $"{TopicRetention:c}), group {Group}, linger {Linger:c}, delivery time-out {DeliveryTimeout:c}, spool {SpoolFolder} ({SpoolMaxBytes} bytes), " +
        $"client settings: {(ClientSettings.Count == 0 ? "none" : string.Join(", ", ClientSettings.Keys.Order(StringComparer.Ordinal)))}";
}
