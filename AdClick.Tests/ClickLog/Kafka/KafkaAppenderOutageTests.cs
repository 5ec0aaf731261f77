using AdClick.Actors.ClickLog.Kafka;
using AdClick.Actors.ClickLog.Spool;
using AdClick.Benchmarks.Kafka;
using AdClick.Tests.Support;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Xunit;
using static AdClick.Tests.ClickLog.EmbeddedLogFixture;

namespace AdClick.Tests.ClickLog.Kafka;

/// <summary>The write side against Kafka's protocol: a mock cluster that is hurt, the real client, the real clock. What was appended is in Kafka in the end.</summary>
public sealed class KafkaAppenderOutageTests : IAsyncLifetime
{
    private const int Partitions = 3; // each of another broker

    private readonly KafkaCluster _cluster = new();
    private readonly TemporaryFolder _folder = new();
    private readonly CapturedLog _log = new();
    private readonly List<Task> _appends = [];
    private LoggerFactory _loggers = null!;
    private KafkaOptions _options = null!;
    private ClickSpool _spool = null!;
    private KafkaAppender _appender = null!;

    public async Task InitializeAsync()
    {
        _loggers = new LoggerFactory([_log]);
        _options = _cluster.Options(await _cluster.CreateTopicAsync(Partitions), Partitions);
        Open();
    }

    public async Task DisposeAsync()
    {
        await CloseAsync();
        await _cluster.DisposeAsync();
        _loggers.Dispose();
        _folder.Dispose();
    }

    [MockKafkaFact]
    public async Task Clicks_are_spooled_while_all_brokers_are_down_and_delivered_when_they_are_up_again()
    {
        Append(0, 30);
        await Appended();
        Assert.Equal(0, _spool.Records);

        _cluster.Mock.SetDown(MockKafkaCluster.AllBrokers);
        Append(30, 300);
        await Appended();
        Assert.Equal(300, _spool.Records);
        Assert.Contains("partitions 0-2", _appender.Notice, StringComparison.Ordinal);

        _cluster.Mock.SetUp(MockKafkaCluster.AllBrokers);
        ReadUntil(330);
    }

    [MockKafkaFact]
    public async Task What_was_spooled_while_Kafka_was_away_is_delivered_after_a_restart()
    {
        _cluster.Mock.SetDown(MockKafkaCluster.AllBrokers);
        Append(0, 60);
        await Appended();
        await CloseAsync();

        _cluster.Mock.SetUp(MockKafkaCluster.AllBrokers);
        Open();
        ReadUntil(60);
    }

    [MockKafkaFact]
    public async Task A_broker_that_dies_takes_its_own_partitions_only_until_they_have_another_leader()
    {
        Append(0, 30);
        await Appended();
        _cluster.Mock.SetDown(1);
        Append(30, 90);
        await Appended();
        Assert.Equal(30, _spool.Records);
        Assert.Contains("partitions 0 since", _appender.Notice, StringComparison.Ordinal);

        _cluster.Mock.MoveLeaders(_options.Topic, 1);
        ReadUntil(120);
    }

    [MockKafkaFact]
    public async Task Errors_that_pass_are_waited_out_in_order()
    {
        // One request at a time: see MockKafkaCluster.PushErrors.
        await CloseAsync();
        _options = _options with { ClientSettings = new Dictionary<string, string> { ["max.in.flight.requests.per.connection"] = "1" } };
        Open();
        var errors = Enumerable.Range(0, 30).Select(i => i % 3 == 0 ? ErrorCode.NotEnoughReplicas : ErrorCode.NoError);
        _cluster.Mock.PushErrors(MockKafkaRequest.Produce, [.. errors]);
        for (var i = 0; i < 10; i++)
        {
            Append(i * 9, 9);
            await Appended();
        }

        ReadUntil(90);
    }

