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
    /// Makes producers of a configuration (acknowledgement by all, idempotence, message time-out), with what the appender rests on besides: reports that name
    /// their record and its append time, a bounded queue, and coming back within a second of the broker.
    /// </summary>
    /// <param name="config">What the operator and <c>KafkaClientConfig.Producer</c> say; not changed.</param>
    /// <param name="redact">Takes secrets out of librdkafka's log lines.</param>
    /// <param name="logger">Gets those lines.</param>
    public static ProducerFactory From(ProducerConfig config, Func<string, string> redact, ILogger logger)
    {
        var tuned = new ProducerConfig(config.ToDictionary(setting => setting.Key, setting => setting.Value))
        {
            DeliveryReportFields = "value,timestamp",
            LingerMs = Linger.TotalMilliseconds,
        };
        tuned.QueueBufferingMaxMessages ??= MaxQueuedRecords;
        tuned.QueueBufferingMaxKbytes ??= MaxQueuedKiB;
        tuned.ReconnectBackoffMaxMs ??= 1000;
        return onError => new ProducerBuilder<byte[], byte[]>(tuned)
            .SetErrorHandler((_, error) => onError(error))
            .SetLogHandler((_, line) => Log(line, redact, logger))
            .Build();
    }

    private static void Log(LogMessage line, Func<string, string> redact, ILogger logger)
    {
        var level = (LogLevel)line.LevelAs(LogLevelType.MicrosoftExtensionsLogging);
        if (logger.IsEnabled(level))
        {
            logger.Log(level, "librdkafka {Facility}: {Line}", line.Facility, redact(line.Message));
        }
    }
}
