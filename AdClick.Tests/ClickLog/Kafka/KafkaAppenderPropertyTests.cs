using System.Collections.Concurrent;
using Confluent.Kafka;
using Xunit;

namespace AdClick.Tests.ClickLog.Kafka;

/// <summary>
/// A Kafka that refuses, loses reports, reports late, and is full, at random: whatever it does, each click that was taken is in it in the end, and those
/// that never went through the spool are in order.
/// </summary>
public sealed class KafkaAppenderPropertyTests
{
    private const int Clicks = 400;

    private static readonly ErrorCode[] Refusals =
        [ErrorCode.NotEnoughReplicas, ErrorCode.Local_MsgTimedOut, ErrorCode.MsgSizeTooLarge, ErrorCode.InvalidRecord, ErrorCode.TopicAuthorizationFailed];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public async Task Every_click_that_was_taken_is_in_Kafka_in_the_end(int seed)
    {
        var kafka = new UnreliableKafka(seed);
        await using var log = new KafkaAppenderFixture(onProducer: producer => producer.Answer = kafka.Answer);
        var random = new Random(seed);
        var appends = new List<Task>();
        for (var i = 0; i < Clicks; i++)
        {
            var handedOver = kafka.NextHandedOver;
            appends.Add(log.AppendAsync(i, partition: random.Next(KafkaAppenderFixture.Partitions)));
            switch (random.Next(12))
            {
                case 0:
                    log.Time.Advance(TimeSpan.FromMilliseconds(random.Next(700)));
                    break;
                case 1:
                    kafka.ReportLate();
                    break;
                case 2:
                    // Some go in a round of their own: at the producer, or, while Kafka is away, in the spool.
                    await Task.WhenAny(appends[^1], handedOver).InTime("a click at the producer or in the spool");
                    break;
            }
        }

        kafka.Recover(Clicks);
        log.Time.Advance(KafkaAppenderFixture.Timeout); // for those whose report is lost
        await Task.WhenAll(appends).InTime("every click in Kafka or in the spool");
        while (!kafka.HasAll.IsCompleted)
        {
            await Task.WhenAny(log.Time.PassDelayAsync("a pause of a drain"), kafka.HasAll).Unwrap();
        }

        Assert.Equal(Enumerable.Range(0, Clicks).Select(i => (long)i), kafka.Stored.Select(stored => stored.Number).Distinct().Order());
        var spooled = log.Producer.All.Where(record => record.IsFromSpool).Select(record => record.Number).ToHashSet();
        foreach (var partition in kafka.Stored.Where(stored => !spooled.Contains(stored.Number)).GroupBy(stored => stored.Partition))
        {
            Assert.Equal(partition.Select(stored => stored.Number).Order(), partition.Select(stored => stored.Number));
        }
    }

    private sealed class UnreliableKafka(int seed)
    {
        private readonly Random _random = new(seed + 1000);
        private readonly ConcurrentQueue<ProducedRecord> _unreported = [];
        private readonly HashSet<long> _numbers = [];
        private readonly TaskCompletionSource _hasAll = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _expected = int.MaxValue;
        private volatile bool _isWell;
        private TaskCompletionSource _handedOver = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ConcurrentQueue<(int Partition, long Number)> Stored { get; } = [];

        public Task HasAll => _hasAll.Task;

        /// <summary>Ends when a record is handed over after this call.</summary>
        public Task NextHandedOver => Volatile.Read(ref _handedOver).Task;

        public void Answer(ProducedRecord record)
        {
            Interlocked.Exchange(ref _handedOver, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
            var dice = _isWell ? 0 : _random.Next(100);
            switch (dice)
            {
                case < 85:
                    Store(record);
                    record.Deliver();
                    break;
                case < 90:
                    record.Fail(Refusals[_random.Next(Refusals.Length)]);
                    break;
                case < 93:
                    throw FakeProducer.Failure(ErrorCode.Local_QueueFull);
                case < 96:
                    Store(record); // its report comes late, or never
                    _unreported.Enqueue(record);
                    break;
                default:
                    break; // lost with its report
            }
        }

        public void ReportLate()
        {
            if (_unreported.TryDequeue(out var record))
            {
                record.Deliver();
            }
        }

        public void Recover(int expected)
        {
            lock (_numbers)
            {
                _expected = expected;
                _isWell = true;
                CompleteIfAll();
            }
        }

        private void Store(ProducedRecord record)
        {
            lock (_numbers)
            {
                Stored.Enqueue((record.Partition, record.Number));
                _numbers.Add(record.Number);
                CompleteIfAll();
            }
        }

        private void CompleteIfAll()
        {
            if (_numbers.Count >= _expected)
            {
                _hasAll.TrySetResult();
            }
        }
    }
}
