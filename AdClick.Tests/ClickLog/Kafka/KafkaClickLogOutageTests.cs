using AdClick.Actors.ClickLog;
using AdClick.Actors.ClickLog.Kafka;
using AdClick.Actors.ClickLog.Spool;
using AdClick.Actors.Clicks;
using AdClick.Benchmarks.Kafka;
using AdClick.Tests.Support;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Xunit;

namespace AdClick.Tests.ClickLog.Kafka;

/// <summary>The whole log on Kafka when Kafka is away at the start, and when the topic is another one than before.</summary>
public sealed class KafkaClickLogOutageTests : IAsyncLifetime
{
    private const int Partitions = 3;

    private readonly KafkaCluster _kafka = new();
    private readonly TemporaryFolder _folder = new();
    private readonly CapturedLog _lines = new();
    private LoggerFactory _loggers = null!;
    private KafkaOptions _options = null!;

    public async Task InitializeAsync()
    {
        _loggers = new LoggerFactory([_lines]);
        _options = _kafka.Options(await _kafka.CreateTopicAsync(Partitions), Partitions) with
        {
            SpoolFolder = Path.Combine(_folder.Path, "spool"),
            DeliveryTimeout = TimeSpan.FromMinutes(1), // a slow machine makes no second copy of a click
        };
    }

    public async Task DisposeAsync()
    {
        await _kafka.DisposeAsync();
        _loggers.Dispose();
        _folder.Dispose();
    }

    [MockKafkaFact]
    public async Task A_start_without_Kafka_spools_for_the_remembered_topic_and_delivers_each_click_once_when_Kafka_comes()
    {
        await using (var before = await OpenAsync())
        {
            await AppendAsync(before, 0, 30);
        }

        _kafka.Mock.SetDown(MockKafkaCluster.AllBrokers);
        await using var log = await OpenAsync();
        await AppendAsync(log, 30, 300);

        Assert.Contains("has not answered", log.Notice, StringComparison.Ordinal);
        Assert.NotNull(log.SpooledFromMs);
        Assert.Throws<ClickLogUnavailableException>(() => log.OpenReader(0, 0));
        await Assert.ThrowsAsync<ClickLogUnavailableException>(() => log.AppendAsync(0, [], Record(0))); // a mark

        _kafka.Mock.SetUp(MockKafkaCluster.AllBrokers);
        await _lines.WaitForAsync($"Kafka at {_options.BootstrapServers} answers.").WithPatience("Kafka to answer");
        await AppendAsync(log, 330, 30);
        Assert.Equal(Numbers(0, 360), await ReadAsync(log, 360));
        await log.DisposeAsync();
        Assert.Equal(360, await CountInTopicAsync());
        await using var spool = ClickSpool.Open(_options.SpoolFolder, Partitions, _options.SpoolMaxBytes, TimeProvider.System);
        Assert.Equal(0, spool.Records);
    }

    [MockKafkaFact]
    public async Task A_first_start_waits_for_Kafka()
    {
        _kafka.Mock.SetDown(MockKafkaCluster.AllBrokers);
        var opening = OpenAsync();
        await _lines.WaitForAsync("can't start without it").WithPatience("the start to say that it waits");
        Assert.False(opening.IsCompleted);

        _kafka.Mock.SetUp(MockKafkaCluster.AllBrokers);
        await using var log = await opening;
        await AppendAsync(log, 0, 30);
        Assert.Equal(Numbers(0, 30), await ReadAllAsync(log));
    }

