using System.Text.Json.Nodes;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Gateway.Api;
using AdClick.Gateway.Live;
using AdClick.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace AdClick.Tests.Gateway.Live;

public sealed class LiveClicksTests : IAsyncLifetime
{
    private const int StepsPerInterval = 5;
    private const string Live = "/v1/ads/a1/clicks/live?buckets=3";

    private static readonly LiveClicksSettings Settings = new() { StreamsPerKey = 60, Streams = 70 };
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private ApiHost _host = null!;

    public async Task InitializeAsync()
    {
        _host = await ApiHost.StartAsync(live: Settings);
        await _host.PutAdAsync("a1");
        await _host.PutAdAsync("a2");
        await _host.PutAdAsync("b1", "adv2");
        await _host.FlushAsync(Count("a1", -1, 3), Count("a1", 0, 1), Count("a2", 0, 10));
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task First_comes_everything_and_then_what_changes()
    {
        using var stream = await EventStreamReader.OpenAsync(_host.Admin, Live);
        var (name, first) = await NextAsync(stream);
        Assert.Equal("clicks", name);
        Assert.Equal(
            ("2026-11-24T01:28:00Z", "2026-11-24T01:31:00Z", "2026-11-24T01:30:20Z", true),
            ((string?)first["from"], (string?)first["to"], (string?)first["completeThrough"], (bool?)first["reset"]));
        Assert.Equal([("01:28", 0), ("01:29", 3), ("01:30", 1)], Buckets(first));
        Assert.Equal(
            """{"start":"2026-11-24T01:29:00Z","state":"live","clicks":3,"duplicates":0,"late":0,"invalid":0,"invalidByReason":{}}""",
            first["series"]![1]!.ToJsonString());

        await _host.FlushAsync(Count("a1", 0, 5));
        var (_, second) = await NextAsync(stream);
        Assert.False(second.ContainsKey("reset"));
        Assert.Equal([("01:30", 5)], Buckets(second));
    }

    [Fact]
    public async Task A_reader_that_comes_back_gets_what_has_changed_meanwhile()
    {
        using var watching = await EventStreamReader.OpenAsync(_host.Admin, Live);
        await NextAsync(watching);
        await _host.FlushAsync(Count("a1", -1, 4));
        await NextAsync(watching);

        using (var returning = await EventStreamReader.OpenAsync(_host.Admin, Live, watching.LastId!.Replace("-2", "-1", StringComparison.Ordinal)))
        {
            var (_, changed) = await NextAsync(returning);
            Assert.False(changed.ContainsKey("reset"));
            Assert.Equal([("01:29", 4)], Buckets(changed));
        }

        using var upToDate = await EventStreamReader.OpenAsync(_host.Admin, Live, watching.LastId);
        Assert.Empty(Buckets((await NextAsync(upToDate)).Data));
    }

    [Theory]
    [InlineData("000000000000-1")]
    [InlineData("nonsense")]
    [InlineData("{feed}-999")]
    [InlineData("{feed}-")]
    public async Task A_reader_whose_last_event_is_not_known_gets_everything(string lastEventId)
    {
        using var watching = await EventStreamReader.OpenAsync(_host.Admin, Live);
        await NextAsync(watching);
        var feed = watching.LastId!.Split('-')[0];
        using var stream = await EventStreamReader.OpenAsync(_host.Admin, Live, lastEventId.Replace("{feed}", feed, StringComparison.Ordinal));
        var (_, first) = await NextAsync(stream);
        Assert.True((bool?)first["reset"]);
        Assert.Equal(3, first["series"]!.AsArray().Count);
    }

    [Fact]
    public async Task Fifty_viewers_ask_the_store_no_more_than_one()
    {
        var streams = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => EventStreamReader.OpenAsync(_host.Admin, Live)));
        await Task.WhenAll(streams.Select(NextAsync));
        for (var clicks = 10; clicks < 15; clicks++)
        {
            var before = _host.Store.Queries;
            await _host.FlushAsync(Count("a1", 0, clicks));
            var steps = 0;
            var events = await DriveAsync(Task.WhenAll(streams.Select(stream => stream.NextAsync())), () => steps++);
            Assert.All(events, next => Assert.Equal([("01:30", clicks)], Buckets(next!.Value.Data)));
            Assert.True(_host.Store.Queries - before <= (steps / StepsPerInterval) + 2, $"{_host.Store.Queries - before} questions in {steps} steps.");
        }

