using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>
/// librdkafka's log lines on their way to our log. While brokers are away it says so some ten times a second (seen); of each kind one line in ten
/// seconds keeps its level, and the rest are for debugging.
/// </summary>
internal sealed class LibrdkafkaLog
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly Func<string, string> _redact;
    private readonly Dictionary<string, long> _writtenAt = [];

    /// <summary>A way to a log.</summary>
    /// <param name="logger">The log.</param>
    /// <param name="time">Measures the interval.</param>
    /// <param name="redact">Takes secrets out of a line.</param>
    public LibrdkafkaLog(ILogger logger, TimeProvider time, Func<string, string> redact)
    {
        _redact = redact;
        _logger = logger;
        _time = time;
    }

    /// <summary>Passes a line on. Any thread of librdkafka's calls it.</summary>
    public void Write(LogMessage line)
    {
        var level = (LogLevel)line.LevelAs(LogLevelType.MicrosoftExtensionsLogging);
        if (level >= LogLevel.Information)
        {
            lock (_writtenAt)
            {
                if (_writtenAt.TryGetValue(line.Facility, out var at) && _time.GetElapsedTime(at) < Interval)
                {
                    level = LogLevel.Debug;
                }
                else
                {
                    _writtenAt[line.Facility] = _time.GetTimestamp();
                }
            }
        }

        if (_logger.IsEnabled(level))
        {
            _logger.Log(level, "librdkafka {Facility}: {Line}", line.Facility, _redact(line.Message));
        }
    }
}
