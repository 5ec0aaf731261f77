using System.Net;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Gateway.Api;
using AdClick.Gateway.Metrics;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Gateway.Metrics;

public sealed class MetricsGatewayTests : IAsyncLifetime
{
    private const string Clicks = "/v1/ads/a1/clicks";
    private const string Whole = Clicks + "?from=2026-11-24T00:00:00Z&to=2026-11-24T01:00:00Z";
    private const string Ads = "/v1/advertisers/adv1/clicks?groupBy=ad";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private ApiHost _host = null!;

    public async Task InitializeAsync()
    {
        _host = await ApiHost.StartAsync(metrics: new MetricsGatewaySettings { Concurrency = 4 });
        await _host.PutAdAsync("a1");
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_hundred_who_ask_the_same_share_one_question_to_the_store()
    {
        var open = new TaskCompletionSource();
        var entered = new TaskCompletionSource();
        _host.Store.BeforeQuery = (_, _) =>
        {
            entered.TrySetResult();
            return open.Task;
        };
        var first = _host.Admin.GetAsync(Clicks);
        await entered.Task.WaitAsync(Patience);
        const string SameInOtherWords = Clicks + "?granularity=minute&timeZone=UTC";
        var others = Enumerable.Range(0, 99).Select(i => _host.Admin.GetAsync(i % 2 == 0 ? Clicks : SameInOtherWords)).ToArray();
        open.SetResult();
        foreach (var response in await Task.WhenAll([first, .. others]))
        {
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        Assert.Equal(1, _host.Store.Queries);
    }

    [Theory]
    [InlineData(Clicks, Clicks + "?fill=zero")]
    [InlineData(Clicks, Clicks + "?from=2026-11-24T01:00:00Z")]
    [InlineData(Clicks + "?from=2026-11-24T01:00:00Z", Clicks + "?from=2026-11-24T01:00:00Z&to=2026-11-24T01:10:00Z")]
    [InlineData(Clicks + "?granularity=hour", Clicks + "?granularity=hour&timeZone=Europe/Berlin")]
    [InlineData(Whole, Whole + "&granularity=quarter-hour")]
    [InlineData(Ads, Ads + "&top=3")]
    public async Task Another_question_gets_another_answer(string path, string other)
    {
        await _host.Admin.GetStringAsync(path);
        await _host.Admin.GetStringAsync(other);
        Assert.Equal(2, _host.Store.Queries);
    }

    [Fact]
    public async Task Two_ads_never_share_an_answer_nor_do_an_ad_and_an_advertiser()
    {
        await _host.PutAdAsync("a2");
        await _host.PutAdAsync("adv1");
        string[] paths =
            [Clicks, "/v1/ads/a2/clicks", "/v1/ads/adv1/clicks", "/v1/advertisers/adv1/clicks", "/v1/advertisers/adv1/clicks?groupBy=ad"];
        foreach (var path in paths)
        {
            await _host.Admin.GetStringAsync(path);
        }

        Assert.Equal(5, _host.Store.Queries);
    }

    [Fact]
    public async Task An_answer_is_given_again_for_a_fifth_of_a_second()
    {
        await _host.Admin.GetStringAsync(Clicks);
        await _host.FlushAsync(new MinuteCount("a1", 0, ApiHost.Minute(ApiHost.Now), ClickOutcome.Accepted, 1));
        _host.Time.Advance(TimeSpan.FromMilliseconds(199));
        Assert.Contains("\"clicks\":0", await _host.Admin.GetStringAsync(Clicks), StringComparison.Ordinal);
        Assert.Equal(1, _host.Store.Queries);

        _host.Time.Advance(TimeSpan.FromMilliseconds(2));
        Assert.Contains("\"clicks\":1", await _host.Admin.GetStringAsync(Clicks), StringComparison.Ordinal);
        Assert.Equal(2, _host.Store.Queries);
    }

    [Fact]
    public async Task A_failure_is_not_kept()
    {
        _host.Store.BeforeQuery = (_, _) => throw new MetricsStoreUnavailableException("away");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await _host.Admin.GetAsync(Clicks)).StatusCode);
        _host.Store.BeforeQuery = null;
        Assert.Equal(HttpStatusCode.OK, (await _host.Admin.GetAsync(Clicks)).StatusCode);
    }

