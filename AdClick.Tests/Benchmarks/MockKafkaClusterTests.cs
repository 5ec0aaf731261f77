using AdClick.Benchmarks.Kafka;
using AdClick.Tests.Support;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Xunit;

namespace AdClick.Tests.Benchmarks;

/// <summary>
/// The faults that the mock cluster is there for, and the limits that its page names: a new librdkafka that changes them turns a test red.
/// </summary>
public sealed class MockKafkaClusterTests : IDisposable
{
    private const string Topic = "clicks";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly MockKafkaCluster _cluster = new(3);

    public MockKafkaClusterTests() => _cluster.CreateTopic(Topic, 6, 3);

    public void Dispose() => _cluster.Dispose();

    [Fact]
    public void Partitions_are_led_by_the_brokers_in_turn()
    {
        using var admin = Admin();

        Assert.Equal([1, 2, 3, 1, 2, 3], LeadersSeenBy(admin));
        Assert.Equal(3, _cluster.LeaderOf(Topic, 5));
    }

    [Fact]
    public void The_partitions_of_a_broker_can_be_given_to_the_others()
    {
        using var admin = Admin();
        _cluster.CreateTopic("nine", 9);

        _cluster.MoveLeaders("nine", 2);

        Assert.Equal([1, 3, 3, 1, 1, 3, 1, 3, 3], LeadersSeenBy(admin, "nine"));
    }

    [Fact]
    public async Task A_broker_that_is_down_takes_no_click_until_its_partitions_are_moved()
    {
        using var producer = Producer();
        await ProduceAsync(producer, 0);

        _cluster.SetDown(1);
        var produced = producer.ProduceAsync(new TopicPartition(Topic, 0), Message());
        await ProduceAsync(producer, 1); // another broker's: the cluster as such is there
        Assert.False(produced.IsCompleted);
        _cluster.MoveLeaders(Topic, 1);

        Assert.Equal(1, (await produced.WithPatience("the click after the move")).Offset);
    }

    [Fact]
    public async Task A_broker_that_is_up_again_has_its_records()
    {
        using var producer = Producer();
        await ProduceAsync(producer, 0);

        _cluster.SetDown(MockKafkaCluster.AllBrokers);
        var produced = producer.ProduceAsync(new TopicPartition(Topic, 0), Message());
        _cluster.SetUp(MockKafkaCluster.AllBrokers);

        Assert.Equal(1, (await produced.WithPatience("the click after the outage")).Offset);
    }

    [Fact]
    public async Task An_error_fails_its_request_and_a_gap_lets_one_through()
    {
        using var producer = Producer(config => config.EnableIdempotence = false, config => config.MessageSendMaxRetries = 0);
        await ProduceAsync(producer, 0);
        _cluster.PushErrors(MockKafkaRequest.Produce, ErrorCode.NoError, ErrorCode.NotEnoughReplicas);

        await ProduceAsync(producer, 0);
        var failure = await Assert.ThrowsAsync<ProduceException<byte[], byte[]>>(() => ProduceAsync(producer, 0));

        Assert.Equal(ErrorCode.NotEnoughReplicas, failure.Error.Code);
        Assert.Equal(2, (await ProduceAsync(producer, 0)).Offset); // and it has appended nothing
    }

    [Fact]
    public async Task Errors_that_no_request_has_met_are_forgotten_on_demand()
    {
        using var producer = Producer(config => config.EnableIdempotence = false, config => config.MessageSendMaxRetries = 0);
        _cluster.PushErrors(MockKafkaRequest.Produce, ErrorCode.NotEnoughReplicas, ErrorCode.NotEnoughReplicas);

        _cluster.ClearErrors(MockKafkaRequest.Produce);

        Assert.Equal(0, (await ProduceAsync(producer, 0)).Offset);
    }

