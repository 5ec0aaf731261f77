using AdClick.Actors.ClickLog.Kafka;
using AdClick.Benchmarks.Kafka;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Xunit;

namespace AdClick.Tests.Support;

/// <summary>
/// Kafka for tests: a mock cluster of three brokers in this process, or, with <c>ADCLICK_TEST_KAFKA=host:port</c>, a real one. Every test works with
/// a topic of its own.
/// </summary>
public sealed class KafkaCluster : IAsyncLifetime, IAsyncDisposable
{
    /// <summary>The variable that names a real broker.</summary>
    public const string Variable = "ADCLICK_TEST_KAFKA";

    /// <summary>Number of brokers of the mock.</summary>
    public const int MockBrokers = 3;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly MockKafkaCluster? _mock;
    private readonly List<string> _topics = [];

    public KafkaCluster()
    {
        _mock = RealBroker is null ? new MockKafkaCluster(MockBrokers) : null;
        BootstrapServers = RealBroker ?? _mock!.BootstrapServers;
    }

    /// <summary>The real broker; null when there is none.</summary>
    public static string? RealBroker { get; } = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } broker ? broker : null;

    public string BootstrapServers { get; }

    /// <summary>The mock, to hurt; in tests with <see cref="MockKafkaFactAttribute"/>.</summary>
    internal MockKafkaCluster Mock =>
        _mock ?? throw new InvalidOperationException($"A test that hurts the cluster needs [MockKafkaFact]; {Variable} is set.");

    /// <summary>A name that no topic has yet.</summary>
    public static string NewTopicName() => $"adclick-test-{Guid.NewGuid():N}";

    /// <summary>A new topic with the settings that AdClick needs, as far as the cluster knows any.</summary>
    public async Task<string> CreateTopicAsync(int partitions)
    {
        var topic = NewTopicName();
        if (_mock is not null)
        {
            _mock.CreateTopic(topic, partitions, MockBrokers);
            return topic;
        }

        var settings = new Dictionary<string, string> { ["message.timestamp.type"] = "LogAppendTime", ["retention.ms"] = "604800000" };
        await CreateTopicAsync(topic, partitions, settings);
        return topic;
    }

    /// <summary>A topic with settings of the test's own; only a real broker has any.</summary>
    public async Task CreateTopicAsync(string topic, int partitions, Dictionary<string, string> settings)
    {
        using var admin = Admin();
        var specification = new TopicSpecification { Name = topic, NumPartitions = partitions, ReplicationFactor = 1, Configs = settings };
        await admin.CreateTopicsAsync([specification], new CreateTopicsOptions { RequestTimeout = Patience, OperationTimeout = Patience });
        DeleteLater(topic);
    }

    /// <summary>Has a topic that the test lets be created deleted at the end.</summary>
    public void DeleteLater(string topic)
    {
        lock (_topics)
        {
            _topics.Add(topic);
        }
    }

    /// <summary>Options for a topic on this cluster; a real one may be a single broker.</summary>
    public KafkaOptions Options(string topic, int partitions) => new()
    {
        BootstrapServers = BootstrapServers,
        Topic = topic,
        Partitions = partitions,
        ReplicationFactor = 1,
        MinInsyncReplicas = 1,
    };

    public IAdminClient Admin() =>
        new AdminClientBuilder(new AdminClientConfig { BootstrapServers = BootstrapServers }).SetLogHandler((_, _) => { }).Build();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        _mock?.Dispose();
        if (_mock is null && _topics.Count > 0)
        {
            using var admin = Admin();
            await admin.DeleteTopicsAsync(_topics, new DeleteTopicsOptions { RequestTimeout = Patience, OperationTimeout = Patience });
        }
    }

    async ValueTask IAsyncDisposable.DisposeAsync() => await DisposeAsync();
}