    [MockKafkaFact]
    public async Task A_first_start_that_waits_for_Kafka_can_be_called_off()
    {
        _kafka.Mock.SetDown(MockKafkaCluster.AllBrokers);
        using var calledOff = new CancellationTokenSource();
        var opening = OpenAsync(cancellationToken: calledOff.Token);
        await calledOff.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => opening);
        Assert.Null(RememberedTopic.Read(_folder.Path, _options));
    }

    [MockKafkaFact]
    public async Task A_topic_that_was_made_anew_between_two_starts_is_refused_and_the_spool_stays()
    {
        await using (await OpenAsync())
        {
            // It is remembered.
        }

        _kafka.Mock.SetDown(MockKafkaCluster.AllBrokers);
        await using (var spooling = await OpenAsync())
        {
            await AppendAsync(spooling, 0, 30);
        }

        MakeTopicAnew();
        _kafka.Mock.SetUp(MockKafkaCluster.AllBrokers);
        var refusal = await Assert.ThrowsAsync<KafkaTopicRefusedException>(() => OpenAsync());

        Assert.Contains("is not the one that this node has worked with", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(0, await CountInTopicAsync());
        await using var spool = ClickSpool.Open(_options.SpoolFolder, Partitions, _options.SpoolMaxBytes, TimeProvider.System);
        Assert.Equal(30, spool.Records);
    }

    [MockKafkaFact]
    public async Task A_topic_that_was_made_anew_before_Kafka_came_gets_nothing_of_the_spool()
    {
        await using (await OpenAsync())
        {
            // It is remembered.
        }

        _kafka.Mock.SetDown(MockKafkaCluster.AllBrokers);
        await using var log = await OpenAsync();
        await AppendAsync(log, 0, 30);
        MakeTopicAnew();
        _kafka.Mock.SetUp(MockKafkaCluster.AllBrokers);
        await _lines.WaitForAsync("until that is mended").WithPatience("the refusal");

        Assert.Contains("is not the one that this node has worked with", log.Fault, StringComparison.Ordinal);
        await AppendAsync(log, 30, 30);
        Assert.NotNull(log.SpooledFromMs);
        Assert.Throws<ClickLogUnavailableException>(() => log.OpenReader(0, 0));
        Assert.Equal(0, await CountInTopicAsync());
    }

    [MockKafkaFact]
    public async Task A_topic_that_is_made_anew_under_a_running_log_is_refused_and_readers_get_none_of_its_records()
    {
        var time = new DelayWatchingTime();
        time.SetUtcNow(DateTimeOffset.UtcNow);
        await using var log = await OpenAsync(time);
        await AppendAsync(log, 0, 30);
        using var reader = log.OpenReader(0, 0);
        var read = 0;
        while (read < 30 / Partitions)
        {
            read += (await reader.ReadAsync(1_000, CancellationToken.None).InTime("the records of the first topic")).Count;
        }

        MakeTopicAnew();
        await FillTopicAsync(15); // fewer than the reader has read: see decision 7
        var next = reader.ReadAsync(1_000, CancellationToken.None).AsTask();
        while (log.Fault is null)
        {
            await time.PassDelayAsync("the next look at the topic");
        }

        Assert.Contains("is not the one that this node has worked with", log.Fault, StringComparison.Ordinal);
        var ended = await Xunit.Record.ExceptionAsync(() => next.WithPatience("the reader to end"));
        Assert.True(ended is IOException or ObjectDisposedException, $"{ended}");
        Assert.Throws<ClickLogUnavailableException>(() => log.OpenReader(0, read));
        await AppendAsync(log, 30, 30);
        Assert.NotNull(log.SpooledFromMs);
        Assert.Equal(15, await CountInTopicAsync());
    }

    private Task<KafkaClickLog> OpenAsync(TimeProvider? time = null, CancellationToken cancellationToken = default) =>
        KafkaClickLog.OpenAsync(_options, _folder.Path, TimeSpan.FromHours(1), time ?? TimeProvider.System, _loggers.CreateLogger("Kafka"), cancellationToken)
            .WithPatience("the log to open");

    private void MakeTopicAnew()
    {
        _kafka.Mock.DeleteTopic(_options.Topic);
        _kafka.Mock.CreateTopic(_options.Topic, Partitions, KafkaCluster.MockBrokers);
    }

    private static Task AppendAsync(KafkaClickLog log, int from, int count) =>
        Task.WhenAll(Enumerable.Range(from, count).Select(i => log.AppendAsync(i % Partitions, "ad/0"u8, Record(i)))).WithPatience("clicks to be durable");

    private static List<long> Numbers(int from, int count) => [.. Enumerable.Range(from, count).Select(i => (long)i)];

    /// <summary>Reads every partition to the end that the log itself tells, and sorts the numbers, copies and all.</summary>
    private static async Task<List<long>> ReadAllAsync(KafkaClickLog log)
    {
        var ends = await Task.WhenAll(Enumerable.Range(0, Partitions).Select(partition => log.FindRangeAsync(partition, CancellationToken.None).AsTask()));
        return await ReadAsync(log, ends.Sum(range => range.End));
    }

    /// <summary>Reads that many records, as many from each partition, and sorts their numbers.</summary>
    private static async Task<List<long>> ReadAsync(KafkaClickLog log, long records)
    {
        var numbers = new List<long>();
        for (var partition = 0; partition < Partitions; partition++)
        {
            using var reader = log.OpenReader(partition, 0);
            for (long next = 0; next < records / Partitions;)
            {
                var batch = await reader.ReadAsync(1_000, CancellationToken.None).InTime($"records of partition {partition} from {next}");
                numbers.AddRange(Enumerable.Range(0, batch.Count).Select(i => NumberOf(batch.Record(i))));
                next = batch.NextOffset;
            }
        }

        numbers.Sort();
        return numbers;
    }

    private async Task FillTopicAsync(int records)
    {
        using var producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig { BootstrapServers = _kafka.BootstrapServers }).SetLogHandler((_, _) => { }).Build();
        await Task.WhenAll(Enumerable.Range(0, records).Select(i => producer.ProduceAsync(
            new TopicPartition(_options.Topic, i % Partitions), new Message<byte[], byte[]> { Key = "ad/0"u8.ToArray(), Value = Record(1_000 + i) })))
            .WithPatience("records in the new topic");
    }

    private async Task<long> CountInTopicAsync()
    {
        var settings = new ConsumerSettings { Topic = _options.Topic, Partitions = Partitions, Client = KafkaClientConfig.Consumer(_options) };
        await using var consumer = new SharedConsumer(settings, TimeProvider.System, _loggers.CreateLogger("count"));
        long records = 0;
        for (var partition = 0; partition < Partitions; partition++)
        {
            records += (await consumer.FindRangeAsync(partition, CancellationToken.None)).End;
        }

        return records;
    }

    // The spool looks at the time of a click, so it is a real one; its number is the nonce.
    private static byte[] Record(int number)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        var record = new byte[ClickRecordWriter.MaxBytes];
        var length = ClickRecordWriter.Write(
            new ClickRecord
            {
                Nonce = (ulong)number,
                Impression = new ImpressionId(1, (ulong)number),
                ExpiresAtMs = now + 3_600_000,
                Ad = new AdKey("ad", 0),
                ClickTimeMs = now,
                Gateway = "test",
            },
            record);
        return record[..length];
    }

    private static long NumberOf(ReadOnlySpan<byte> record)
    {
        var reader = default(LogRecordReader);
        Assert.Equal(LogRecordReader.Kind.Click, reader.Read(record));
        return (long)reader.Nonce;
    }
}
