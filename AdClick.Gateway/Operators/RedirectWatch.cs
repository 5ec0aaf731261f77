using System.Diagnostics.Metrics;
using AdClick.Actors.Clicks;
using AdClick.Gateway.Clicks;

namespace AdClick.Gateway.Operators;

/// <summary>
/// Remembers the redirects of the last minutes, second by second: how many, and how long they took. It listens to the node's own instruments, so a click costs it two
/// interlocked additions, and nothing on its way knows of it.
/// </summary>
internal sealed class RedirectWatch : IDisposable
{
    /// <summary>Seconds that are remembered.</summary>
    public const int Seconds = 120;

    // Durations below 16 µs each have a bucket; above, every doubling has eight, so that a percentile is off by at most 6 %.
    private const int Fine = 16;
    private const int PerDoubling = 8;
    private const int Doublings = 24;
    private const int Buckets = Fine + (PerDoubling * Doublings);

    private readonly MeterListener _listener = new();
    private readonly Second[] _seconds = [.. Enumerable.Range(0, Seconds).Select(_ => new Second())];
    private readonly TimeProvider _time;

    /// <summary>Begins to listen.</summary>
    public RedirectWatch(TimeProvider time)
    {
        _time = time;
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == GatewayClickMetrics.MeterName && instrument.Name is GatewayClickMetrics.RedirectDurationName or GatewayClickMetrics.RedirectsName)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<double>((_, seconds, _, _) => Note(seconds));
        _listener.SetMeasurementEventCallback<long>((_, redirects, tags, _) => Note(redirects, tags));
        _listener.Start();
    }

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();

    /// <summary>The redirects of each of the last whole seconds, the oldest first.</summary>
    /// <param name="count">How many seconds, less than <see cref="Seconds"/>.</param>
    public IReadOnlyList<(DateTimeOffset At, long Valid, long Invalid)> PerSecond(int count)
    {
        var now = SecondNow();
        return
        [
            .. Enumerable.Range(0, count).Select(i =>
            {
                var second = now - count + i;
                var found = _seconds[second % Seconds];
                return found.Number == second
                    ? (DateTimeOffset.FromUnixTimeSeconds(second), Volatile.Read(ref found.Valid), Volatile.Read(ref found.Invalid))
                    : (DateTimeOffset.FromUnixTimeSeconds(second), 0, 0);
            }),
        ];
    }

    /// <summary>How long the redirects of the last seconds took.</summary>
    /// <param name="count">How many seconds, less than <see cref="Seconds"/>.</param>
    public RedirectLatency Latency(int count)
    {
        var now = SecondNow();
        var sums = new long[Buckets];
        foreach (var second in _seconds.Where(second => second.Number > now - count && second.Number <= now))
        {
            for (var i = 0; i < Buckets; i++)
            {
                sums[i] += Volatile.Read(ref second.Durations[i]);
            }
        }

        var total = sums.Sum();
        return new RedirectLatency(total, At(0.5), At(0.95), At(0.99), At(1));

        TimeSpan? At(double share)
        {
            var rank = Math.Max(1, (long)Math.Ceiling(share * total));
            for (var i = 0; i < Buckets; i++)
            {
                if ((rank -= sums[i]) <= 0)
                {
                    return total == 0 ? null : TimeSpan.FromMicroseconds(MiddleOf(i));
                }
            }

            return null;
        }
    }

    private static int BucketOf(long microseconds)
    {
        if (microseconds < Fine)
        {
            return (int)Math.Max(0, microseconds);
        }

        var doubling = long.Log2(microseconds);
        return Math.Min(Buckets - 1, Fine + (((int)doubling - 4) * PerDoubling) + (int)((microseconds >> ((int)doubling - 3)) & (PerDoubling - 1)));
    }

    private static double MiddleOf(int bucket)
    {
        if (bucket < Fine)
        {
            return bucket + 0.5;
        }

        var (doubling, part) = Math.DivRem(bucket - Fine, PerDoubling);
        var width = Math.Pow(2, doubling + 1);
        return ((PerDoubling + part) * width) + (width / 2);
    }

    private long SecondNow() => _time.GetUtcNow().ToUnixTimeSeconds();

    private void Note(double seconds) => Interlocked.Increment(ref Now().Durations[BucketOf((long)(seconds * 1e6))]);

    private void Note(long redirects, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var isValid = tags is [{ Value: GatewayClickMetrics.Valid }];
        var second = Now();
        Interlocked.Add(ref isValid ? ref second.Valid : ref second.Invalid, redirects);
    }

    private Second Now()
    {
        var number = SecondNow();
        var second = _seconds[number % Seconds];
        if (Volatile.Read(ref second.Number) != number)
        {
            lock (second)
            {
                if (second.Number != number)
                {
                    second.Valid = 0;
                    second.Invalid = 0;
                    Array.Clear(second.Durations);
                    Volatile.Write(ref second.Number, number);
                }
            }
        }

        return second;
    }

    private sealed class Second
    {
        public readonly int[] Durations = new int[Buckets];
        public long Number;
        public long Valid;
        public long Invalid;
    }
}

/// <summary>How long redirects took; the durations are null when there was none.</summary>
/// <param name="Redirects">How many there were.</param>
/// <param name="Median">Half of them took no longer.</param>
/// <param name="P95">19 of 20.</param>
/// <param name="P99">99 of 100.</param>
/// <param name="Max">All.</param>
internal sealed record RedirectLatency(long Redirects, TimeSpan? Median, TimeSpan? P95, TimeSpan? P99, TimeSpan? Max);
