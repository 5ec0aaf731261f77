using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace AdClick.Tests.Support;

/// <summary>Keeps every log line of a host, with its exception.</summary>
internal sealed class CapturedLog : ILoggerProvider
{
    private readonly ConcurrentQueue<string> _lines = [];
    private TaskCompletionSource _nextLine = NewLine();

    public IReadOnlyCollection<string> Lines => _lines;

    /// <summary>Ends when a line with this text was logged, now or before. The caller bounds the wait.</summary>
    public async Task WaitForAsync(string text)
    {
        while (true)
        {
            var next = Volatile.Read(ref _nextLine).Task;
            if (_lines.Any(line => line.Contains(text, StringComparison.Ordinal)))
            {
                return;
            }

            await next;
        }
    }

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose() { }

    private static TaskCompletionSource NewLine() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Add(string line)
    {
        _lines.Enqueue(line);
        Interlocked.Exchange(ref _nextLine, NewLine()).SetResult();
    }

    private sealed class Logger(CapturedLog log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            log.Add($"{logLevel} {category}: {formatter(state, exception)} {exception}");
    }
}
