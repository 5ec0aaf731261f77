namespace AdClick.Gateway.Api;

/// <summary>
/// A rate limit that lets short bursts pass. One number stands for the whole bucket: the time at which it would be full again if nothing more was
/// taken.
/// (The limiters of System.Threading.RateLimiting read the machine's clock and need a timer each; this one follows a <see cref="TimeProvider"/>.)
/// </summary>
/// <param name="perSecond">Tokens per second in the long run.</param>
/// <param name="burst">Tokens in a full bucket.</param>
/// <param name="time">Clock.</param>
internal sealed class TokenBucket(int perSecond, int burst, TimeProvider time)
{
    private readonly long _ticksPerToken = Math.Max(1, time.TimestampFrequency / perSecond);
    private long _fullAt = time.GetTimestamp();

    /// <summary>Whether nothing is owed: a new bucket would be the same.</summary>
    public bool IsFull => Volatile.Read(ref _fullAt) <= time.GetTimestamp();

    /// <summary>Takes a token, or says when there will be one.</summary>
    public bool TryTake(out TimeSpan retryAfter)
    {
        while (true)
        {
            var now = time.GetTimestamp();
            var seen = Volatile.Read(ref _fullAt);
            var fullAt = Math.Max(seen, now) + _ticksPerToken;
            var tooMuch = fullAt - now - (burst * _ticksPerToken);
            if (tooMuch > 0)
            {
                retryAfter = time.GetElapsedTime(0, tooMuch);
                return false;
            }

            if (Interlocked.CompareExchange(ref _fullAt, fullAt, seen) == seen)
            {
                retryAfter = TimeSpan.Zero;
                return true;
            }
        }
    }
}
