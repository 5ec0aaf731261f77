namespace AdClick.Tests.Support;

/// <summary>A whole node whose click log is a Kafka topic.</summary>
public class KafkaGateway : RunningGateway
{
    /// <summary>A signing key for a node that makes none.</summary>
    internal const string SigningKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    private readonly KafkaCluster _kafka;
    private readonly bool _ownsKafka;
    private string _topic = "";

    public KafkaGateway()
    {
        _kafka = new KafkaCluster();
        _ownsKafka = true;
    }

    /// <summary>A node on a folder, a cluster and a topic that are there already.</summary>
    internal KafkaGateway(string folder, KafkaCluster kafka, string topic)
        : base(folder)
    {
        _kafka = kafka;
        _topic = topic;
    }

    /// <summary>Settings of the test's own.</summary>
    internal IReadOnlyList<string> MoreSettings { get; init; } = [];

    /// <summary>What the node is started with.</summary>
    internal IEnumerable<string> AllSettings => [$"--AdClick:Data={Folder}", $"--AdClick:Partitions={Partitions}", $"--AdClick:AdminKey={AdminKey}", .. Settings];

    protected override IEnumerable<string> Settings =>
    [
        "--AdClick:ClickLog=kafka", $"--AdClick:Kafka:BootstrapServers={_kafka.BootstrapServers}", $"--AdClick:Kafka:Topic={_topic}",
        "--AdClick:Kafka:ReplicationFactor=1", "--AdClick:Kafka:MinInsyncReplicas=1", $"--AdClick:SigningKeys:k1={SigningKey}", .. MoreSettings,
    ];

    public override async Task InitializeAsync()
    {
        await _kafka.InitializeAsync();
        _topic = await _kafka.CreateTopicAsync(Partitions);
        await base.InitializeAsync();
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        if (_ownsKafka)
        {
            await _kafka.DisposeAsync();
        }
    }
}
