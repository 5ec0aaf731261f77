using AdClick.Benchmarks.Kafka;
using AdClick.Benchmarks.Processes;
using AdClick.Tests.Support;
using Confluent.Kafka;
using Xunit;
using TemporaryFolder = AdClick.Tests.ClickLog.TemporaryFolder;

namespace AdClick.Tests.Benchmarks;

/// <summary>The mock cluster beside the tests, in a process of its own.</summary>
public sealed class MockKafkaProcessTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task It_serves_a_topic_and_obeys()
    {
        using var kafka = await MockKafkaProcess.StartAsync(_folder.Path, "clicks", 3).WithPatience("the mock cluster");
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = kafka.BootstrapServers }).Build();
        using var producer = new ProducerBuilder<byte[], byte[]>(
            new ProducerConfig { BootstrapServers = kafka.BootstrapServers, LingerMs = 0, EnableIdempotence = false, MessageSendMaxRetries = 0 })
            .Build();
        await ProduceAsync();

        await kafka.MoveLeadersAsync(1);
        await kafka.SetLeaderAsync(2, 1);
        Assert.Equal([2, 2, 1], admin.GetMetadata("clicks", Patience).Topics[0].Partitions.OrderBy(p => p.PartitionId).Select(p => p.Leader));
        await kafka.SetLeaderAsync(0, 1);
        await ProduceAsync();
        await kafka.PushErrorsAsync(MockKafkaRequest.Produce, 1, ErrorCode.NoError, ErrorCode.NotEnoughReplicas);
        await ProduceAsync();
        var failure = await Assert.ThrowsAsync<ProduceException<byte[], byte[]>>(ProduceAsync);
        Assert.Equal(ErrorCode.NotEnoughReplicas, failure.Error.Code);
        await kafka.PushErrorsAsync(MockKafkaRequest.Produce, 100, ErrorCode.NotEnoughReplicas);
        await kafka.ClearErrorsAsync(MockKafkaRequest.Produce);
        await kafka.PushAnswerAsync(1, MockKafkaRequest.Produce, ErrorCode.NotEnoughReplicas, TimeSpan.FromMilliseconds(1));
        failure = await Assert.ThrowsAsync<ProduceException<byte[], byte[]>>(ProduceAsync);
        Assert.Equal(ErrorCode.NotEnoughReplicas, failure.Error.Code);
        await kafka.SetRoundTripAsync(null, TimeSpan.FromMilliseconds(5));
        await kafka.SetDownAsync();
        await kafka.SetUpAsync();
        await kafka.DeleteRecordsAsync(0, 1);

        Task ProduceAsync() => producer
            .ProduceAsync(new TopicPartition("clicks", 0), new Message<byte[], byte[]> { Value = [1] }).WithPatience("a click");
    }

    [Fact]
    public async Task What_it_can_not_do_it_says()
    {
        using var kafka = await MockKafkaProcess.StartAsync(_folder.Path, "clicks", 3, brokers: 1).WithPatience("the mock cluster");

        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => kafka.SetDownAsync(9));

        Assert.Contains("down 9", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Broker not available", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_start_that_fails_is_told()
    {
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(
            () => MockKafkaProcess.StartAsync(_folder.Path, "clicks", 0).WithPatience("the end of the process"));

        Assert.Contains("has ended before its bootstrap servers", failure.Message, StringComparison.Ordinal);
    }
}
