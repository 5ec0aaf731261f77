using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>Makes producers for <see cref="KafkaAppender"/>.</summary>
internal static class KafkaProducers
{
    // Clicks of 2 s, and those of the time that librdkafka takes to find out, at 50,000/s; beyond them the spool is the better place.
    private const int MaxQueuedRecords = 200_000;
    private const int MaxQueuedKiB = 128 * 1024;

    // Ours and librdkafka's own rounds would add up. It still waits a moment for what the same round brings.
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(1);

    /// <summary>
    /// Makes producers as the options say, with what the appender rests on besides: reports that name their record and its append time, a bounded queue,
    /// and coming back within a second of the broker.
    /// </summary>
    /// <param name="options">Where Kafka is, and how it is talked to.</param>
    /// <param name="time">Measures how often a line repeats.</param>
    /// <param name="logger">Gets librdkafka's log lines, without secrets.</param>
    public static ProducerFactory From(KafkaOptions options, TimeProvider time, ILogger logger)
    {
        var config = new ProducerConfig(KafkaClientConfig.Producer(options))
        {
            DeliveryReportFields = "value,timestamp",
            LingerMs = Linger.TotalMilliseconds,
        };
        config.QueueBufferingMaxMessages ??= MaxQueuedRecords;
        config.QueueBufferingMaxKbytes ??= MaxQueuedKiB;
        config.ReconnectBackoffMaxMs ??= 1000;
        var log = new LibrdkafkaLog(logger, time, line => KafkaClientConfig.WithoutSecrets(line, options));
        return onError => new ProducerBuilder<byte[], byte[]>(config)
            .SetErrorHandler((_, error) => onError(error))
            .SetLogHandler((_, line) => log.Write(line))
            .Build();
    }
}
