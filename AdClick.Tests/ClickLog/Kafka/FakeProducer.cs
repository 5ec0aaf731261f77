using System.Collections.Concurrent;
using System.Threading.Channels;
using AdClick.Actors.ClickLog.Kafka;
using Confluent.Kafka;

namespace AdClick.Tests.ClickLog.Kafka;

/// <summary>A producer whose reports the test writes; unless <see cref="Answer"/> gives them, each record waits for its report.</summary>
internal sealed class FakeProducer(Action<Error> onError) : IProducer<byte[], byte[]>
{
    private readonly Channel<ProducedRecord> _produced = Channel.CreateUnbounded<ProducedRecord>();

    /// <summary>Called for each record on the producing thread: may report it, throw what a producer throws, or wait.</summary>
    public Action<ProducedRecord>? Answer { get; set; }

    public bool IsDisposed { get; private set; }

    public ConcurrentQueue<ProducedRecord> All { get; } = [];

    public Handle Handle => throw new NotSupportedException();

    public string Name => "fake";

    public static ProduceException<byte[], byte[]> Failure(ErrorCode code) => new(new Error(code), new DeliveryResult<byte[], byte[]>());

    /// <summary>The next record that was handed over and not answered by <see cref="Answer"/>.</summary>
    public async Task<ProducedRecord> NextAsync(string what)
    {
        var next = _produced.Reader.ReadAsync();
        return await next.InTime(what);
    }

    public bool HasNext => _produced.Reader.TryPeek(out _);

    public void RaiseFatal(ErrorCode code) => onError(new Error(code, "lost count", isFatal: true));

    public void Produce(TopicPartition topicPartition, Message<byte[], byte[]> message, Action<DeliveryReport<byte[], byte[]>>? deliveryHandler = null)
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        var record = new ProducedRecord(topicPartition.Partition.Value, message.Key, message.Value, deliveryHandler!);
        Answer?.Invoke(record);
        All.Enqueue(record);
        if (!record.IsReported)
        {
            _produced.Writer.TryWrite(record);
        }
    }

    public void Dispose() => IsDisposed = true;

    public void Produce(string topic, Message<byte[], byte[]> message, Action<DeliveryReport<byte[], byte[]>>? deliveryHandler = null) =>
        throw new NotSupportedException();

    public Task<DeliveryResult<byte[], byte[]>> ProduceAsync(string topic, Message<byte[], byte[]> message, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public Task<DeliveryResult<byte[], byte[]>> ProduceAsync(
        TopicPartition topicPartition, Message<byte[], byte[]> message, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public int AddBrokers(string brokers) => throw new NotSupportedException();

    public void SetSaslCredentials(string username, string password) => throw new NotSupportedException();

    public int Poll(TimeSpan timeout) => throw new NotSupportedException();

    public int Flush(TimeSpan timeout) => throw new NotSupportedException();

    public void Flush(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public void InitTransactions(TimeSpan timeout) => throw new NotSupportedException();

    public void BeginTransaction() => throw new NotSupportedException();

    public void CommitTransaction(TimeSpan timeout) => throw new NotSupportedException();

    public void CommitTransaction() => throw new NotSupportedException();

    public void AbortTransaction(TimeSpan timeout) => throw new NotSupportedException();

    public void AbortTransaction() => throw new NotSupportedException();

    public void SendOffsetsToTransaction(IEnumerable<TopicPartitionOffset> offsets, IConsumerGroupMetadata groupMetadata, TimeSpan timeout) =>
        throw new NotSupportedException();
}

/// <summary>A record that was handed to the producer.</summary>
internal sealed class ProducedRecord(int partition, byte[]? key, byte[] record, Action<DeliveryReport<byte[], byte[]>> handler)
{
    public int Partition => partition;

    public byte[]? Key => key;

    public byte[] Record => record;

    public long Number => EmbeddedLogFixture.NumberOf(record);

    public bool IsFromSpool => handler.Target is DrainWindow;

    public bool IsReported { get; private set; }

    public void Deliver(long appendTimeMs = 1) => Report(ErrorCode.NoError, appendTimeMs);

    public void Fail(ErrorCode code) => Report(code, 0);

    private void Report(ErrorCode code, long appendTimeMs)
    {
        IsReported = true;
        handler(new DeliveryReport<byte[], byte[]>
        {
            Error = new Error(code),
            Message = new Message<byte[], byte[]>
            {
                Value = record,
                Timestamp = code == ErrorCode.NoError ? new Timestamp(appendTimeMs, TimestampType.LogAppendTime) : new Timestamp(0, TimestampType.NotAvailable),
            },
        });
    }
}
