using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>Makes a producer that tells of its own errors.</summary>
/// <param name="onError">Takes errors that are no record's; on a thread of the producer's.</param>
internal delegate IProducer<byte[], byte[]> ProducerFactory(Action<Error> onError);

/// <summary>
/// The Kafka producer, and another one when it has broken: an idempotent producer that loses count of what it sent never sends again. One thread uses it.
/// </summary>
internal sealed class KafkaProducer
{
    /// <summary>Producers are built no closer together than this: with a cause that stays, each one breaks again.</summary>
    private static readonly TimeSpan MinInterval = TimeSpan.FromSeconds(1);

    private readonly string _topic;
    private readonly ProducerFactory _factory;
    private readonly Action _onFatal;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Message<byte[], byte[]> _message = new(); // the producer takes what is in it before it returns
    private readonly List<Task> _closing = [];

    private Generation? _current;
    private long _built;

    /// <summary>Builds the first producer.</summary>
    /// <param name="topic">Where the records go.</param>
    /// <param name="factory">Makes producers.</param>
    /// <param name="onFatal">Called when <see cref="Fatal"/> is set, on any thread.</param>
    /// <param name="time">Paces the building.</param>
    /// <param name="logger">Is told of broken producers.</param>
    public KafkaProducer(string topic, ProducerFactory factory, Action onFatal, TimeProvider time, ILogger logger)
    {
        _topic = topic;
        _factory = factory;
        _onFatal = onFatal;
        _time = time;
        _logger = logger;
        Build();
    }

    /// <summary>Why the producer can't be used any more; null while it can, and after <see cref="Replace"/>.</summary>
    public Error? Fatal => _current?.Fatal;

    /// <summary>Hands a record over; its report goes to the handler.</summary>
    /// <returns>Null, or why the producer does not take the record: there will be no report then.</returns>
    public Error? Produce(int partition, byte[]? key, byte[] record, Action<DeliveryReport<byte[], byte[]>> onReport)
    {
        if (_current is null && !TryRebuild())
        {
            return new Error(ErrorCode.Local_Fatal, "the producer broke, and another is made in a moment");
        }

        _message.Key = key!; // Kafka's null key
        _message.Value = record;
        try
        {
            _current!.Producer.Produce(_current.Partition(_topic, partition), _message, onReport);
            return null;
        }
        catch (KafkaException e)
        {
            if (DeliveryError.IsFatal(e.Error))
            {
                _current!.OnError(e.Error);
            }

            return e.Error;
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            return new Error(ErrorCode.Local_Fail, e.Message);
        }
    }

    /// <summary>Has the producer count as broken, as a delivery report says.</summary>
    public void Break(Error fatal) => _current?.OnError(fatal);

    /// <summary>Gives the broken producer up; the next <see cref="Produce"/> makes another, not too soon.</summary>
    public void Replace()
    {
        if (_current is { } broken)
        {
            _current = null;
            KafkaAppendMetrics.Rebuilds.Add(1);
            _logger.LogError(
                "The Kafka producer broke and is replaced: {Reason} ({Code}). What it had not delivered goes to the spool.",
                broken.Fatal?.Reason, broken.Fatal?.Code);
            _closing.RemoveAll(task => task.IsCompleted);
            _closing.Add(CloseAsync(broken));
        }
    }

    /// <summary>Closes all producers; what they haven't delivered is not their business any more.</summary>
    public Task CloseAsync() => Task.WhenAll([.. _closing, _current is null ? Task.CompletedTask : CloseAsync(_current)]);

    // It waits for the producer's threads, on a thread of its own.
    private static Task CloseAsync(Generation generation) => Task.Factory.StartNew(
        generation.Producer.Dispose, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private bool TryRebuild()
    {
        if (_time.GetElapsedTime(_built) < MinInterval)
        {
            return false;
        }

        try
        {
            Build();
            return true;
        }
        catch (Exception e) when (e is KafkaException or InvalidOperationException)
        {
            _logger.LogError(e, "Another Kafka producer can't be made; it is tried again.");
            return false;
        }
    }

    private void Build()
    {
        _built = _time.GetTimestamp();
        _current = new Generation(_factory, _onFatal);
    }

    private sealed class Generation
    {
        private readonly Action _onFatal;
        private readonly Dictionary<int, TopicPartition> _partitions = [];
        private volatile Error? _fatal;

        public Generation(ProducerFactory factory, Action onFatal)
        {
            _onFatal = onFatal;
            Producer = factory(OnError);
        }

        public IProducer<byte[], byte[]> Producer { get; }

        public Error? Fatal => _fatal;

        public void OnError(Error error)
        {
            if (DeliveryError.IsFatal(error) && _fatal is null)
            {
                _fatal = error;
                _onFatal();
            }
        }

        public TopicPartition Partition(string topic, int partition)
        {
            if (!_partitions.TryGetValue(partition, out var found))
            {
                _partitions.Add(partition, found = new TopicPartition(topic, partition));
            }

            return found;
        }
    }
}