    [Fact]
    public async Task An_error_of_one_partition_leaves_the_others_alone()
    {
        using var producer = Producer(config => config.EnableIdempotence = false, config => config.MessageSendMaxRetries = 0);
        _cluster.PushPartitionError(Topic, 0, MockKafkaRequest.Produce, ErrorCode.NotEnoughReplicas);

        Assert.Equal(0, (await ProduceAsync(producer, 3)).Offset); // of the same broker
        var failure = await Assert.ThrowsAsync<ProduceException<byte[], byte[]>>(() => ProduceAsync(producer, 0));

        Assert.Equal(ErrorCode.NotEnoughReplicas, failure.Error.Code);
    }

    [Fact]
    public async Task A_report_can_be_lost_of_a_click_that_is_stored()
    {
        using var producer = Producer(config => config.MessageTimeoutMs = 5_000, config => config.EnableIdempotence = false);
        await ProduceAsync(producer, 0);
        _cluster.PushAnswer(1, MockKafkaRequest.Produce, ErrorCode.NoError, Patience);
        Assert.Equal(1, _cluster.CountAnswers(1, MockKafkaRequest.Produce));

        var failure = await Assert.ThrowsAsync<ProduceException<byte[], byte[]>>(() => ProduceAsync(producer, 0));

        Assert.Equal(ErrorCode.Local_MsgTimedOut, failure.Error.Code);
        Assert.Equal(PersistenceStatus.NotPersisted, failure.DeliveryResult.Status); // which is wrong, and nothing may rest on it
        Assert.Equal(0, _cluster.CountAnswers(1, MockKafkaRequest.Produce));
        _cluster.SetDown(1); // the answer waits in its connection
        _cluster.SetUp(1);
        Assert.Equal(2, EndOf(0));
    }

