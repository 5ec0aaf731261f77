using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;

namespace AdClick.Tests.ClickLog.Kafka;

/// <summary>A clock of the test's, which tells when somebody begins a pause: advancing it before that would not end the pause.</summary>
internal sealed class DelayWatchingTime : FakeTimeProvider
{
    private readonly Channel<TimeSpan> _delays = Channel.CreateUnbounded<TimeSpan>();
    private readonly Channel<TimeSpan> _timers = Channel.CreateUnbounded<TimeSpan>();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(base.CreateTimer(callback, state, dueTime, period), _timers.Writer);
        if (dueTime != Timeout.InfiniteTimeSpan)
        {
            _delays.Writer.TryWrite(dueTime);
            _timers.Writer.TryWrite(dueTime);
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

    /// <summary>Lets the next timer come due that was set, be it a pause or a timer that was there before and set anew.</summary>
    public async Task PassTimerAsync(string what)
    {
        var next = _timers.Reader.ReadAsync();
        Advance(await next.InTime(what));
    }

    private sealed class Timer(ITimer timer, ChannelWriter<TimeSpan> timers) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            var isChanged = timer.Change(dueTime, period);
            if (dueTime != Timeout.InfiniteTimeSpan)
            {
                timers.TryWrite(dueTime);
            }

            return isChanged;
        }

        public void Dispose() => timer.Dispose();

        public ValueTask DisposeAsync() => timer.DisposeAsync();
    }
}
