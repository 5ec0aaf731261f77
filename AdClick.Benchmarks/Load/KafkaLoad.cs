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
    /// <remarks>
    /// When single requests fail, one request at a time. An idempotent client takes a later request's success for that of an earlier one that failed
    /// (librdkafka, pull request 2081), since a broker would have refused the later one by its sequence number; the mock does not look at those.
    /// </remarks>
    public IEnumerable<string> GatewaySettings(string bootstrapServers) =>
    [
        "AdClick:ClickLog=kafka",
        $"AdClick:Kafka:BootstrapServers={bootstrapServers}",
        $"AdClick:Kafka:Topic={Topic}",
        string.Create(CultureInfo.InvariantCulture, $"AdClick:Partitions={Partitions}"),
        .. Faults.Any(fault => fault.Kind == KafkaFaultKind.Errors) ? (string[])["AdClick:Kafka:Client:max.in.flight.requests.per.connection=1"] : [],
    ];
}
