using Confluent.Kafka;

namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>
/// Configurations of the Kafka clients: what the operator set (<see cref="KafkaOptions.ClientSettings"/>), and over it what AdClick's promises rest
/// on.
/// </summary>
public static class KafkaClientConfig
{
    private const string Section = "AdClick:Kafka:Client:";
    private const string Counted = "a click is counted by its partition's own reader, from its checkpoint";

    // Property → why it can't be set. librdkafka's other names for a property stand beside it.
    private static readonly Dictionary<string, string> Refused = new(StringComparer.OrdinalIgnoreCase)
    {
        ["bootstrap.servers"] = "is AdClick:Kafka:BootstrapServers",
        ["metadata.broker.list"] = "is AdClick:Kafka:BootstrapServers",
        ["message.timeout.ms"] = "is AdClick:Kafka:DeliveryTimeout",
        ["delivery.timeout.ms"] = "is AdClick:Kafka:DeliveryTimeout",
        ["linger.ms"] = "is AdClick:Kafka:Linger",
        ["queue.buffering.max.ms"] = "is AdClick:Kafka:Linger",
        ["group.id"] = "is AdClick:Kafka:Group",
        ["acks"] = "can't be set: a redirect is sent only once all in-sync replicas hold the click",
        ["request.required.acks"] = "can't be set: a redirect is sent only once all in-sync replicas hold the click",
        ["enable.idempotence"] = "can't be set: without it a resent click may be stored out of order",
        ["enable.gapless.guarantee"] = "can't be set: it would end the producer at the first click that was not delivered, and the spool takes those",
        ["transactional.id"] = "can't be set: a click is durable by itself, not at the end of a transaction",
        ["partitioner"] = "can't be set: AdClick computes the partition, which is where the click's ad is counted",
        ["delivery.report.only.error"] = "can't be set: a redirect waits for the report",
        ["enable.auto.commit"] = $"can't be set: {Counted}",
        ["auto.commit.enable"] = $"can't be set: {Counted}",
        ["auto.commit.interval.ms"] = $"can't be set: {Counted}",
        ["enable.auto.offset.store"] = $"can't be set: {Counted}",
        ["auto.offset.reset"] = "can't be set: an offset that Kafka no longer has is a loss to report, not to skip",
        ["enable.partition.eof"] = $"can't be set: {Counted}",
        ["group.protocol"] = "can't be set: partitions follow their shards, not the group",
        ["group.instance.id"] = "can't be set: partitions follow their shards, not the group",
        ["partition.assignment.strategy"] = "can't be set: partitions follow their shards, not the group",
        ["allow.auto.create.topics"] = "can't be set: AdClick creates the topic, with the settings that it needs",
    };

    // Confluent.Kafka's own switches (delivery reports among them), and librdkafka's mock cluster, which would take the clicks and lose them.
    private static readonly (string Prefix, string Why)[] RefusedPrefixes =
    [
        ("dotnet.", "can't be set: it changes what AdClick is told by its client"),
        ("test.", "can't be set: it replaces Kafka by a mock"),
    ];

    // Parts of the names of properties whose values no message may show.
    private static readonly string[] SecretNames = ["password", "secret", "token", "assertion", ".pem", "oauthbearer.config"];

    /// <summary>
    /// What is wrong with the client settings: properties that are refused, that librdkafka does not know, whose values it does not take, or that do
    /// not go together. Sentences that name <c>AdClick:Kafka:Client:PROPERTY</c>, never a secret. Connects to nothing.
    /// </summary>
    public static IReadOnlyList<string> Problems(KafkaOptions options)
    {
        var problems = new List<string>();
        foreach (var property in options.ClientSettings.Keys.Order(StringComparer.Ordinal))
        {
            if (WhyRefused(property) is { } why)
            {
                problems.Add($"{Section}{property} {why}.");
            }
            else
            {
                // librdkafka's message has the value in it, and may call the property by another of its names. An error of any other kind says that
                // another property is missing, which may be among the settings.
                switch (ErrorOf(new Dictionary<string, string> { [property] = options.ClientSettings[property] }))
                {
                    case ArgumentException:
                        problems.Add($"{Section}{property} has a value that librdkafka does not take; its CONFIGURATION.md says which it does.");
                        break;
                    case InvalidOperationException e when e.Message.StartsWith("No such", StringComparison.Ordinal):
                        problems.Add($"{Section}{property} is not a property of librdkafka; its CONFIGURATION.md lists them.");
                        break;
                }
            }
        }

        // Each may be right by itself: a key without its password shows only when TLS is on.
        if (problems.Count == 0 && (ErrorOf(Producer(options)) ?? ErrorOf(Consumer(options))) is { } together)
        {
            problems.Add($"{Section}… does not make a client: {WithoutSecrets(together.Message, options)}.");
        }

        return problems;
    }

