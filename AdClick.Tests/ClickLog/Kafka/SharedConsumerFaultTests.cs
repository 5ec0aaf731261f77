using System.Reflection;
using System.Runtime.InteropServices;
using AdClick.Actors.ClickLog;
using AdClick.Benchmarks.Kafka;
using AdClick.Tests.Support;
using Confluent.Kafka;
using Xunit;

namespace AdClick.Tests.ClickLog.Kafka;

/// <summary>Brokers that go and come, each test with a cluster of its own.</summary>
public sealed class SharedConsumerFaultTests
{
    private const string Away = "Reading the click log waits for Kafka";
    private const string Back = "Kafka answers";

    private static readonly string[] Variants = ["librdkafka", "centos8-librdkafka", "alpine-librdkafka"];

    [MockKafkaFact]
    public async Task Reading_goes_on_when_another_broker_takes_over_from_a_dead_one_and_when_that_is_back()
    {
        await using var cluster = new KafkaCluster();
        await using var harness = await ConsumerHarness.StartAsync(cluster, KafkaCluster.MockBrokers);
        await harness.ProduceAsync(100);
        using var reader = harness.Consumer.OpenReader(0, 0);
        await ConsumerHarness.ReadAsync(reader, 0, 100);
        var reading = ConsumerHarness.ReadAsync(reader, 100, 300);

        cluster.Mock.SetDown(1);
        cluster.Mock.MoveLeaders(harness.Topic, 1);
        await harness.ProduceAsync(100);
        cluster.Mock.SetUp(1);
        cluster.Mock.SetLeader(harness.Topic, 0, 1);
        await harness.ProduceAsync(100);

        await reading;
    }

    [MockKafkaFact]
    public async Task While_all_brokers_are_away_readers_wait_and_a_notice_says_so_and_afterwards_they_go_on()
    {
        await using var cluster = new KafkaCluster();
        await using var harness = await ConsumerHarness.StartAsync(cluster);
        await harness.ProduceAsync(10);
        using var reader = harness.Consumer.OpenReader(0, 0);
        await ConsumerHarness.ReadAsync(reader, 0, 10);
        Assert.Null(harness.Consumer.Notice);
        var reading = reader.ReadAsync(10, CancellationToken.None).AsTask();
        var (away, back) = (harness.Log.NextLine(Away), harness.Log.NextLine(Back));

        cluster.Mock.SetDown(MockKafkaCluster.AllBrokers);
        await away.WithPatience("the notice");
        Assert.StartsWith(Away, harness.Consumer.Notice, StringComparison.Ordinal);
        Assert.False(reading.IsCompleted);
        cluster.Mock.SetUp(MockKafkaCluster.AllBrokers);

        await back.WithPatience("the end of the notice");
        await harness.ProduceAsync(10);
        var batch = await reading.WithPatience("the next record");
        Assert.Equal(10, batch[0].Offset);
        await ConsumerHarness.ReadAsync(reader, batch.NextOffset, 20);
    }

    [MockKafkaFact]
    public async Task A_range_that_no_broker_tells_is_unavailable_and_a_checkpoint_that_can_not_be_committed_holds_up_no_end()
    {
        await using var cluster = new KafkaCluster();
        await using var harness = await ConsumerHarness.StartAsync(cluster, 1, settings => settings with { RangeTimeout = TimeSpan.FromSeconds(1) });
        await harness.ProduceAsync(10);
        await harness.ReadAsync(0, 0, 10);
        cluster.Mock.SetDown(MockKafkaCluster.AllBrokers);

        await Assert.ThrowsAsync<ClickLogUnavailableException>(
            () => harness.Consumer.FindRangeAsync(0, CancellationToken.None).AsTask().WithPatience("the refusal"));

        Assert.Equal(new LogRange(0, 10), harness.Consumer.RangeOf(0));
        harness.Consumer.Checkpointed(0, 10); // and the harness waits for the end
    }

    [MockKafkaFact]
    public async Task After_a_fatal_error_the_consumer_is_built_anew_and_every_partition_goes_on_where_it_was()
    {
        await using var cluster = new KafkaCluster();
        await using var harness = await ConsumerHarness.StartAsync(cluster, 2);
        await harness.ProduceAsync(100, partition: 0);
        await harness.ProduceAsync(100, partition: 1);
        using var read = harness.Consumer.OpenReader(0, 0);
        await ConsumerHarness.ReadAsync(read, 0, 100);
        using var unread = harness.Consumer.OpenReader(1, 40);
        var rebuilt = harness.Log.NextLine("built anew");

        RaiseFatalError(harness.Consumer.ClientHandle);

        await rebuilt.WithPatience("the new consumer");
        await harness.ProduceAsync(100, partition: 0);
        await ConsumerHarness.ReadAsync(read, 100, 200);
        await ConsumerHarness.ReadAsync(unread, 40, 100);
        Assert.Single(harness.Log.Lines, line => line.Text.Contains("built anew", StringComparison.Ordinal));
    }

    // librdkafka has a function for such tests, but Confluent.Kafka neither exposes it nor the handle that it wants.
    private static unsafe void RaiseFatalError(Handle handle)
    {
        MockKafkaLibrary.Load();
        var native = (SafeHandle)typeof(Handle).GetProperty("LibrdkafkaHandle", BindingFlags.Instance | BindingFlags.NonPublic)!.GetValue(handle)!;
        var library = Variants.Select(name => NativeLibrary.TryLoad(name, typeof(MockKafkaLibrary).Assembly, null, out var loaded) ? loaded : 0)
            .First(loaded => loaded != 0);
        var raise = (delegate* unmanaged<nint, int, byte*, int>)NativeLibrary.GetExport(library, "rd_kafka_test_fatal_error");
        fixed (byte* reason = "a test\0"u8)
        {
            Assert.Equal(0, raise(native.DangerousGetHandle(), (int)ErrorCode.FencedInstanceId, reason));
        }
    }
}
