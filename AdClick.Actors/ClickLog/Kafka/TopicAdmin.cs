using System.Buffers.Binary;
using System.Globalization;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Microsoft.Extensions.Logging;

namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>
/// Asks Kafka about one topic, and turns its errors into the two that a caller can act on: <see cref="KafkaTopicRefusedException"/> and
/// <see cref="ClickLogUnavailableException"/>.
/// </summary>
internal sealed class TopicAdmin : IDisposable
{
    private readonly KafkaOptions _options;
    private readonly ILogger _logger;
    private readonly TimeSpan _patience;
    private readonly IAdminClient _client;
    private volatile string? _lastError; // a time-out only says that; why is told beside

    /// <summary>Connects in the background.</summary>
    public TopicAdmin(KafkaOptions options, ILogger logger, TimeSpan patience)
    {
        _options = options;
        _logger = logger;
        _patience = patience;
        _client = new AdminClientBuilder(KafkaClientConfig.Admin(options))
            .SetErrorHandler((_, error) => _lastError = KafkaClientConfig.WithoutSecrets(error.Reason, options))
            .SetLogHandler((_, line) => logger.LogDebug("{Line}", KafkaClientConfig.WithoutSecrets(line.Message, options)))
            .Build();
    }

    /// <summary>What Kafka says of the topic; null when there is none.</summary>
    public async Task<TopicFacts?> DescribeAsync(CancellationToken cancellationToken)
    {
        TopicDescription topic;
        try
        {
            // Never by GetMetadata: a broker with auto.create.topics.enable would make the topic, with settings of its own.
            var described = await _client
                .DescribeTopicsAsync(TopicCollection.OfTopicNames([_options.Topic]), new DescribeTopicsOptions { RequestTimeout = _patience })
                .WaitAsync(cancellationToken).ConfigureAwait(false);
            topic = described.TopicDescriptions[0];
        }
        catch (DescribeTopicsException e)
        {
            var error = e.Results.TopicDescriptions[0].Error;
            return error.Code switch
            {
                ErrorCode.UnknownTopicOrPart => null,
                ErrorCode.TopicAuthorizationFailed or ErrorCode.TopicException => throw Refused("described", error, e),
                _ => throw Unavailable("describe", error, e),
            };
        }
        catch (KafkaException e)
        {
            throw Unavailable("describe", e.Error, e);
        }

        return new TopicFacts(
            GuidOf(topic.TopicId),
            topic.Partitions.Count,
            topic.Partitions.Min(partition => partition.Replicas.Count),
            await SettingsAsync(cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Makes the topic; it is as well if somebody else has just done so.</summary>
    public async Task CreateAsync(CancellationToken cancellationToken)
    {
        var topic = new TopicSpecification
        {
            Name = _options.Topic,
            NumPartitions = _options.Partitions,
            ReplicationFactor = _options.ReplicationFactor,
            Configs = new Dictionary<string, string>
            {
                ["message.timestamp.type"] = "LogAppendTime",
                ["cleanup.policy"] = "delete",
                ["retention.ms"] = ((long)_options.TopicRetention.TotalMilliseconds).ToString(CultureInfo.InvariantCulture),
                ["min.insync.replicas"] = _options.MinInsyncReplicas.ToString(CultureInfo.InvariantCulture),
                ["unclean.leader.election.enable"] = "false",
                ["compression.type"] = "producer", // a broker with a codec of its own would unpack and pack every batch
            },
        };
        try
        {
            await _client.CreateTopicsAsync([topic], new CreateTopicsOptions { RequestTimeout = _patience, OperationTimeout = _patience })
                .WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (CreateTopicsException e)
        {
            var error = e.Results[0].Error;
            switch (error.Code)
            {
                case ErrorCode.TopicAlreadyExists:
                    break;
                case ErrorCode.InvalidReplicationFactor or ErrorCode.InvalidPartitions or ErrorCode.InvalidConfig or ErrorCode.PolicyViolation
                    or ErrorCode.TopicException or ErrorCode.TopicAuthorizationFailed or ErrorCode.ClusterAuthorizationFailed:
                    throw Refused("created", error, e);
                default:
                    throw Unavailable("create", error, e);
            }
        }
        catch (KafkaException e) when (e.Error.Code == ErrorCode.Local_UnsupportedFeature)
        {
            throw Refused("created", e.Error, e);
        }
        catch (KafkaException e)
        {
            throw Unavailable("create", e.Error, e);
        }
    }

    /// <summary>ID of the cluster; empty from a broker that gives none.</summary>
    public async Task<string> ClusterIdAsync(CancellationToken cancellationToken)
    {
        try
        {
            var cluster = await _client.DescribeClusterAsync(new DescribeClusterOptions { RequestTimeout = _patience })
                .WaitAsync(cancellationToken).ConfigureAwait(false);
            return cluster.ClusterId ?? "";
        }
        catch (KafkaException e)
        {
            throw Unavailable("describe the cluster of", e.Error, e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    // Java's UUID, as Kafka's tools print it in base64: the two halves are big-endian.
    private static Guid? GuidOf(Uuid? id)
    {
        if (id is null || (id.MostSignificantBits == 0 && id.LeastSignificantBits == 0))
        {
            return null;
        }

        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(bytes, id.MostSignificantBits);
        BinaryPrimitives.WriteInt64BigEndian(bytes[8..], id.LeastSignificantBits);
        return new Guid(bytes, bigEndian: true);
    }

    private async Task<IReadOnlyDictionary<string, string>?> SettingsAsync(CancellationToken cancellationToken)
    {
        Error error;
        try
        {
            var results = await _client
                .DescribeConfigsAsync(
                    [new ConfigResource { Type = ResourceType.Topic, Name = _options.Topic }],
                    new DescribeConfigsOptions { RequestTimeout = _patience })
                .WaitAsync(cancellationToken).ConfigureAwait(false);
            return results[0].Entries.Values.Where(entry => entry.Value is not null).ToDictionary(entry => entry.Name, entry => entry.Value);
        }
        catch (DescribeConfigsException e)
        {
            error = e.Results[0].Error;
        }
        catch (KafkaException e)
        {
            error = e.Error;
        }

        // A broker that only didn't answer in time is asked again later, with all the rest; one that won't tell never will.
        if (error.Code is not (ErrorCode.Local_UnsupportedFeature or ErrorCode.UnsupportedVersion or ErrorCode.TopicAuthorizationFailed
            or ErrorCode.ClusterAuthorizationFailed))
        {
            throw Unavailable("describe the settings of", error, null);
        }

        _logger.LogWarning(
            "The settings of topic '{Topic}' could not be checked: {Reason}. AdClick needs message.timestamp.type LogAppendTime, cleanup.policy " +
            "delete, and a retention.ms above the impressions' lifetime (ACL: DescribeConfigs on the topic).",
            _options.Topic,
            KafkaClientConfig.WithoutSecrets(error.Reason, _options));
        return null;
    }

    private KafkaTopicRefusedException Refused(string done, Error error, Exception inner) => new(
        $"Topic '{_options.Topic}' can't be {done} on Kafka at {_options.BootstrapServers}: " +
        $"{KafkaClientConfig.WithoutSecrets(error.Reason, _options)}. Grant the right (Describe, DescribeConfigs, Create, Read, Write), or have it created with " +
        $"{_options.Partitions} partitions, {_options.ReplicationFactor} replicas (AdClick:Kafka:ReplicationFactor), min.insync.replicas {_options.MinInsyncReplicas}, " +
        $"retention.ms {(long)_options.TopicRetention.TotalMilliseconds} and message.timestamp.type LogAppendTime.",
        inner);

    private ClickLogUnavailableException Unavailable(string toDo, Error error, Exception? inner)
    {
        var reason = KafkaClientConfig.WithoutSecrets(error.Reason, _options);
        return new ClickLogUnavailableException(
            $"Kafka at {_options.BootstrapServers} does not let us {toDo} topic '{_options.Topic}': {reason}." +
            (_lastError is { } last && last != reason ? $" Its client last said: {last}." : ""),
            inner);
    }
}
