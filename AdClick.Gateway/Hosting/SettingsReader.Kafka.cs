using System.Globalization;
using AdClick.Actors.ClickLog.Kafka;

namespace AdClick.Gateway.Hosting;

/// <summary>The settings under <c>AdClick:Kafka:</c>.</summary>
internal sealed partial class SettingsReader
{
    private const string KafkaSection = "Kafka";

    // Kafka's own limit for a topic's name.
    private const int MaxTopicLength = 249;

    private KafkaOptions? Kafka(string data, int partitions)
    {
        _known.Add(KafkaSection);
        var isKafka = "kafka".Equals(OneOf("ClickLog", "embedded", "kafka"), StringComparison.Ordinal);
        var section = _section.GetSection(KafkaSection);
        if (!isKafka)
        {
            if (section.GetChildren().Any())
            {
                Refuse(KafkaSection, "is set, but AdClick:ClickLog is not 'kafka'");
            }

            return null;
        }

        var servers = Text("Kafka:BootstrapServers");
        if (servers is null)
        {
            Refuse("Kafka:BootstrapServers", "is missing: with AdClick:ClickLog 'kafka', name brokers as host:port with commas between");
        }

        var defaults = new KafkaOptions { BootstrapServers = servers ?? "" };
        var options = new KafkaOptions
        {
            BootstrapServers = defaults.BootstrapServers,
            Topic = TopicName("Kafka:Topic", defaults.Topic),
            Partitions = partitions,
            ReplicationFactor = (short)Number("Kafka:ReplicationFactor", defaults.ReplicationFactor, 1, 100),
            MinInsyncReplicas = Number("Kafka:MinInsyncReplicas", defaults.MinInsyncReplicas, 1, 100),
            TopicRetention = Span("Kafka:TopicRetention", defaults.TopicRetention, TimeSpan.FromMinutes(1), TimeSpan.FromDays(3650)),
            DeliveryTimeout = Span("Kafka:DeliveryTimeout", defaults.DeliveryTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1)),
            SpoolFolder = Path.GetFullPath(Text("Kafka:SpoolFolder") ?? Path.Combine(data, "spool")),
            SpoolMaxBytes = Bytes("Kafka:SpoolMaxBytes", defaults.SpoolMaxBytes, 1024 * 1024),
            Group = Text("Kafka:Group") ?? defaults.Group,
            Linger = Span("Kafka:Linger", defaults.Linger, TimeSpan.Zero, TimeSpan.FromSeconds(1)),
            ClientSettings = section.GetSection("Client").GetChildren().ToDictionary(child => child.Key, child => child.Value ?? ""),
        };
        if (options.MinInsyncReplicas > options.ReplicationFactor)
        {
            Refuse("Kafka:MinInsyncReplicas", "must not be greater than AdClick:Kafka:ReplicationFactor: no click would ever be durable");
        }

        _known.Add("Kafka:Client");
        foreach (var child in section.GetChildren().Where(child => !_known.Contains($"{KafkaSection}:{child.Key}")))
        {
            Refuse($"{KafkaSection}:{child.Key}", "is not a setting of AdClick; docs/operations.md lists them, and librdkafka's own go under AdClick:Kafka:Client");
        }

        _problems.AddRange(KafkaClientConfig.Problems(options));
        return options;
    }

    // What others can read must not be signed with keys that only this node knows.
    private void RequireKeys(string? adminKey, List<SigningKeySetting> keys, string because)
    {
        if (adminKey is null)
        {
            Refuse("AdminKey", $"is missing: {because}, every node needs the same one");
        }

        if (keys.Count == 0)
        {
            Refuse("SigningKeys", $"is missing: {because}, every node needs the same ones; make one with: openssl rand -base64 32");
        }
    }

    private string TopicName(string name, string standard)
    {
        if (Text(name) is not { } text)
        {
            return standard;
        }

        if (text.Length <= MaxTopicLength && text is not ("." or "..") && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'))
        {
            return text;
        }

        Refuse(name, $"must be 1 to {MaxTopicLength} of A-Z a-z 0-9 . _ -, not '{text}'");
        return standard;
    }

    private long Bytes(string name, long standard, long min)
    {
        if (Text(name) is not { } text)
        {
            return standard;
        }

        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) && bytes >= min)
        {
            return bytes;
        }

        Refuse(name, string.Create(CultureInfo.InvariantCulture, $"must be a number of bytes, at least {min}, not '{text}'"));
        return standard;
    }
}
