using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;

namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>The topic of the clicks: made when it is missing, checked when it is there, and the same one as ever.</summary>
public static class KafkaTopic
{
    /// <summary>How long Kafka has for one answer unless it is said otherwise.</summary>
    public static readonly TimeSpan DefaultPatience = TimeSpan.FromSeconds(10);

    // Other brokers hear of a new topic a little later than the one that made it.
    private static readonly TimeSpan PauseBetweenLooks = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan PatienceWithNewTopic = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Finds the topic, makes it if there has never been one, checks it (<see cref="TopicCheck"/> says what is refused and what is a warning), and
    /// remembers it in the data folder (<see cref="RememberedTopic"/>).
    /// </summary>
    /// <param name="options">The topic that is asked for.</param>
    /// <param name="folder">The data folder.</param>
    /// <param name="neededRetention">Impression lifetime + allowed lateness.</param>
    /// <param name="logger">Where warnings go.</param>
    /// <param name="patience">How long Kafka has for one answer; null for <see cref="DefaultPatience"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>
    /// Epoch and partitions. The epoch is the topic's ID, which a topic of the same name made later does not share; from a broker that gives none, it
    /// is made of the cluster's ID and the topic's name.
    /// </returns>
    /// <exception cref="KafkaTopicRefusedException">The topic, a setting or what is remembered is wrong: a person has to decide.</exception>
    /// <exception cref="ClickLogUnavailableException">
    /// Kafka does not answer, or not so that anything is certain: to be tried again. A log-in that is refused is one of these, since it is also what
    /// brokers say that have lost their directory for a minute; the message tells.
    /// </exception>
    public static async Task<LogIdentity> OpenAsync(
        KafkaOptions options,
        string folder,
        TimeSpan neededRetention,
        ILogger logger,
        TimeSpan? patience = null,
        CancellationToken cancellationToken = default)
    {
        var remembered = RememberedTopic.Read(folder, options);
        if (KafkaClientConfig.Problems(options) is { Count: > 0 } problems)
        {
            throw new KafkaTopicRefusedException(string.Join(" ", problems));
        }

        using var admin = new TopicAdmin(options, logger, patience ?? DefaultPatience);
        var topic = await admin.DescribeAsync(cancellationToken).ConfigureAwait(false);
        if (topic is null)
        {
            if (remembered is not null)
            {
                throw new KafkaTopicRefusedException(
                    $"Topic '{options.Topic}' is gone: this node has worked with it (epoch {remembered.Epoch}), and Kafka at " +
                    $"{options.BootstrapServers} has none of that name. It is not made anew, since saved counts and spooled clicks belong to the former. " +
                    "Correct AdClick:Kafka:BootstrapServers, or point AdClick:Data to another folder.");
            }

            topic = await CreateAsync(admin, options, logger, cancellationToken).ConfigureAwait(false);
        }

        Judge(options, topic, neededRetention, logger);
        var epoch = topic.Id ?? await MadeUpEpochAsync(admin, options, logger, cancellationToken).ConfigureAwait(false);
        var identity = new LogIdentity(epoch, topic.Partitions);
        RememberedTopic.Confirm(folder, options, identity);
        return identity;
    }

    private static async Task<TopicFacts> CreateAsync(
        TopicAdmin admin, KafkaOptions options, ILogger logger, CancellationToken cancellationToken)
    {
        if (options.MinInsyncReplicas > options.ReplicationFactor)
        {
            throw new KafkaTopicRefusedException(
                $"AdClick:Kafka:MinInsyncReplicas ({options.MinInsyncReplicas}) must not be above AdClick:Kafka:ReplicationFactor " +
                $"({options.ReplicationFactor}): no click could be stored.");
        }

        await admin.CreateAsync(cancellationToken).ConfigureAwait(false);
        logger.LogInformation("Topic '{Topic}' is there now, with {Partitions} partitions.", options.Topic, options.Partitions);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(PatienceWithNewTopic);
        while (true)
        {
            if (await admin.DescribeAsync(cancellationToken).ConfigureAwait(false) is { } topic)
            {
                return topic;
            }

            try
            {
                await Task.Delay(PauseBetweenLooks, patience.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
            {
                throw new ClickLogUnavailableException(
                    $"Topic '{options.Topic}' was created, but Kafka at {options.BootstrapServers} has not known it for {PatienceWithNewTopic}.", e);
            }
        }
    }

    private static void Judge(KafkaOptions options, TopicFacts topic, TimeSpan neededRetention, ILogger logger)
    {
        var (refusals, warnings) = TopicCheck.Judge(options, topic, neededRetention);
        foreach (var warning in warnings)
        {
            logger.LogWarning("{Finding}", warning);
        }

        if (refusals.Count > 0)
        {
            throw new KafkaTopicRefusedException(
                string.Join(" ", refusals) + " Change the topic (kafka-configs.sh --alter), or name another in AdClick:Kafka:Topic.");
        }
    }

    private static async Task<Guid> MadeUpEpochAsync(
        TopicAdmin admin, KafkaOptions options, ILogger logger, CancellationToken cancellationToken)
    {
        var cluster = await admin.ClusterIdAsync(cancellationToken).ConfigureAwait(false);
        logger.LogWarning(
            "Kafka at {Servers} gives topics no IDs (they came with 2.8): a topic '{Topic}' that is deleted and made anew will not be told from this one.",
            options.BootstrapServers,
            options.Topic);
        return new Guid(SHA256.HashData(Encoding.UTF8.GetBytes($"{cluster}/{options.Topic}")).AsSpan(0, 16), bigEndian: true);
    }
}
