using System.Net.Http.Headers;
using System.Text.Json;
using AdClick.Actors.Clicks;
using AdClick.Gateway.Clicks;
using AdClick.Gateway.Hosting;

namespace AdClick.Gateway.Demo;

/// <summary>
/// Shows the demo's ads and clicks them, as the internet would: impressions by <c>POST /v1/impressions</c>, clicks by <c>GET /c/{token}</c>, all over real HTTP. Only
/// impressions that the API rightly refuses to issue (of the paused ad, and such as have expired) are signed here, as an ad server does that signs by itself.
/// </summary>
internal sealed partial class DemoPublisher : IDisposable
{
    private const int AtOnce = 32;
    private const int Stock = 40;

    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(200);

    private readonly Uri _address;
    private readonly string _key;
    private readonly DemoTraffic _traffic;
    private readonly SigningKeyRing _keys;
    private readonly TimeSpan _impressionLifetime;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SocketsHttpHandler _handler = new() { AllowAutoRedirect = false, UseCookies = false, MaxConnectionsPerServer = AtOnce };
    private readonly HttpClient _http;
    private readonly SemaphoreSlim _free = new(AtOnce);
    private readonly PriorityQueue<string, DateTimeOffset> _again = new();
    private readonly Queue<string>[] _stock = [.. DemoCatalogue.Ads.Select(_ => new Queue<string>())];
    private bool _isFailing;

    /// <summary>A publisher.</summary>
    /// <param name="address">Where the gateway listens.</param>
    /// <param name="key">A key of scope publisher.</param>
    /// <param name="traffic">What clicks are like.</param>
    /// <param name="keys">Signs what the API would not issue.</param>
    /// <param name="options">The node's settings.</param>
    /// <param name="time">Clock.</param>
    /// <param name="logger">Is told when clicks fail.</param>
    public DemoPublisher(Uri address, string key, DemoTraffic traffic, SigningKeyRing keys, GatewayOptions options, TimeProvider time, ILogger<DemoPublisher> logger)
    {
        _address = address;
        _key = key;
        _traffic = traffic;
        _keys = keys;
        _impressionLifetime = options.ImpressionLifetime;
        _time = time;
        _logger = logger;
        _http = new HttpClient(_handler) { BaseAddress = address, Timeout = TimeSpan.FromSeconds(10) };
    }

    /// <summary>Shows and clicks until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Beat, _time);
        var last = _time.GetUtcNow();
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                var now = _time.GetUtcNow();
                var seconds = Math.Min(2, (now - last).TotalSeconds); // what was missed is not made up for
                last = now;
                await TryBeatAsync(now, seconds, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The demo stops.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _http.Dispose();
        _handler.Dispose();
        _free.Dispose();
    }

    private async Task TryBeatAsync(DateTimeOffset now, double seconds, CancellationToken cancellationToken)
    {
        try
        {
            await BeatAsync(now, seconds, cancellationToken);
            _isFailing = false;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            if (!_isFailing)
            {
                LogFailed(e.Message);
            }

            _isFailing = true;
        }
    }

    private async Task BeatAsync(DateTimeOffset now, double seconds, CancellationToken cancellationToken)
    {
        var clicks = new List<Task>();
        while (_again.TryPeek(out var again, out var due) && due <= now)
        {
            _again.Dequeue();
            clicks.Add(ClickAsync(again, isBot: false, cancellationToken));
        }

        for (var ad = 0; ad < _stock.Length; ad++)
        {
            for (var left = DemoTraffic.Draw(_traffic.RateOf(ad, now) * seconds); left > 0; left--)
            {
                var isBot = Random.Shared.NextDouble() < DemoTraffic.Bots;
                var url = await ShowAsync(ad, now, cancellationToken);
                clicks.Add(ClickAsync(url, isBot, cancellationToken));
                if (Random.Shared.NextDouble() < DemoTraffic.Duplicates)
                {
                    _again.Enqueue(url, now.AddMilliseconds(Random.Shared.Next(400, 45_000)));
                }
            }
        }

        await Task.WhenAll(clicks);
    }

    private async Task<string> ShowAsync(int ad, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var adId = DemoCatalogue.Ads[ad].AdId;
        if (adId == DemoCatalogue.PausedAd)
        {
            return Sign(adId, now.AddMinutes(-Random.Shared.Next(1, 600)));
        }

        if (Random.Shared.NextDouble() < DemoTraffic.Expired)
        {
            return Sign(adId, now - _impressionLifetime - TimeSpan.FromMinutes(Random.Shared.Next(1, 600)));
        }

        if (_stock[ad].Count == 0)
        {
            await IssueAsync(ad, cancellationToken);
        }

        return _stock[ad].Dequeue();
    }

    private string Sign(string adId, DateTimeOffset issuedAt)
    {
        var impression = ImpressionId.New(issuedAt);
        var expiresAtMs = impression.IssuedAtMs + (long)_impressionLifetime.TotalMilliseconds;
        return ClickHandler.PathPrefix + _keys.Sign(new ImpressionToken(impression, expiresAtMs, adId, impression.SubShard(1), DemoTraffic.OneOf(DemoTraffic.Placements)));
    }

    private async Task IssueAsync(int ad, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/impressions");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _key);
        request.Content = JsonContent.Create(new { adId = DemoCatalogue.Ads[ad].AdId, placement = DemoTraffic.OneOf(DemoTraffic.Placements), count = Stock });
        using var response = await _http.SendAsync(request, cancellationToken);
        response.EnsureSuccessStatusCode();
        using var body = await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync(cancellationToken), cancellationToken: cancellationToken);
        foreach (var impression in body.RootElement.GetProperty("impressions").EnumerateArray())
        {
            _stock[ad].Enqueue(impression.GetProperty("clickUrl").GetString()!);
        }
    }

    private async Task ClickAsync(string url, bool isBot, CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken);
        try
        {
            // Click URLs begin with the public URL, which need not lead here.
            var path = url[url.IndexOf(ClickHandler.PathPrefix, StringComparison.Ordinal)..];
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_address, path));
            request.Headers.TryAddWithoutValidation("User-Agent", DemoTraffic.UserAgent(isBot));
            using var response = await _http.SendAsync(request, cancellationToken);
        }
        finally
        {
            _free.Release();
        }
    }

    [LoggerMessage(LogLevel.Warning, "The demo's traffic can't be sent now; it is tried again: {Reason}")]
    private partial void LogFailed(string reason);
}