    [MockKafkaFact]
    public async Task A_refusal_sends_clicks_to_the_spool_and_from_there_to_Kafka()
    {
        Append(0, 3);
        await Appended();
        _cluster.Mock.PushErrors(MockKafkaRequest.Produce, ErrorCode.TopicAuthorizationFailed, ErrorCode.TopicAuthorizationFailed);
        Append(3, 30);
        await Appended();
        Assert.Contains(_log.Lines, line => line.Contains("Its clicks are spooled", StringComparison.Ordinal));
        ReadUntil(33);
    }

    [MockKafkaFact]
    public async Task A_click_whose_report_is_lost_is_delivered_again_with_the_same_bytes()
    {
        Append(0, 3);
        await Appended();
        _cluster.Mock.PushAnswer(1, MockKafkaRequest.Produce, ErrorCode.NoError, TimeSpan.FromMinutes(10));
        Append(3, 3);
        await Appended();
        Assert.True(_spool.Records > 0);

        _cluster.Mock.SetDown(1);
        _cluster.Mock.SetUp(1);
        var read = ReadUntil(6, copies => copies.Values.Any(count => count > 1));
        Assert.True(read[3] > 1);
    }

    [MockKafkaFact]
    public async Task Round_trips_of_half_a_second_delay_clicks_and_spool_none()
    {
        Append(0, 3);
        await Appended();
        _cluster.Mock.SetRoundTrip(MockKafkaCluster.AllBrokers, TimeSpan.FromMilliseconds(500));
        Append(3, 300);
        await Appended();
        ReadUntil(303);
    }

    [MockKafkaFact]
    public async Task A_producer_that_lost_count_is_replaced_and_the_click_delivered()
    {
        Append(0, 3);
        await Appended();
        _cluster.Mock.PushErrors(MockKafkaRequest.Produce, ErrorCode.OutOfOrderSequenceNumber);
        Append(3, 3);
        await Appended();
        ReadUntil(6);
    }

    private void Open()
    {
        _spool = ClickSpool.Open(_folder.Path, Partitions, 10_000_000, TimeProvider.System);
        var logger = _loggers.CreateLogger("Kafka");
        _appender = new KafkaAppender(
            _options.Topic, Partitions, _spool, KafkaProducers.From(_options, TimeProvider.System, logger), _options.DeliveryTimeout, _options.Linger, TimeProvider.System, logger);
    }

    private async Task CloseAsync()
    {
        await _appender.DisposeAsync();
        await _spool.DisposeAsync();
    }

    private void Append(int from, int count)
    {
        for (var i = from; i < from + count; i++)
        {
            _appends.Add(_appender.AppendAsync(i % Partitions, "ad/0"u8, Record(i)));
        }
    }

    private async Task Appended()
    {
        await Task.WhenAll(_appends).WithPatience("every click in Kafka or in the spool");
        _appends.Clear();
    }

    /// <summary>Reads the topic until it has these many different clicks, and more if asked; gives the number of copies of each.</summary>
    private Dictionary<long, int> ReadUntil(int clicks, Func<Dictionary<long, int>, bool>? isEnough = null)
    {
        var config = KafkaClientConfig.Consumer(_options);
        using var consumer = new ConsumerBuilder<byte[], byte[]>(config).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
        consumer.Assign(Enumerable.Range(0, Partitions).Select(partition => new TopicPartitionOffset(_options.Topic, partition, 0)));
        var copies = new Dictionary<long, int>();
        while (copies.Count < clicks || isEnough?.Invoke(copies) == false)
        {
            var read = consumer.Consume(TimeSpan.FromSeconds(60)) ?? throw new TimeoutException($"Kafka has only {copies.Count} of {clicks} clicks.");
            var number = NumberOf(read.Message.Value);
            Assert.Equal(number % Partitions, read.Partition.Value);
            copies[number] = copies.GetValueOrDefault(number) + 1;
        }

        Assert.Equal(Enumerable.Range(0, clicks).Select(i => (long)i), copies.Keys.Order());
        return copies;
    }
}
