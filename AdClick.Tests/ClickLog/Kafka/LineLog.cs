using Microsoft.Extensions.Logging;

namespace AdClick.Tests.ClickLog.Kafka;

/// <summary>A logger whose lines can be waited for.</summary>
internal sealed class LineLog : ILogger
{
    private readonly Lock _lock = new();
    private readonly List<(LogLevel Level, string Text)> _lines = [];
    private readonly List<(string Text, TaskCompletionSource Seen)> _waits = [];

    public IReadOnlyList<(LogLevel Level, string Text)> Lines
    {
        get
        {
            lock (_lock)
            {
                return [.. _lines];
            }
        }
    }

    /// <summary>Ends when a line with this text is written from now on.</summary>
    public Task NextLine(string text)
    {
        lock (_lock)
        {
            var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waits.Add((text, seen));
            return seen.Task;
        }
    }

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var line = formatter(state, exception);
        lock (_lock)
        {
            _lines.Add((logLevel, line));
            foreach (var wait in _waits.Where(wait => line.Contains(wait.Text, StringComparison.Ordinal)))
            {
                wait.Seen.TrySetResult();
            }
        }
    }
}
