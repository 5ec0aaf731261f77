namespace AdClick.Gateway.Clicks;

/// <summary>
/// Knows since when this gateway holds clicks that are not in the log yet. Its answer goes into the marks, which hold back what readers are told to be complete
/// (I5): so it may be too early, never too late.
/// </summary>
/// <remarks>
/// Clicks are counted by generations of time rather than one by one: a click costs two interlocked operations, whatever the number of clicks in hand.
/// </remarks>
internal sealed class OpenClicks
{
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly Queue<Generation> _older = [];
    private volatile Generation _current;

    /// <summary>Starts the first generation.</summary>
    public OpenClicks(TimeProvider time)
    {
        _time = time;
        _current = new Generation(Now());
    }

    /// <summary>Takes a click in; its click time is set. Every ticket must be given back by <see cref="Leave"/>.</summary>
    public Ticket Enter()
    {
        while (true)
        {
            var generation = _current;
            if (generation.TryEnter())
            {
                // A clock that was set back does not make a click older than what was promised in a mark.
                return new Ticket(generation, Math.Max(generation.SinceMs, Now()));
            }
        }
    }

    /// <summary>The click is in the log, or never will be.</summary>
    public static void Leave(in Ticket ticket) => ticket.Generation.Leave();

    /// <summary>
    /// Begins a new generation, and gives the time from which on clicks may still be missing: every click that came before it is in the log.
    /// </summary>
    public long Rotate()
    {
        lock (_gate)
        {
            var next = new Generation(Math.Max(_current.SinceMs, Now()));
            _older.Enqueue(_current);
            _current.Close();
            _current = next;
            while (_older.TryPeek(out var oldest) && oldest.IsEmpty)
            {
                _older.Dequeue();
            }

            return _older.TryPeek(out var open) ? open.SinceMs : next.SinceMs;
        }
    }

    private long Now() => _time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>A click in hand.</summary>
    /// <param name="Generation">Where it is counted.</param>
    /// <param name="ClickTimeMs">Its click time, Unix milliseconds.</param>
    internal readonly record struct Ticket(Generation Generation, long ClickTimeMs);

    /// <summary>Clicks that came within one span of time.</summary>
    internal sealed class Generation(long sinceMs)
    {
        private const int Closed = 1 << 30; // above any number of clicks in hand

        private int _state; // clicks in hand, and the flag

        public long SinceMs { get; } = sinceMs;

        public bool IsEmpty => Volatile.Read(ref _state) == Closed;

        public bool TryEnter()
        {
            if ((Interlocked.Increment(ref _state) & Closed) == 0)
            {
                return true;
            }

            Interlocked.Decrement(ref _state);
            return false;
        }

        public void Leave() => Interlocked.Decrement(ref _state);

        public void Close() => Interlocked.Or(ref _state, Closed);
    }
}