    [Fact]
    public async Task A_round_trip_delays_the_answer()
    {
        using var producer = Producer();
        await ProduceAsync(producer, 0);
        _cluster.SetRoundTrip(1, TimeSpan.FromMilliseconds(400));

        var sent = System.Diagnostics.Stopwatch.GetTimestamp();
        await ProduceAsync(producer, 0);

        Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(sent) > TimeSpan.FromMilliseconds(390));
    }

    [Fact]
    public async Task Records_below_an_offset_can_be_dropped_as_by_retention()
    {
        using var producer = Producer();
        for (var i = 0; i < 3; i++)
        {
            await ProduceAsync(producer, 0);
        }

        _cluster.DeleteRecords(Topic, 0, 2);

        Assert.Equal((2, 3), RangeOf(0));
    }

    [Fact]
    public async Task A_partition_keeps_5_MiB_and_drops_the_oldest()
    {
        const int RecordBytes = 100_000;
        using var producer = Producer();
        for (var i = 0; i < 60; i++)
        {
            await ProduceAsync(producer, 0, RecordBytes);
        }

        var (begin, end) = RangeOf(0);

        Assert.Equal(60, end);
        Assert.InRange((end - begin) * RecordBytes, 5 * 1024 * 1024 - 2 * RecordBytes, 5 * 1024 * 1024);
    }

    [Fact]
    public async Task Time_is_the_producers_though_the_report_says_otherwise()
    {
        using var producer = Producer();
        var sent = new Timestamp(new DateTime(2026, 11, 24, 1, 2, 3, DateTimeKind.Utc));
        var report = await producer.ProduceAsync(new TopicPartition(Topic, 0), new Message<byte[], byte[]> { Value = [1], Timestamp = sent })
            .WithPatience("the report");
        using var consumer = Consumer();
        consumer.Assign(new TopicPartitionOffset(Topic, 0, 0));

        var record = consumer.Consume(Patience);

        Assert.Equal(sent, record.Message.Timestamp);
        Assert.Equal(new Timestamp(1234, TimestampType.LogAppendTime), report.Timestamp);
    }

    [Fact]
    public async Task Offsets_are_kept_for_a_group()
    {
        using var producer = Producer();
        await ProduceAsync(producer, 0);
        _cluster.SetCoordinator("group", 2);
        using var consumer = Consumer();

        consumer.Commit([new TopicPartitionOffset(Topic, 0, 1)]);

        using var another = Consumer();
        Assert.Equal(1, Assert.Single(another.Committed([new TopicPartition(Topic, 0)], Patience)).Offset);
    }

    [Fact]
    public async Task A_topic_made_anew_has_another_ID()
    {
        using var admin = Admin();
        var first = await IdSeenBy(admin);

        _cluster.DeleteTopic(Topic);
        _cluster.CreateTopic(Topic, 6, 3);

        Assert.NotEqual(first, await IdSeenBy(admin));
    }

    [Fact]
    public async Task Topics_are_neither_created_nor_are_their_settings_told()
    {
        using var admin = Admin();

        var creating = await Assert.ThrowsAsync<KafkaException>(() => admin.CreateTopicsAsync([new TopicSpecification { Name = "new" }]));
        var describing = await Assert.ThrowsAsync<KafkaException>(
            () => admin.DescribeConfigsAsync([new ConfigResource { Type = ResourceType.Topic, Name = Topic }]));

        Assert.Equal(ErrorCode.Local_UnsupportedFeature, creating.Error.Code);
        Assert.Equal(ErrorCode.Local_UnsupportedFeature, describing.Error.Code);
    }

    [Fact]
    public async Task The_offset_of_a_time_is_the_end()
    {
        using var producer = Producer();
        await ProduceAsync(producer, 0);
        using var consumer = Consumer();

        var offsets = consumer.OffsetsForTimes([new TopicPartitionTimestamp(Topic, 0, new Timestamp(DateTime.UtcNow.AddHours(-1)))], Patience);

        Assert.Equal(Offset.End, Assert.Single(offsets).Offset);
    }

    [Fact]
    public void Who_asks_for_the_metadata_of_a_missing_topic_makes_it()
    {
        using var admin = Admin();

        Assert.Equal(4, Assert.Single(admin.GetMetadata("missing", Patience).Topics).Partitions.Count);
    }

    [Fact]
    public void A_cluster_that_is_gone_is_not_spoken_to()
    {
        _cluster.Dispose();

        Assert.Throws<ObjectDisposedException>(() => _cluster.SetDown(1));
    }

    private static Message<byte[], byte[]> Message(int length = 10) => new() { Key = "ad/0"u8.ToArray(), Value = new byte[length] };

    private static async Task<DeliveryResult<byte[], byte[]>> ProduceAsync(IProducer<byte[], byte[]> producer, int partition, int length = 10) =>
        await producer.ProduceAsync(new TopicPartition(Topic, partition), Message(length)).WithPatience($"a click in partition {partition}");

    private IAdminClient Admin() => new AdminClientBuilder(new AdminClientConfig { BootstrapServers = _cluster.BootstrapServers }).Build();

    private IProducer<byte[], byte[]> Producer(params Action<ProducerConfig>[] changes)
    {
        var config = new ProducerConfig { BootstrapServers = _cluster.BootstrapServers, Acks = Acks.All, EnableIdempotence = true, LingerMs = 0 };
        foreach (var change in changes)
        {
            change(config);
        }

        return new ProducerBuilder<byte[], byte[]>(config).SetLogHandler((_, _) => { }).Build();
    }

    private IConsumer<byte[], byte[]> Consumer() => new ConsumerBuilder<byte[], byte[]>(
        new ConsumerConfig { BootstrapServers = _cluster.BootstrapServers, GroupId = "group", EnableAutoCommit = false })
        .SetLogHandler((_, _) => { }).Build();

    private static IEnumerable<int> LeadersSeenBy(IAdminClient admin, string topic = Topic) =>
        admin.GetMetadata(topic, Patience).Topics[0].Partitions.OrderBy(partition => partition.PartitionId).Select(partition => partition.Leader);

    private static async Task<string> IdSeenBy(IAdminClient admin)
    {
        var described = await admin.DescribeTopicsAsync(
            TopicCollection.OfTopicNames([Topic]), new DescribeTopicsOptions { RequestTimeout = Patience });
        return described.TopicDescriptions[0].TopicId.ToString();
    }

    private (long Begin, long End) RangeOf(int partition)
    {
        using var consumer = Consumer();
        var range = consumer.QueryWatermarkOffsets(new TopicPartition(Topic, partition), Patience);
        return (range.Low, range.High);
    }

    private long EndOf(int partition) => RangeOf(partition).End;
}
