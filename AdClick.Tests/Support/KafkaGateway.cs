namespace AdClick.Tests.Support;

/// <summary>A whole node whose click log is a Kafka topic.</summary>
public class KafkaGateway : RunningGateway
{
    /// <summary>A signing key for a node that makes none.</summary>
    internal const string SigningKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    private readonly KafkaCluster _kafka = new();
    private string _topic = "";

    protected override IEnumerable<string> Settings =>
    [
        "--AdClick:ClickLog=kafka", $"--AdClick:Kafka:BootstrapServers={_kafka.BootstrapServers}", $"--AdClick:Kafka:Topic={_topic}",
        "--AdClick:Kafka:ReplicationFactor=1", "--AdClick:Kafka:MinInsyncReplicas=1", $"--AdClick:SigningKeys:k1={SigningKey}",
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
        await _kafka.DisposeAsync();
    }
}
