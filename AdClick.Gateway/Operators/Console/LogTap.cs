using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace AdClick.Gateway.Operators.Console;

/// <summary>A logged line.</summary>
/// <param name="At">When.</param>
/// <param name="Level">How bad.</param>
/// <param name="Category">Whose.</param>
/// <param name="Message">What, with the message of the exception if there is one.</param>
internal sealed record LoggedLine(DateTimeOffset At, LogLevel Level, string Category, string Message);

/// <summary>Lets operators listen to what the node logs. Costs nothing while nobody does.</summary>
internal sealed class LogTap(TimeProvider time) : ILoggerProvider
{
    // A listener that doesn't keep up misses lines and is told how many; the node doesn't wait for it.
    private const int MaxWaiting = 1000;

    private ImmutableArray<Listener> _listeners = [];

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Tapped(this, categoryName);

    /// <inheritdoc/>
    public void Dispose() => ImmutableInterlocked.Update(ref _listeners, _ => []);

    /// <summary>The lines from now on.</summary>
    /// <param name="least">Least level.</param>
    /// <param name="cancelled">Ends it.</param>
    public async IAsyncEnumerable<LoggedLine> FollowAsync(LogLevel least, [EnumeratorCancellation] CancellationToken cancelled)
    {
        var listener = new Listener(least);
        ImmutableInterlocked.Update(ref _listeners, (all, added) => all.Add(added), listener);
        try
        {
            await foreach (var line in listener.Lines.Reader.ReadAllAsync(cancelled))
            {
                var missed = Interlocked.Exchange(ref listener.Missed, 0);
                if (missed > 0)
                {
                    yield return new LoggedLine(line.At, LogLevel.Warning, nameof(LogTap), $"{missed} lines were left out: they came faster than they are read here.");
                }

                yield return line;
            }
        }
        finally
        {
            ImmutableInterlocked.Update(ref _listeners, (all, removed) => all.Remove(removed), listener);
        }
    }

    private void Tell(LogLevel level, string category, Func<string> message)
    {
        LoggedLine? line = null;
        foreach (var listener in _listeners)
        {
            if (level >= listener.Least && !listener.Lines.Writer.TryWrite(line ??= new LoggedLine(time.GetUtcNow(), level, category, message())))
            {
                Interlocked.Increment(ref listener.Missed);
            }
        }
    }

    private sealed class Listener(LogLevel least)
    {
        public int Missed;

        public LogLevel Least { get; } = least;

        public Channel<LoggedLine> Lines { get; } = Channel.CreateBounded<LoggedLine>(MaxWaiting);
    }

    private sealed class Tapped(LogTap tap, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None && !tap._listeners.IsEmpty;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                tap.Tell(logLevel, category, () => exception is null ? formatter(state, exception) : $"{formatter(state, exception)} ({exception.Message})");
            }
        }
    }
}
