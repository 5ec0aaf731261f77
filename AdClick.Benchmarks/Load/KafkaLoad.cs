using System.Globalization;

namespace AdClick.Benchmarks.Load;

/// <summary>A mock Kafka cluster that the gateway of a load run has its click log on.</summary>
internal sealed record KafkaLoad
{
    /// <summary>Topic of the clicks.</summary>
    public const string Topic = "adclick-load";

    /// <summary>Brokers of the cluster.</summary>
    public const int Brokers = 3;

    /// <summary>Partitions of the topic; the mock keeps the newest 5 MiB of each.</summary>
    public int Partitions { get; init; } = 8;

    /// <summary>What happens to the cluster during the load.</summary>
    public IReadOnlyList<KafkaFault> Faults { get; init; } = [];

    /// <summary>Settings of a gateway on it, <c>AdClick:Name=value</c>.</summary>
    public IEnumerable<string> GatewaySettings(string bootstrapServers) =>
    [
        "AdClick:ClickLog=kafka",
        $"AdClick:Kafka:BootstrapServers={bootstrapServers}",
        $"AdClick:Kafka:Topic={Topic}",
        string.Create(CultureInfo.InvariantCulture, $"AdClick:Partitions={Partitions}"),
    ];
}
