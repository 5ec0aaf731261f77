using System.Globalization;
using AdClick.Actors.ClickLog.Kafka;

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

    /// <summary>What a redirect may take beyond the delivery time-out: the spool's writing, and a round of each thread on the way.</summary>
    private static readonly TimeSpan BeyondTimeout = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest that a redirect may take, whatever happens to the cluster.</summary>
    /// <param name="gatewaySettings">Settings that the gateway was given besides, among which the delivery time-out may be.</param>
    public static TimeSpan LongestRedirect(IEnumerable<string> gatewaySettings)
    {
        const string Name = "AdClick:Kafka:DeliveryTimeout=";
        var given = gatewaySettings.LastOrDefault(setting => setting.StartsWith(Name, StringComparison.OrdinalIgnoreCase));
        var timeout = given is null
            ? new KafkaOptions { BootstrapServers = "" }.DeliveryTimeout
            : TimeSpan.Parse(given[Name.Length..], CultureInfo.InvariantCulture);
        return timeout + BeyondTimeout;
    }

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
