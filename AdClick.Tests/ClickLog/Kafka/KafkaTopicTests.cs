using AdClick.Actors.ClickLog;
using AdClick.Actors.ClickLog.Kafka;
using AdClick.Benchmarks.Kafka;
using AdClick.Tests.Support;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Microsoft.Extensions.Logging;
using Xunit;

namespace AdClick.Tests.ClickLog.Kafka;

/// <summary>Opening the topic of the clicks, on the mock cluster or on a real broker.</summary>
public sealed class KafkaTopicTests : IAsyncLifetime
{
    private const string Secret = "s3cret-of-the-operator";
    private static readonly TimeSpan NeededRetention = TimeSpan.FromHours(25);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Impatience = TimeSpan.FromSeconds(1); // where the answer is certain not to come

    private readonly KafkaCluster _kafka = new();
    private readonly TemporaryFolder _folder = new();
    private readonly CapturedLog _log = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _kafka.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_topic_that_is_there_is_opened_and_its_ID_is_the_epoch()
    {
        var topic = await _kafka.CreateTopicAsync(4);

        var identity = await OpenAsync(_kafka.Options(topic, 4));

        Assert.Equal(4, identity.Partitions);
        Assert.Equal(await IdOfAsync(topic), Convert.ToBase64String(identity.Epoch.ToByteArray(bigEndian: true)).TrimEnd('='));
        Assert.Equal(identity, await OpenAsync(_kafka.Options(topic, 4)));
        Assert.Equal(identity, RememberedTopic.Read(_folder.Path, _kafka.Options(topic, 4))!.Identity);
    }

    [Fact]
    public async Task Another_number_of_partitions_is_refused_and_not_remembered()
    {
        var topic = await _kafka.CreateTopicAsync(4);

        var refusal = await Assert.ThrowsAsync<KafkaTopicRefusedException>(() => OpenAsync(_kafka.Options(topic, 5)));

        Assert.Contains("has 4 partitions, but AdClick:Partitions asks for 5", refusal.Message, StringComparison.Ordinal);
        Assert.Null(RememberedTopic.Read(_folder.Path, _kafka.Options(topic, 5)));
    }

    [MockKafkaFact]
    public async Task Settings_that_Kafka_does_not_tell_are_a_warning()
    {
        var topic = await _kafka.CreateTopicAsync(4);

        await OpenAsync(_kafka.Options(topic, 4));

        Assert.Contains(_log.Lines, line => line.StartsWith("Warning test: The settings of topic", StringComparison.Ordinal));
    }

