using Microsoft.Extensions.Logging;

namespace AdClick.Tests.ClickLog;

/// <summary>A logger that tells what the log says: that it can write again, or that it will try once more (its timer is armed then).</summary>
internal sealed class ListeningLogger : ILogger
{
    private readonly Lock _gate = new();
    private readonly List<(string Text, TaskCompletionSource Said)> _waiting = [];

    public Task NextRecovery => NextOf("can write again");

    public Task NextTry => NextOf("tries again in");

    /// <summary>Ends with the next line that holds a text.</summary>
    public Task NextOf(string text)
    {
        var said = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            _waiting.Add((text, said));
        }

        return said.Task;
    }

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var line = formatter(state, exception);
        lock (_gate)
        {
            foreach (var (text, said) in _waiting)
            {
                if (line.Contains(text, StringComparison.Ordinal))
                {
                    said.TrySetResult();
                }
            }

            _waiting.RemoveAll(waiting => waiting.Said.Task.IsCompleted);
        }
    }
}
