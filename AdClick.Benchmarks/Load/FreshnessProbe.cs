using System.Diagnostics;
using System.Net;

namespace AdClick.Benchmarks.Load;

/// <summary>
/// Clicks an ad of its own about twice a second, and measures how long each click takes from its redirect to be seen in the metrics, as an advertiser sees them.
/// </summary>
internal sealed class FreshnessProbe : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan PollPause = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Lock _gate;
    private readonly ClickLedger _ledger;
    private readonly ClickSource _source;
    private readonly ClickRequests _requests;
    private readonly GatewayApi _api;
    private readonly LoadAds _ads;
    private readonly DateTimeOffset _from;

    // A connection for each click: on a used one, the client would send a click again by itself when the gateway dies, and nobody would know of two.
    private readonly HttpClient _clicks = new(new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.Zero });

    /// <summary>A probe.</summary>
    /// <param name="gate">Guards ledger and source.</param>
    /// <param name="ledger">Books the probe's clicks with the others.</param>
    /// <param name="source">Issues its impressions.</param>
    /// <param name="requests">Signs them.</param>
    /// <param name="api">The gateway.</param>
    /// <param name="ads">Holds the probe's ad.</param>
    /// <param name="from">When the run began.</param>
    public FreshnessProbe(
        Lock gate, ClickLedger ledger, ClickSource source, ClickRequests requests, GatewayApi api, LoadAds ads, DateTimeOffset from)
    {
        _gate = gate;
        _ledger = ledger;
        _source = source;
        _requests = requests;
        _api = api;
        _ads = ads;
        _from = from;
    }

    /// <summary>Time from redirect to visibility; up to 25 ms of it are the pause between two looks.</summary>
    public LatencyHistogram Freshness { get; } = new();

    /// <summary>Clicks that were not seen, because the gateway went down or took over 30 s.</summary>
    public int Unseen { get; private set; }

    /// <summary>Probes until it is told to stop; a probe under way is finished first.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var started = Stopwatch.GetTimestamp();
            if (await ProbeAsync() is { } freshness)
            {
                Freshness.Record(freshness);
            }
            else
            {
                Unseen++;
            }

            var rest = Interval - Stopwatch.GetElapsedTime(started);
            await Task.Delay(rest > TimeSpan.Zero ? rest : TimeSpan.Zero, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _clicks.Dispose();

    private async Task<TimeSpan?> ProbeAsync()
    {
        int impression;
        string path;
        lock (_gate)
        {
            impression = _source.Issue(_ads.Probe, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
            path = _requests.Path(_requests.Unsigned(impression));
        }

        if (!await ClickAsync(path, impression))
        {
            return null;
        }

        var redirected = Stopwatch.GetTimestamp();
        long needed;
        lock (_gate)
        {
            needed = _ledger.Expect(_ads.Probe).AcceptedMin;
        }

        while (Stopwatch.GetElapsedTime(redirected) < Patience)
        {
            try
            {
                var answer = await _api.ReadAdAsync(_ads.Ids[_ads.Probe], _from, CancellationToken.None);
                if (answer.Ads[_ads.Ids[_ads.Probe]].Accepted >= needed)
                {
                    return Stopwatch.GetElapsedTime(redirected);
                }
            }
            catch (Exception e) when (e is HttpRequestException { StatusCode: null } or TaskCanceledException)
            {
                return null; // killed
            }
            catch (HttpRequestException e) when (e.StatusCode is HttpStatusCode.ServiceUnavailable)
            {
                // Not to be seen now, so not seen yet.
            }

            await Task.Delay(PollPause);
        }

        return null;
    }

    private async Task<bool> ClickAsync(string path, int impression)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_api.Http.BaseAddress!, path));
        request.Headers.TryAddWithoutValidation("User-Agent", ClickRequests.BrowserAgent);
        try
        {
            using var answer = await _clicks.SendAsync(request);
            lock (_gate)
            {
                if (answer.StatusCode == HttpStatusCode.Found)
                {
                    _ledger.BookRedirect(impression, isBot: false);
                    return true;
                }

                _ledger.BookRefused(impression, isBot: false);
                return false;
            }
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            lock (_gate)
            {
                if (_ledger.BookUnanswered(impression, isBot: false))
                {
                    _source.ClickAgain(impression);
                }
            }

            return false;
        }
    }
}
