using AdClick.Actors.ClickLog;
using AdClick.Actors.ClickLog.Kafka;
using AdClick.Tests.Support;
using Confluent.Kafka;
using Xunit;

namespace AdClick.Tests.ClickLog.Kafka;

/// <summary>A topic, a producer that numbers its records, and the consumer that is tested.</summary>
internal sealed class ConsumerHarness : IAsyncDisposable
{
    private readonly IProducer<Null, byte[]> _producer;
    private readonly long[] _produced;

    private ConsumerHarness(KafkaCluster cluster, string topic, int partitions, Func<ConsumerSettings, ConsumerSettings>? change)
    {
        Cluster = cluster;
        Topic = topic;
        _produced = new long[partitions];
        Options = cluster.Options(topic, partitions);
        var client = KafkaClientConfig.Consumer(Options);
        client.FetchWaitMaxMs = 10; // what an assignment waits for at worst, and tests assign a lot
        var settings = new ConsumerSettings { Topic = topic, Partitions = partitions, Client = client };
        Consumer = new SharedConsumer(change?.Invoke(settings) ?? settings, TimeProvider.System, Log);
        _producer = new ProducerBuilder<Null, byte[]>(new ProducerConfig
        {
            BootstrapServers = cluster.BootstrapServers,
            Acks = Acks.All,
            EnableIdempotence = true,
            LingerMs = 5,
        }).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
    }

    public KafkaCluster Cluster { get; }

    public string Topic { get; }

    public KafkaOptions Options { get; }

    public LineLog Log { get; } = new();

    public SharedConsumer Consumer { get; }

    public static async Task<ConsumerHarness> StartAsync(
        KafkaCluster cluster, int partitions = 1, Func<ConsumerSettings, ConsumerSettings>? change = null) =>
        new(cluster, await cluster.CreateTopicAsync(partitions), partitions, change);

    /// <summary>A record that tells its number, of a length that depends on it.</summary>
    public static byte[] Record(long number, int length)
    {
        var record = new byte[length];
        record.AsSpan().Fill((byte)number);
        BitConverter.TryWriteBytes(record, number);
        return record;
    }

    /// <summary>Produces records whose numbers are their offsets.</summary>
    public async Task ProduceAsync(int count, int partition = 0, int length = 400)
    {
        var deliveries = new List<Task<DeliveryResult<Null, byte[]>>>(count);
        for (var i = 0; i < count; i++)
        {
            deliveries.Add(SendAsync(Record(_produced[partition]++, length), partition));
        }

        await Task.WhenAll(deliveries).WithPatience($"{count} records to be produced");
    }

    public Task<DeliveryResult<Null, byte[]>> SendAsync(byte[]? value, int partition = 0) =>
        _producer.ProduceAsync(new TopicPartition(Topic, partition), new Message<Null, byte[]> { Value = value! });

    /// <summary>Reads from an offset to another, and checks that every record is there, once, in order.</summary>
    public static async Task ReadAsync(IClickLogReader reader, long from, long to, int maxRecords = 1000, Action? afterEach = null)
    {
        while (from < to)
        {
            var max = (int)Math.Min(maxRecords, to - from);
            var batch = await reader.ReadAsync(max, CancellationToken.None).AsTask().WithPatience($"the record at offset {from}");
            Assert.InRange(batch.Count, 1, max);
            for (var i = 0; i < batch.Count; i++)
            {
                Assert.Equal(from, batch[i].Offset);
                Assert.True(Record(from, batch[i].Length).AsSpan().SequenceEqual(batch.Record(i)), $"The record at offset {from} is another.");
                from++;
            }

            Assert.Equal(from, batch.NextOffset);
            afterEach?.Invoke();
        }
    }

    /// <summary>Reads a partition from an offset to another with a reader of its own.</summary>
    public async Task ReadAsync(int partition, long from, long to)
    {
        using var reader = Consumer.OpenReader(partition, from);
        await ReadAsync(reader, from, to);
    }

    public async ValueTask DisposeAsync()
    {
        await Consumer.DisposeAsync().AsTask().WithPatience("the consumer to end");
        _producer.Dispose();
    }
}