    [Fact]
    public async Task A_store_that_keeps_failing_is_left_alone_for_a_while()
    {
        _host.Store.BeforeQuery = (_, _) => throw new MetricsStoreUnavailableException("away");
        for (var i = 0; i < 5; i++)
        {
            using var failed = await _host.Admin.GetAsync(Clicks);
            await ApiHost.ProblemOfAsync(failed, ProblemKind.StoreUnavailable);
        }

        using (var refused = await _host.Admin.GetAsync(Clicks))
        {
            await ApiHost.ProblemOfAsync(refused, ProblemKind.StoreUnavailable);
            Assert.Equal(TimeSpan.FromSeconds(5), refused.Headers.RetryAfter?.Delta);
        }

        Assert.Equal(5, _host.Store.Queries);
        _host.Store.BeforeQuery = null;
        _host.Time.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await _host.Admin.GetAsync(Clicks)).StatusCode);
        Assert.Equal(5, _host.Store.Queries);

        _host.Time.Advance(TimeSpan.FromSeconds(1.1));
        Assert.Equal(HttpStatusCode.OK, (await _host.Admin.GetAsync(Clicks)).StatusCode);
        Assert.Single(_host.Log.Lines, line => line.Contains("fails to answer", StringComparison.Ordinal));
        Assert.Single(_host.Log.Lines, line => line.Contains("answers questions about clicks again", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_the_asker_did_wrong_does_not_open_the_circuit()
    {
        _host.Store.BeforeQuery = (_, _) => throw new TooManyBucketsException("The answer would hold too many.");
        for (var i = 0; i < 10; i++)
        {
            using var response = await _host.Admin.GetAsync("/v1/advertisers/adv1/clicks?groupBy=ad");
            await ApiHost.ProblemOfAsync(response, ProblemKind.InvalidRequest);
        }

        Assert.Equal(10, _host.Store.Queries);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_answer_that_takes_too_long_becomes_503_also_where_the_store_does_not_heed_it(bool heeds)
    {
        // So long that only the test's own time can have ended it.
        await using var host = await ApiHost.StartAsync(metrics: new MetricsGatewaySettings { TimeOut = TimeSpan.FromMinutes(5) });
        await host.PutAdAsync("a1");
        var entered = new TaskCompletionSource();
        var open = new TaskCompletionSource();
        host.Store.BeforeQuery = (_, token) =>
        {
            entered.TrySetResult();
            return heeds ? open.Task.WaitAsync(token) : open.Task;
        };
        var asked = host.Admin.GetAsync(Clicks);
        await entered.Task.WaitAsync(Patience);
        host.Time.Advance(TimeSpan.FromMinutes(5));
        using var response = await asked.WaitAsync(Patience);
        await ApiHost.ProblemOfAsync(response, ProblemKind.TimedOut);
        Assert.Equal(TimeSpan.FromMinutes(5), response.Headers.RetryAfter?.Delta);
        open.SetResult();
    }

    [Fact]
    public async Task The_store_works_on_a_bounded_number_of_questions_and_the_others_wait()
    {
        var open = new TaskCompletionSource();
        var four = new CountdownEvent(4);
        _host.Store.BeforeQuery = (_, _) =>
        {
            four.Signal();
            return open.Task;
        };
        var asked = Enumerable.Range(0, 4).Select(i => _host.Admin.GetAsync($"{Clicks}?to=2026-11-24T01:0{i}:00Z")).ToArray();
        Assert.True(four.Wait(Patience), "Waited 30 s for four questions at the store.");
        var fifth = _host.Admin.GetAsync($"{Clicks}?to=2026-11-24T00:00:00Z");
        _host.Store.BeforeQuery = null;
        _host.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(4, _host.Store.Queries);
        open.SetResult();
        Assert.All(await Task.WhenAll([.. asked, fifth]).WaitAsync(Patience), response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
        Assert.Equal(5, _host.Store.Queries);
    }

    [Fact]
    public async Task When_the_last_asker_leaves_the_question_is_dropped_and_not_before()
    {
        var entered = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource();
        _host.Store.BeforeQuery = async (_, token) =>
        {
            using var registration = token.Register(cancelled.SetResult);
            entered.TrySetResult();
            await cancelled.Task;
            token.ThrowIfCancellationRequested();
        };
        using var leaving = new CancellationTokenSource();
        var asked = _host.Admin.GetAsync(Clicks, leaving.Token);
        await entered.Task.WaitAsync(Patience);
        Assert.False(cancelled.Task.IsCompleted);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        await cancelled.Task.WaitAsync(Patience);

        _host.Store.BeforeQuery = null;
        Assert.Equal(HttpStatusCode.OK, (await _host.Admin.GetAsync(Clicks)).StatusCode);
        Assert.DoesNotContain(_host.Log.Lines, line => line.StartsWith("Error", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_fault_of_ours_is_a_500_that_is_logged()
    {
        _host.Store.BeforeQuery = (_, _) => throw new InvalidDataException("of ours");
        using var response = await _host.Admin.GetAsync(Clicks);
        await ApiHost.ProblemOfAsync(response, ProblemKind.InternalError);
        Assert.Contains(_host.Log.Lines, line => line.Contains("of ours", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_largest_answers_are_shared_as_well()
    {
        var path = $"{Clicks}?from=2026-11-18T00:00:00Z&to=2026-11-24T22:40:00Z&fill=zero";
        var first = await _host.Admin.GetStringAsync(path);
        Assert.Equal(first, await _host.Admin.GetStringAsync(path));
        Assert.Equal(1, _host.Store.Queries);
    }
}
