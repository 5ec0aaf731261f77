using AdClick.Gateway.Api;
using AdClick.Gateway.Keys;
using AdClick.Gateway.Metrics;

namespace AdClick.Gateway.Live;

/// <summary>
/// The feeds of this node, one for each question that is followed, and the streams that hang on them: bounded for each key and in all. A feed asks while somebody
/// looks on, and is forgotten some time after the last one has left.
/// </summary>
internal sealed class LiveFeeds : IDisposable
{
    private readonly ClickAnswers _answers;
    private readonly LiveClicksSettings _settings;
    private readonly TimeProvider _time;
    private readonly ILogger<LiveFeeds> _logger;
    private readonly CancellationTokenSource _stopping;
    private readonly Lock _gate = new();
    private readonly Dictionary<LiveQuestion, Watched> _feeds = [];
    private readonly Dictionary<string, int> _streams = new(StringComparer.Ordinal);
    private int _streamCount;

    /// <summary>No feed yet.</summary>
    public LiveFeeds(ClickAnswers answers, LiveClicksSettings settings, TimeProvider time, IHostApplicationLifetime lifetime, ILogger<LiveFeeds> logger)
    {
        _answers = answers;
        _settings = settings;
        _time = time;
        _logger = logger;
        _stopping = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStopping);
        Stopping = _stopping.Token;
    }

    /// <summary>Cancelled when the node stops: streams end, and their viewers go to another node or come back.</summary>
    public CancellationToken Stopping { get; }

    /// <summary>Feeds that are asked for or remembered.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _feeds.Count;
            }
        }
    }

    /// <summary>Opens a stream.</summary>
    /// <param name="caller">Whose it is.</param>
    /// <param name="question">What it follows.</param>
    /// <param name="stream">The stream, to be disposed at its end.</param>
    /// <param name="problem">Why there is none.</param>
    public bool TryOpen(
        ApiCaller caller,
        LiveQuestion question,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out LiveSubscription? stream,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out Problem? problem)
    {
        lock (_gate)
        {
            var own = _streams.GetValueOrDefault(caller.Key.Name);
            if (own >= _settings.StreamsPerKey || _streamCount >= _settings.Streams)
            {
                stream = null;
                problem = new Problem(
                    ProblemKind.TooManyStreams,
                    own >= _settings.StreamsPerKey
                        ? $"The key \"{caller.Key.Name}\" has {own} streams open on this node, as many as AdClick:LiveStreamsPerKey allows. Close some, or read without /live."
                        : $"This node holds {_streamCount} streams open, as many as AdClick:LiveStreams allows. Ask another node, or read without /live.")
                {
                    RetryAfter = TimeSpan.FromSeconds(5),
                };
                return false;
            }

            _streams[caller.Key.Name] = own + 1;
            _streamCount++;
            if (!_feeds.TryGetValue(question, out var watched))
            {
                watched = new Watched(new LiveFeed(question, _answers, _settings, _time, _logger));
                _feeds.Add(question, watched);
                _ = FollowAsync(question, watched);
            }

            watched.Viewers++;
            stream = new LiveSubscription(watched.Feed, () => Leave(caller, watched));
            problem = null;
            return true;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private async Task FollowAsync(LiveQuestion question, Watched watched)
    {
        await Task.Yield(); // out of the lock
        try
        {
            while (!IsForgotten(question, watched))
            {
                if (watched.Viewers > 0)
                {
                    await watched.Feed.LookAsync(Stopping);
                }

                await Task.Delay(_settings.Interval, _time, Stopping);
            }
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    private bool IsForgotten(LiveQuestion question, Watched watched)
    {
        lock (_gate)
        {
            return watched.Viewers == 0 && _time.GetElapsedTime(watched.LeftAt) > _settings.Linger && _feeds.Remove(question);
        }
    }

    private void Leave(ApiCaller caller, Watched watched)
    {
        lock (_gate)
        {
            watched.Viewers--;
            watched.LeftAt = _time.GetTimestamp();
            _streamCount--;
            if (--_streams[caller.Key.Name] == 0)
            {
                _streams.Remove(caller.Key.Name);
            }
        }
    }

    private sealed class Watched(LiveFeed feed)
    {
        public LiveFeed Feed => feed;

        public volatile int Viewers;

        public long LeftAt;
    }
}

/// <summary>A place among the viewers of a feed.</summary>
/// <param name="feed">The feed.</param>
/// <param name="leave">Gives the place back.</param>
internal sealed class LiveSubscription(LiveFeed feed, Action leave) : IDisposable
{
    private Action? _leave = leave;

    /// <summary>The feed.</summary>
    public LiveFeed Feed => feed;

    /// <inheritdoc/>
    public void Dispose() => Interlocked.Exchange(ref _leave, null)?.Invoke();
}