        Assert.Equal(1, _host.Services.GetRequiredService<LiveFeeds>().Count);
        foreach (var stream in streams)
        {
            stream.Dispose();
        }
    }

    [Fact]
    public async Task An_advertisers_stream_sums_its_ads_or_some_of_them()
    {
        using var all = await EventStreamReader.OpenAsync(_host.Admin, "/v1/advertisers/adv1/clicks/live?buckets=1");
        Assert.Equal([("01:30", 11)], Buckets((await NextAsync(all)).Data));
        using var one = await EventStreamReader.OpenAsync(_host.Admin, "/v1/advertisers/adv1/clicks/live?buckets=1&ads=a2");
        Assert.Equal([("01:30", 10)], Buckets((await NextAsync(one)).Data));
    }

    [Theory]
    [InlineData("minute", "UTC", 2, "2026-11-24T01:29:00Z")]
    [InlineData("hour", "Asia/Kathmandu", 2, "2026-11-24T00:15:00Z")]
    [InlineData("day", "America/New_York", 1, "2026-11-23T05:00:00Z")]
    public async Task The_newest_buckets_are_followed_in_the_asked_zone(string granularity, string zone, int buckets, string from)
    {
        using var stream = await EventStreamReader.OpenAsync(_host.Admin, $"/v1/ads/a1/clicks/live?granularity={granularity}&timeZone={zone}&buckets={buckets}");
        var (_, first) = await NextAsync(stream);
        Assert.Equal((from, buckets), ((string?)first["from"], first["series"]!.AsArray().Count));
    }

    [Theory]
    [InlineData("/v1/ads/a1/clicks/live?buckets=0", "buckets")]
    [InlineData("/v1/ads/a1/clicks/live?buckets=1501", "buckets")]
    [InlineData("/v1/ads/a1/clicks/live?granularity=second", "granularity")]
    [InlineData("/v1/ads/a1/clicks/live?timeZone=Mars/Olympus", "timeZone")]
    [InlineData("/v1/ads/a1/clicks/live?from=2026-11-24T01:00:00Z", "from")]
    [InlineData("/v1/ads/a1/clicks/live?ads=a1", "ads")]
    [InlineData("/v1/advertisers/adv1/clicks/live?ads=a1,", "ads")]
    public async Task A_bad_parameter_is_named(string path, string field)
    {
        using var response = await _host.Admin.GetAsync(path);
        var problem = await ApiHost.ProblemOfAsync(response, ProblemKind.InvalidRequest);
        Assert.Equal(field, Assert.Single(problem["errors"]!.AsObject()).Key);
    }

    [Fact]
    public async Task Nobody_follows_what_is_not_theirs()
    {
        var advertiser = await _host.WithNewKeyAsync("advertiser", "adv1");
        foreach (var path in (string[])["/v1/ads/b1/clicks/live", "/v1/advertisers/adv2/clicks/live", "/v1/advertisers/adv1/clicks/live?ads=b1"])
        {
            using var response = await advertiser.GetAsync(path);
            await ApiHost.ProblemOfAsync(response, ProblemKind.Forbidden);
        }

        using var unknown = await advertiser.GetAsync("/v1/ads/nope/clicks/live");
        await ApiHost.ProblemOfAsync(unknown, ProblemKind.UnknownAd);
        using var publisher = await (await _host.WithNewKeyAsync("publisher")).GetAsync(Live);
        await ApiHost.ProblemOfAsync(publisher, ProblemKind.Forbidden);
        using var nobody = await _host.Anonymous.GetAsync(Live);
        await ApiHost.ProblemOfAsync(nobody, ProblemKind.Unauthenticated);
    }

    [Fact]
    public async Task A_key_has_so_many_streams_and_no_more_until_one_ends()
    {
        var streams = await Task.WhenAll(Enumerable.Range(0, Settings.StreamsPerKey).Select(_ => EventStreamReader.OpenAsync(_host.Admin, Live)));
        using (var refused = await _host.Admin.GetAsync(Live))
        {
            await ApiHost.ProblemOfAsync(refused, ProblemKind.TooManyStreams);
            Assert.NotNull(refused.Headers.RetryAfter);
        }

        // Others have their own, up to what the node holds.
        var other = await _host.WithNewKeyAsync("admin");
        var others = await Task.WhenAll(Enumerable.Range(0, Settings.Streams - Settings.StreamsPerKey).Select(_ => EventStreamReader.OpenAsync(other, Live)));
        using (var refused = await other.GetAsync(Live))
        {
            await ApiHost.ProblemOfAsync(refused, ProblemKind.TooManyStreams);
        }

        foreach (var stream in streams.Concat(others))
        {
            stream.Dispose();
        }

        EventStreamReader? again = null;
        await DriveUntilAsync(
            async () =>
            {
                try
                {
                    again = await EventStreamReader.OpenAsync(_host.Admin, Live);
                    return true;
                }
                catch (Xunit.Sdk.XunitException)
                {
                    return false; // the server has not noticed yet that they have left
                }
            },
            "a place for a stream");
        again!.Dispose();
    }

    [Fact]
    public async Task A_stream_ends_when_its_key_is_revoked()
    {
        var client = await _host.WithNewKeyAsync("advertiser", "adv1", "gone");
        using var stream = await EventStreamReader.OpenAsync(client, Live);
        await NextAsync(stream);
        Assert.True((await _host.Admin.DeleteAsync("/v1/keys/gone")).IsSuccessStatusCode);
        Assert.Null(await DriveAsync(stream.NextAsync()));
    }

    [Fact]
    public async Task Streams_end_cleanly_when_the_node_stops()
    {
        using var stream = await EventStreamReader.OpenAsync(_host.Admin, Live);
        await NextAsync(stream);
        var end = stream.NextAsync();
        await _host.StopAsync().WaitAsync(Patience);
        Assert.Null(await end.WaitAsync(Patience));
    }

    [Fact]
    public async Task While_the_store_is_away_the_reader_is_told_and_then_it_goes_on()
    {
        using var stream = await EventStreamReader.OpenAsync(_host.Admin, Live);
        await NextAsync(stream);
        _host.Store.Fault = new MetricsStoreUnavailableException("away");
        var (name, problem) = await NextAsync(stream);
        Assert.Equal(("problem", ProblemKind.StoreUnavailable.Type), (name, (string?)problem["type"]));

        using var late = await EventStreamReader.OpenAsync(_host.Admin, Live);
        Assert.Equal("problem", (await NextAsync(late)).Name);
        _host.Store.Fault = null;
        var (next, data) = await NextAsync(stream);
        Assert.Equal("clicks", next);
        Assert.Empty(Buckets(data));
        Assert.Equal(3, (await NextAsync(late)).Data["series"]!.AsArray().Count);
    }

    [Fact]
    public async Task A_feed_that_nobody_watches_asks_nothing_and_is_forgotten()
    {
        using (var stream = await EventStreamReader.OpenAsync(_host.Admin, Live))
        {
            await NextAsync(stream);
        }

        var feeds = _host.Services.GetRequiredService<LiveFeeds>();
        await DriveUntilAsync(() => Task.FromResult(feeds.Count == 0), "the feed to be forgotten");
        var queries = _host.Store.Queries;
        _host.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(queries, _host.Store.Queries);
    }

    private static MinuteCount Count(string adId, int minute, long clicks) =>
        new(adId, 0, ApiHost.Minute(ApiHost.Now) + minute, ClickOutcome.Accepted, clicks);

    private static IEnumerable<(string Minute, int Clicks)> Buckets(JsonObject data) =>
        data["series"]!.AsArray().Select(bucket => (((string)bucket!["start"]!)[11..16], (int)bucket["clicks"]!));

    private async Task<(string Name, JsonObject Data)> NextAsync(EventStreamReader stream) =>
        await DriveAsync(stream.NextAsync()) ?? throw new InvalidOperationException("The stream has ended.");

    /// <summary>Lets the time pass until something has ended.</summary>
    private async Task<T> DriveAsync<T>(Task<T> task, Action? onStep = null)
    {
        await DriveUntilAsync(() => Task.FromResult(task.IsCompleted), "an event", onStep);
        return await task;
    }

    private async Task DriveUntilAsync(Func<Task<bool>> condition, string what, Action? onStep = null)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!await condition())
        {
            // What waits for the clock is given the chance to get there before it moves on.
            await Task.Delay(5);
            onStep?.Invoke();
            _host.Time.Advance(Settings.Interval / StepsPerInterval);
            Assert.False(patience.IsCancellationRequested, $"Waited {Patience} for {what}.");
        }
    }
}
