using System.Threading.Channels;
using AdClick.Actors.ClickLog;
using AdClick.Actors.ClickLog.Kafka;
using AdClick.Tests.Support;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace AdClick.Tests.ClickLog;

/// <summary>The write side of the Kafka log over a fake producer, a real spool, and the test's clock.</summary>
internal sealed class KafkaAppenderFixture : IAsyncDisposable
{
    public const int Partitions = 3;

    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    private readonly TemporaryFolder _folder = new();
    private readonly LoggerFactory _loggers;
    private readonly Channel<FakeProducer> _producers = Channel.CreateUnbounded<FakeProducer>();

    public KafkaAppenderFixture(Action<ClickSpool>? fill = null, Action<FakeProducer>? onProducer = null)
    {
        _loggers = new LoggerFactory([Log]);
        Spool = new ClickSpool(_folder.Path, Partitions);
        fill?.Invoke(Spool);
        Appender = new KafkaAppender("clicks", Spool, Build, Timeout, TimeSpan.FromMilliseconds(1), Time, _loggers.CreateLogger("Kafka"));

        IProducer<byte[], byte[]> Build(Action<Error> onError)
        {
            Producer = new FakeProducer(onError);
            onProducer?.Invoke(Producer);
            _producers.Writer.TryWrite(Producer);
            return Producer;
        }
    }

    public DelayWatchingTime Time { get; } = new();

    public CapturedLog Log { get; } = new();

    public ClickSpool Spool { get; }

    public KafkaAppender Appender { get; }

    /// <summary>The newest producer.</summary>
    public FakeProducer Producer { get; private set; } = null!;

    public Task AppendAsync(long number, int partition = 0) => Appender.AppendAsync(partition, "ad/0"u8, EmbeddedLogFixture.Record(number));

    public Task AppendMarkAsync(long number, int partition = 0) => Appender.AppendAsync(partition, [], EmbeddedLogFixture.Record(number));

    /// <summary>Appends one, and waits until it is handed to the producer.</summary>
    public async Task<(Task Append, ProducedRecord Sent)> SendAsync(long number, int partition = 0)
    {
        var append = AppendAsync(number, partition);
        var sent = await Producer.NextAsync($"click {number} at the producer");
        Xunit.Assert.Equal(number, sent.Number);
        return (append, sent);
    }

    /// <summary>Makes a partition away by a click that Kafka refuses; gives the probe, which is the same click from the spool.</summary>
    public async Task<ProducedRecord> GoAwayAsync(long number, int partition = 0)
    {
        var (append, sent) = await SendAsync(number, partition);
        sent.Fail(ErrorCode.NotEnoughReplicas);
        await append.InTime($"click {number} in the spool");
        var probe = await Producer.NextAsync("the probe");
        Xunit.Assert.Equal(number, probe.Number);
        return probe;
    }

    /// <summary>Waits until the appender has made another producer than the first.</summary>
    public async Task NextProducerAsync()
    {
        for (var i = 0; i < 2; i++)
        {
            var next = _producers.Reader.ReadAsync();
            await next.InTime("another producer");
        }
    }

    public async ValueTask DisposeAsync()
    {
        // What no report came for goes to the spool at the end; nobody advances the clock any more.
        Producer.Answer = record => record.Deliver();
        while (Producer.HasNext)
        {
            (await Producer.NextAsync("what was left")).Deliver();
        }

        var disposing = Appender.DisposeAsync().AsTask();
        while (!disposing.IsCompleted)
        {
            Time.Advance(Timeout);
            await Task.WhenAny(disposing, Task.Delay(10));
        }

        await disposing;
        _loggers.Dispose();
        _folder.Dispose();
    }
}
