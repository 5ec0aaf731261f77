using System.Threading.Channels;
using AdClick.Actors.ClickLog.Embedded;
using AdClick.Actors.ClickLog.Kafka;
using AdClick.Actors.ClickLog.Spool;
using AdClick.Tests.Support;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace AdClick.Tests.ClickLog.Kafka;

/// <summary>The write side of the Kafka log over a fake producer, a real spool, and the test's clock.</summary>
internal sealed class KafkaAppenderFixture : IAsyncDisposable
{
    public const int Partitions = 3;

    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    private readonly TemporaryFolder? _ownFolder;
    private readonly LoggerFactory _loggers;
    private readonly Channel<int> _openedLanes = Channel.CreateUnbounded<int>();
    private readonly Channel<FakeProducer> _producers = Channel.CreateUnbounded<FakeProducer>();

    /// <param name="spoolBytes">Bound of the spool.</param>
    /// <param name="fill">Fills the spool, as a gateway that ended while Kafka was away has left it.</param>
    /// <param name="onProducer">Is given each producer before the appender has it.</param>
    /// <param name="folder">Folder of the spool; the caller's.</param>
    public KafkaAppenderFixture(
        long spoolBytes = 10_000_000, Action<ClickSpool>? fill = null, Action<FakeProducer>? onProducer = null, TemporaryFolder? folder = null)
    {
        _loggers = new LoggerFactory([Log]);
        _ownFolder = folder is null ? new TemporaryFolder() : null;

        // By its own clock: it has nothing to do with the delivery's.
        Spool = ClickSpool.Open((folder ?? _ownFolder!).Path, Partitions, spoolBytes, TimeProvider.System, null, files =>
        {
            _openedLanes.Writer.TryWrite(files.Partition);
            return new SegmentDevice(files);
        });
        fill?.Invoke(Spool);
        Appender = new KafkaAppender("clicks", Partitions, Spool, Build, Timeout, TimeSpan.FromMilliseconds(1), Time, _loggers.CreateLogger("Kafka"));

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

    /// <summary>The partitions whose lanes in the spool were opened for writing, in turn.</summary>
    public ChannelReader<int> OpenedLanes => _openedLanes.Reader;

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

    /// <summary>Closes the appender, letting the time pass that it waits for reports.</summary>
    public async Task DisposeAppenderAsync()
    {
        var disposing = Appender.DisposeAsync().AsTask();
        while (!disposing.IsCompleted)
        {
            await Task.WhenAny(disposing, Time.PassTimerAsync("the appender to close, or to wait for the clock")).Unwrap();
        }

        await disposing;
    }

    public async ValueTask DisposeAsync()
    {
        await DisposeAppenderAsync();
        await Spool.DisposeAsync();
        _loggers.Dispose();
        _ownFolder?.Dispose();
    }
}
