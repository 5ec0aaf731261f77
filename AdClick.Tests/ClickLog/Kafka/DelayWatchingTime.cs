using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;

namespace AdClick.Tests.ClickLog.Kafka;

/// <summary>A clock of the test's, which tells when somebody begins a pause: advancing it before that would not end the pause.</summary>
internal sealed class DelayWatchingTime : FakeTimeProvider
{
    private readonly Channel<TimeSpan> _delays = Channel.CreateUnbounded<TimeSpan>();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        if (dueTime != Timeout.InfiniteTimeSpan)
        {
            _delays.Writer.TryWrite(dueTime);
        }

        return timer;
    }

    /// <summary>The next pause that has begun.</summary>
    public async Task<TimeSpan> NextDelayAsync(string what)
    {
        var next = _delays.Reader.ReadAsync();
        return await next.InTime(what);
    }

    /// <summary>Waits for the next pause to begin, and lets it end.</summary>
    public async Task PassDelayAsync(string what) => Advance(await NextDelayAsync(what));
}
