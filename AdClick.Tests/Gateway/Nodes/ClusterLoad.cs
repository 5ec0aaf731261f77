using System.Net;
using AdClick.Actors.Clicks;
using AdClick.Benchmarks.Load;
using AdClick.Benchmarks.Processes;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Gateway.Nodes;

/// <summary>
/// Clicks at whichever node is there. An impression is clicked until a redirect says that it is in the log, so that it must be counted as accepted, once; and each tenth is clicked again.
/// </summary>
internal sealed class ClusterLoad
{
    private const int Clickers = 6;
    private const int Ads = 40;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(15);
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Func<IReadOnlyList<NodeProgram>> _gateways;
    private readonly SigningKeyRing _keys;
    private readonly LoadAds _ads;
    private readonly Expected[] _expected = [.. Enumerable.Range(0, Ads).Select(_ => new Expected())];
    private readonly CancellationTokenSource _ending = new();
    private readonly DateTimeOffset _from = DateTimeOffset.UtcNow;
    private readonly HttpClient _browser = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { Timeout = AnswerPatience };
    private readonly Lock _gate = new();
    private Task _clicking = Task.CompletedTask;
    private long _redirected;
    private (long Enough, TaskCompletionSource Reached)? _waiting;

    private ClusterLoad(Func<IReadOnlyList<NodeProgram>> gateways, BenchmarkKeys keys)
    {
        _gateways = gateways;
        _keys = keys.Ring();
        _ads = new LoadAds(Ads, $"load-{Guid.NewGuid():N}-");
        _browser.DefaultRequestHeaders.Add("User-Agent", RunningGateway.Browser);
    }

    /// <summary>Creates ads and begins to click.</summary>
    /// <param name="gateways">The nodes that take clicks at the moment.</param>
    /// <param name="keys">Keys of the nodes.</param>
    public static async Task<ClusterLoad> StartAsync(Func<IReadOnlyList<NodeProgram>> gateways, BenchmarkKeys keys)
    {
        var load = new ClusterLoad(gateways, keys);
        await gateways()[0].Api.PutAdsAsync(load._ads, CancellationToken.None);
        load._clicking = Task.WhenAll(Enumerable.Range(0, Clickers).Select(_ => Task.Run(load.ClickAsync)));
        return load;
    }

    /// <summary>Waits until so many more clicks are surely in the log.</summary>
    public async Task WaitForRedirectsAsync(long more)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            _waiting = (_redirected + more, reached);
        }

        try
        {
            await reached.Task.WaitAsync(Patience);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"Waited {Patience} for {more} redirects.", e);
        }
    }

    /// <summary>Stops clicking, and waits until the counts are complete: they must be exact.</summary>
    public async Task AssertExactCountsAsync()
    {
        await _ending.CancelAsync();
        await _clicking;
        _browser.Dispose();
        var through = DateTimeOffset.UtcNow;
        var answer = await ReadWhenCompleteAsync(through);
        for (var ad = 0; ad < Ads; ad++)
        {
            var (impressions, redirected, unanswered) = (_expected[ad].Impressions, _expected[ad].Redirected, _expected[ad].Unanswered);
            var expected = new ExpectedClicks(impressions, impressions, redirected, redirected + unanswered, 0, 0);
            Assert.Null(expected.FindFault(answer.Ads.GetValueOrDefault(_ads.Ids[ad])));
        }

        Assert.True(_redirected > 100, "There was hardly any load.");
    }

    private async Task ClickAsync()
    {
        while (!_ending.IsCancellationRequested)
        {
            var ad = Random.Shared.Next(Ads);
            var now = DateTimeOffset.UtcNow;
            var token = new ImpressionToken(ImpressionId.New(now), now.AddHours(1).ToUnixTimeMilliseconds(), _ads.Ids[ad], 0, null);
            var path = "/c/" + _keys.Sign(token);
            await ClickUntilRedirectedAsync(ad, path);
            Interlocked.Increment(ref _expected[ad].Impressions);
            if (Random.Shared.Next(10) == 0)
            {
                await ClickUntilRedirectedAsync(ad, path);
            }

            await Task.Delay(Pause);
        }
    }

    private async Task ClickUntilRedirectedAsync(int ad, string path)
    {
        while (true)
        {
            var gateways = _gateways();
            if (gateways.Count > 0 && await TryClickAsync(ad, gateways[Random.Shared.Next(gateways.Count)].Url + path))
            {
                return;
            }

            await Task.Delay(Pause);
        }
    }

    private async Task<bool> TryClickAsync(int ad, string url)
    {
        try
        {
            using var answer = await _browser.GetAsync(new Uri(url));
            if (answer.StatusCode == HttpStatusCode.Found)
            {
                OnRedirected(ad);
                return true;
            }

            return false; // not logged: the node has just started, or doesn't know the ad yet
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            Interlocked.Increment(ref _expected[ad].Unanswered); // it may be in the log
            return false;
        }
    }

    private void OnRedirected(int ad)
    {
        Interlocked.Increment(ref _expected[ad].Redirected);
        lock (_gate)
        {
            if (++_redirected >= _waiting?.Enough)
            {
                _waiting.Value.Reached.SetResult();
                _waiting = null;
            }
        }
    }

    private async Task<CountAnswer> ReadWhenCompleteAsync(DateTimeOffset through)
    {
        using var patience = new CancellationTokenSource(Patience);
        var last = "nothing";
        while (!patience.IsCancellationRequested)
        {
            try
            {
                var answer = await _gateways()[0].Api.ReadAdvertiserAsync(_ads.Advertiser(0), _from, patience.Token);
                if (answer.CompleteThrough >= through)
                {
                    return answer;
                }

                last = $"complete through {answer.CompleteThrough:O}, not {through:O}";
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                last = e.Message; // busy
            }

            await Task.Delay(100);
        }

        throw new TimeoutException($"Waited {Patience} for complete counts; the last answer was: {last}.");
    }

    private sealed class Expected
    {
        public long Impressions;
        public long Redirected;
        public long Unanswered;
    }
}
