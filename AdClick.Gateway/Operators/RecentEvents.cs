using System.Collections.Immutable;
using AdClick.Gateway.Operators.Console;

namespace AdClick.Gateway.Operators;

/// <summary>The newest lines of the node's log, for whoever looks after something has happened.</summary>
internal sealed class RecentEvents(LogTap tap) : BackgroundService
{
    /// <summary>Lines that are remembered.</summary>
    public const int Capacity = 200;

    private ImmutableQueue<RecentEvent> _events = [];
    private int _count;
    private long _last;

    /// <summary>The lines after one that is known, the oldest first.</summary>
    /// <param name="number">Number of that line; 0 for all.</param>
    public IReadOnlyList<RecentEvent> After(long number) => [.. _events.Where(line => line.Number > number)];

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var line in tap.FollowAsync(LogLevel.Information, stoppingToken))
            {
                var events = _events.Enqueue(new RecentEvent(++_last, line));
                _events = _count == Capacity ? events.Dequeue() : events;
                _count = Math.Min(Capacity, _count + 1);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The node stops.
        }
    }
}

/// <summary>A remembered line.</summary>
/// <param name="Number">Counts them, from 1.</param>
/// <param name="Line">The line.</param>
internal sealed record RecentEvent(long Number, LoggedLine Line);