    [MockKafkaFact]
    public async Task A_topic_that_can_not_be_created_is_refused_with_what_it_should_be_and_nothing_is_made()
    {
        var topic = KafkaCluster.NewTopicName();

        var refusal = await Assert.ThrowsAsync<KafkaTopicRefusedException>(() => OpenAsync(_kafka.Options(topic, 4)));

        Assert.Contains($"'{topic}' can't be created", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("LogAppendTime", refusal.Message, StringComparison.Ordinal);
        using var admin = _kafka.Admin();
        Assert.DoesNotContain(admin.GetMetadata(Patience).Topics, known => known.Topic == topic);
    }

    [MockKafkaFact]
    public async Task A_topic_that_is_gone_is_not_made_anew()
    {
        var topic = await _kafka.CreateTopicAsync(4);
        var identity = await OpenAsync(_kafka.Options(topic, 4));
        _kafka.Mock.DeleteTopic(topic);

        var refusal = await Assert.ThrowsAsync<KafkaTopicRefusedException>(() => OpenAsync(_kafka.Options(topic, 4)));

        Assert.Contains($"'{topic}' is gone", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(identity.Epoch.ToString(), refusal.Message, StringComparison.Ordinal);
    }

    [MockKafkaFact]
    public async Task A_topic_that_was_made_anew_is_refused_with_both_epochs()
    {
        var topic = await _kafka.CreateTopicAsync(4);
        var identity = await OpenAsync(_kafka.Options(topic, 4));
        _kafka.Mock.DeleteTopic(topic);
        _kafka.Mock.CreateTopic(topic, 4, KafkaCluster.MockBrokers);

        var refusal = await Assert.ThrowsAsync<KafkaTopicRefusedException>(() => OpenAsync(_kafka.Options(topic, 4)));

        Assert.Contains("is not the one that this node has worked with", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(identity.Epoch.ToString(), refusal.Message, StringComparison.Ordinal);
    }

    [MockKafkaFact]
    public async Task Without_topic_IDs_the_epoch_comes_of_cluster_and_name_with_a_warning()
    {
        _kafka.Mock.SetApiVersions(MockKafkaRequest.Metadata, 0, 9); // IDs came with version 10
        var topic = await _kafka.CreateTopicAsync(4);
        using var anotherNode = new TemporaryFolder();
        using var thirdNode = new TemporaryFolder();

        var identity = await OpenAsync(_kafka.Options(topic, 4));

        Assert.Equal(identity, await OpenAsync(_kafka.Options(topic, 4), anotherNode));
        Assert.NotEqual(identity, await OpenAsync(_kafka.Options(await _kafka.CreateTopicAsync(4), 4), thirdNode));
        Assert.NotEqual(Guid.Empty, identity.Epoch);
        Assert.Contains(_log.Lines, line => line.Contains("gives topics no IDs", StringComparison.Ordinal));
    }

    [MockKafkaFact]
    public async Task Kafka_away_is_to_be_tried_again_and_then_works()
    {
        var topic = await _kafka.CreateTopicAsync(4);
        _kafka.Mock.SetDown(MockKafkaCluster.AllBrokers);

        var failure = await Assert.ThrowsAsync<ClickLogUnavailableException>(() => OpenAsync(_kafka.Options(topic, 4), patience: Impatience));
        _kafka.Mock.SetUp(MockKafkaCluster.AllBrokers);

        Assert.Contains("Connection refused", failure.Message, StringComparison.Ordinal);
        Assert.Equal(4, (await OpenAsync(_kafka.Options(topic, 4))).Partitions);
    }

    [MockKafkaFact]
    public async Task A_missing_right_is_refused_and_a_topic_without_leader_is_tried_again()
    {
        var topic = await _kafka.CreateTopicAsync(4);

        _kafka.Mock.SetTopicError(topic, ErrorCode.TopicAuthorizationFailed);
        var refusal = await Assert.ThrowsAsync<KafkaTopicRefusedException>(() => OpenAsync(_kafka.Options(topic, 4)));
        _kafka.Mock.SetTopicError(topic, ErrorCode.LeaderNotAvailable);
        await Assert.ThrowsAsync<ClickLogUnavailableException>(() => OpenAsync(_kafka.Options(topic, 4)));

        Assert.Contains("Grant the right", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_client_setting_is_refused_by_name()
    {
        var options = _kafka.Options("any", 4) with { ClientSettings = new Dictionary<string, string> { ["security.protocol"] = Secret } };

        var refusal = await Assert.ThrowsAsync<KafkaTopicRefusedException>(() => OpenAsync(options));

        Assert.Contains("AdClick:Kafka:Client:security.protocol", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, refusal.ToString(), StringComparison.Ordinal);
    }

    [MockKafkaFact]
    public async Task A_log_in_that_fails_says_why_and_shows_no_password()
    {
        var options = _kafka.Options("any", 4) with
        {
            ClientSettings = new Dictionary<string, string>
            {
                ["security.protocol"] = "SASL_PLAINTEXT",
                ["sasl.mechanism"] = "SCRAM-SHA-256",
                ["sasl.username"] = "adclick",
                ["sasl.password"] = Secret,
            },
        };

        var failure = await Assert.ThrowsAsync<ClickLogUnavailableException>(() => OpenAsync(options, patience: Impatience));

        Assert.Contains("SASL", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, failure.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(_log.Lines, line => line.Contains(Secret, StringComparison.Ordinal));
    }

    [Fact]
    public async Task More_replicas_in_sync_than_there_are_to_be_are_refused_before_the_topic_is_made()
    {
        var topic = KafkaCluster.NewTopicName();

        var refusal = await Assert.ThrowsAsync<KafkaTopicRefusedException>(() => OpenAsync(_kafka.Options(topic, 4) with { MinInsyncReplicas = 2 }));

        Assert.Contains("AdClick:Kafka:MinInsyncReplicas (2)", refusal.Message, StringComparison.Ordinal);
    }

    [RealKafkaFact("The mock cluster creates no topics.")]
    public async Task A_missing_topic_is_created_as_configured()
    {
        var topic = KafkaCluster.NewTopicName();
        _kafka.DeleteLater(topic);

        var identity = await OpenAsync(_kafka.Options(topic, 4) with { TopicRetention = TimeSpan.FromDays(3) });

        Assert.Equal(4, identity.Partitions);
        using var admin = _kafka.Admin();
        var settings = (await admin.DescribeConfigsAsync([new ConfigResource { Type = ResourceType.Topic, Name = topic }]))[0].Entries;
        Assert.Equal("LogAppendTime", settings["message.timestamp.type"].Value);
        Assert.Equal("259200000", settings["retention.ms"].Value);
        Assert.Equal("1", settings["min.insync.replicas"].Value);
        Assert.Equal(identity, await OpenAsync(_kafka.Options(topic, 4)));
    }

    [RealKafkaFact("The mock cluster creates no topics.")]
    public async Task Nodes_that_start_together_open_one_topic()
    {
        var topic = KafkaCluster.NewTopicName();
        _kafka.DeleteLater(topic);
        var folders = Enumerable.Range(0, 3).Select(_ => new TemporaryFolder()).ToArray();

        var identities = await Task.WhenAll(folders.Select(folder => OpenAsync(_kafka.Options(topic, 4), folder)));

        Assert.Single(identities.Distinct());
        Array.ForEach(folders, folder => folder.Dispose());
    }

    [RealKafkaFact("The mock cluster has no settings of topics.")]
    public async Task Settings_that_break_a_promise_are_refused_all_at_once()
    {
        var topic = KafkaCluster.NewTopicName();
        await _kafka.CreateTopicAsync(
            topic,
            4,
            new Dictionary<string, string>
            {
                ["message.timestamp.type"] = "CreateTime",
                ["retention.ms"] = "3600000",
                ["cleanup.policy"] = "compact,delete",
            });

        var refusal = await Assert.ThrowsAsync<KafkaTopicRefusedException>(() => OpenAsync(_kafka.Options(topic, 4)));

        Assert.Contains("message.timestamp.type CreateTime", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("retention.ms 3600000", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("cleanup.policy compact", refusal.Message, StringComparison.Ordinal);
    }

    [RealKafkaFact("The mock cluster creates no topics.")]
    public async Task More_replicas_than_brokers_are_refused_by_name()
    {
        var options = _kafka.Options(KafkaCluster.NewTopicName(), 4) with { ReplicationFactor = 1_000 };

        var refusal = await Assert.ThrowsAsync<KafkaTopicRefusedException>(() => OpenAsync(options));

        Assert.Contains("AdClick:Kafka:ReplicationFactor", refusal.Message, StringComparison.Ordinal);
    }

    private Task<LogIdentity> OpenAsync(KafkaOptions options, TemporaryFolder? folder = null, TimeSpan? patience = null) =>
        KafkaTopic.OpenAsync(options, (folder ?? _folder).Path, NeededRetention, _log.CreateLogger("test"), patience ?? Patience)
            .WithPatience($"topic {options.Topic}");

    private async Task<string> IdOfAsync(string topic)
    {
        using var admin = _kafka.Admin();
        var described = await admin.DescribeTopicsAsync(
            TopicCollection.OfTopicNames([topic]), new DescribeTopicsOptions { RequestTimeout = Patience });
        return described.TopicDescriptions[0].TopicId.ToString();
    }
}
