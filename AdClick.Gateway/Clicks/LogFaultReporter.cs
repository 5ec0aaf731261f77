namespace AdClick.Gateway.Clicks;

/// <summary>Says in the log that clicks could not be written down: at once, and then every ten seconds with their number, not once a click.</summary>
internal sealed partial class LogFaultReporter
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    private readonly ILogger<LogFaultReporter> _logger;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private long _clicks;
    private long _lastTimestamp;
    private bool _hasReported;

    /// <summary>Made once.</summary>
    public LogFaultReporter(ILogger<LogFaultReporter> logger, TimeProvider time)
    {
        _logger = logger;
        _time = time;
    }

    /// <summary>A click was redirected that could not be logged.</summary>
    public void Report(Exception failure)
    {
        long clicks;
        lock (_gate)
        {
            _clicks++;
            var now = _time.GetTimestamp();
            if (_hasReported && _time.GetElapsedTime(_lastTimestamp, now) < Pause)
            {
                return;
            }

            (clicks, _clicks) = (_clicks, 0);
            _lastTimestamp = now;
            _hasReported = true;
        }

        LogLost(clicks, failure.Message);
    }

    [LoggerMessage(LogLevel.Error, "{Clicks} clicks were redirected without being logged, lost=\"possible\": {Reason}")]
    private partial void LogLost(long clicks, string reason);
}