    /// <summary>The producer's: all in-sync replicas, idempotent, <see cref="KafkaOptions.DeliveryTimeout"/>; LZ4 unless set otherwise.</summary>
    public static ProducerConfig Producer(KafkaOptions options)
    {
        var config = new ProducerConfig(Base(options))
        {
            Acks = Acks.All,
            EnableIdempotence = true,
            LingerMs = options.Linger.TotalMilliseconds,
            MessageTimeoutMs = (int)options.DeliveryTimeout.TotalMilliseconds,
        };
        if (!IsSet(options, "compression.type") && !IsSet(options, "compression.codec"))
        {
            config.CompressionType = CompressionType.Lz4;
        }

        return config;
    }

    /// <summary>
    /// The consumer's: nothing is committed by itself, and an offset that Kafka does not have is an error (<see cref="AutoOffsetReset.Error"/>).
    /// </summary>
    public static ConsumerConfig Consumer(KafkaOptions options) => new(Base(options))
    {
        GroupId = options.Group,
        EnableAutoCommit = false,
        EnableAutoOffsetStore = false,
        AutoOffsetReset = AutoOffsetReset.Error,
        AllowAutoCreateTopics = false,
    };

    /// <summary>The administrator's.</summary>
    public static AdminClientConfig Admin(KafkaOptions options) => new(Base(options));

    /// <summary>A text of librdkafka's, with every secret of the client settings taken out.</summary>
    public static string WithoutSecrets(string text, KafkaOptions options)
    {
        foreach (var (property, value) in options.ClientSettings)
        {
            if (value.Length > 0 && SecretNames.Any(part => property.Contains(part, StringComparison.OrdinalIgnoreCase)))
            {
                text = text.Replace(value, "***", StringComparison.Ordinal);
            }
        }

        return text.TrimEnd('.');
    }

    private static Dictionary<string, string> Base(KafkaOptions options)
    {
        var settings = new Dictionary<string, string>(options.ClientSettings.Count + 8) { ["client.id"] = "adclick" };
        foreach (var (property, value) in options.ClientSettings)
        {
            settings[property] = value;
        }

        settings["bootstrap.servers"] = options.BootstrapServers;
        return settings;
    }

    private static bool IsSet(KafkaOptions options, string property) =>
        options.ClientSettings.Keys.Contains(property, StringComparer.OrdinalIgnoreCase);

    private static string? WhyRefused(string property)
    {
        foreach (var (prefix, why) in RefusedPrefixes)
        {
            if (property.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            {
                return why;
            }
        }

        return Refused.GetValueOrDefault(property);
    }

    private static Exception? ErrorOf(Dictionary<string, string> settings)
    {
        settings["group.id"] = "none";
        return ErrorOf(new ConsumerConfig(settings));
    }

    private static Exception? ErrorOf(ConsumerConfig config) => ErrorOf(() =>
        new ConsumerBuilder<byte[], byte[]>(Unconnected(config)).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build());

    private static Exception? ErrorOf(ProducerConfig config) => ErrorOf(() =>
        new ProducerBuilder<byte[], byte[]>(Unconnected(config)).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build());

    private static Exception? ErrorOf(Func<IDisposable> build)
    {
        try
        {
            build().Dispose();
            return null;
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or KafkaException)
        {
            return e;
        }
    }

    private static IEnumerable<KeyValuePair<string, string>> Unconnected(IEnumerable<KeyValuePair<string, string>> config) =>
        config.Where(setting => setting.Key != "bootstrap.servers");
}
