using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Gateway.Api;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Gateway.Metrics;

public sealed class ClickApiTests : IClassFixture<ClickApiTests.Fixture>
{
    private readonly ApiHost _host;

    public ClickApiTests(Fixture fixture) => _host = fixture.Host;

    [Fact]
    public async Task The_answer_is_the_one_of_the_contract()
    {
        const string Counts = """
            "clicks": 3, "duplicates": 1, "late": 0, "invalid": 2, "invalidByReason": {"bot": 1, "expired": 1}
            """;
        var expected = $$"""
            {
              "adId": "a1", "granularity": "minute", "timeZone": "UTC",
              "from": "2026-11-24T01:00:00Z", "to": "2026-11-24T02:00:00Z",
              "completeThrough": "2026-11-24T01:30:20Z",
              "total": { {{Counts}} },
              "series": [{"start": "2026-11-24T01:02:00Z", "state": "live", {{Counts}} }]
            }
            """;
        var answer = await GetAsync("/v1/ads/a1/clicks?from=2026-11-24T01:00:00Z&to=2026-11-24T02:00:00Z");
        Assert.Equal(JsonNode.Parse(expected)!.ToJsonString(), answer.ToJsonString());
    }

    [Fact]
    public async Task Without_parameters_it_is_the_last_hour_by_minute()
    {
        var answer = await GetAsync("/v1/ads/a1/clicks");
        Assert.Equal(
            ("minute", "UTC", "2026-11-24T00:30:00Z", "2026-11-24T01:31:00Z"),
            ((string?)answer["granularity"], (string?)answer["timeZone"], (string?)answer["from"], (string?)answer["to"]));
        Assert.Single(answer["series"]!.AsArray());
    }

    [Theory]
    [InlineData("to=2026-11-24T01:03:00Z", "2026-11-24T00:03:00Z", "2026-11-24T01:03:00Z", 3)]
    [InlineData("from=2026-11-24T01:03:00Z", "2026-11-24T01:03:00Z", "2026-11-24T01:31:00Z", 0)]
    [InlineData("from=2026-11-24T01:02:59.9Z&to=2026-11-24T01:03:00Z", "2026-11-24T01:02:00Z", "2026-11-24T01:03:00Z", 3)]
    [InlineData("from=2026-11-24T01:02:00Z&to=2026-11-24T01:02:00Z", "2026-11-24T01:02:00Z", "2026-11-24T01:02:00Z", 0)]
    [InlineData("from=2026-11-24T06:32:00%2B05:30&to=2026-11-24T01:03:00-00:00", "2026-11-24T01:02:00Z", "2026-11-24T01:03:00Z", 3)]
    [InlineData("from=2026-11-24T06:32:00+05:30&to=2026-11-24t01:03:00z", "2026-11-24T01:02:00Z", "2026-11-24T01:03:00Z", 3)]
    [InlineData("granularity=quarter-hour", "2026-11-24T00:30:00Z", "2026-11-24T01:45:00Z", 3)]
    [InlineData("granularity=hour", "2026-11-24T00:00:00Z", "2026-11-24T02:00:00Z", 3)]
    [InlineData("granularity=hour&timeZone=Asia/Kathmandu", "2026-11-24T00:15:00Z", "2026-11-24T02:15:00Z", 3)]
    [InlineData("granularity=day", "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z", 3)]
    [InlineData("granularity=day&timeZone=America/New_York", "2026-11-23T05:00:00Z", "2026-11-24T05:00:00Z", 3)]
    public async Task The_range_is_aligned_outwards(string query, string from, string to, int clicks)
    {
        var answer = await GetAsync($"/v1/ads/a1/clicks?{query}");
        Assert.Equal((from, to, clicks), ((string?)answer["from"], (string?)answer["to"], (int?)answer["total"]!["clicks"]));
    }

    [Fact]
    public async Task Empty_buckets_are_listed_when_asked_for()
    {
        var answer = await GetAsync("/v1/ads/a1/clicks?from=2026-11-24T01:00:00Z&to=2026-11-24T01:04:00Z&fill=zero");
        Assert.Equal([0, 0, 3, 0], answer["series"]!.AsArray().Select(bucket => (int)bucket!["clicks"]!));
        Assert.Equal("{}", answer["series"]![0]!["invalidByReason"]!.ToJsonString());
    }

    [Theory]
    [InlineData("from=yesterday", "from")]
    [InlineData("from=", "from")]
    [InlineData("from=2026-11-24", "from")]
    [InlineData("from=2026-11-24T01:00:00", "from")]
    [InlineData("from=2026-11-24T01:00Z", "from")]
    [InlineData("from=2026-02-30T01:00:00Z", "from")]
    [InlineData("from=2026-11-24T01:00:00ZZ", "from")]
    [InlineData("from=2026-11-24T01:00:00%2B99:00", "from")]
    [InlineData("from=1764000000", "from")]
    [InlineData("to=2026-11-24T25:00:00Z", "to")]
    [InlineData("to=", "to")]
    [InlineData("from=2026-11-24T02:00:00Z&to=2026-11-24T01:00:00Z", "from")]
    [InlineData("from=2026-11-24T02:00:00Z", "from")]
    [InlineData("from=0001-01-01T00:00:00Z&to=0001-01-02T00:00:00Z", "from")]
    [InlineData("to=0001-01-01T00:00:00Z", "from")]
    [InlineData("from=9999-12-31T00:00:00Z&to=9999-12-31T23:59:59Z&timeZone=America/New_York", "from")]
    [InlineData("from=2026-01-01T00:00:00Z&to=2026-01-07T22:41:00Z", "from")]
    [InlineData("from=0002-01-01T00:00:00Z&to=9000-01-01T00:00:00Z", "from")]
    [InlineData("granularity=second", "granularity")]
    [InlineData("granularity=Minute", "granularity")]
    [InlineData("granularity=", "granularity")]
    [InlineData("timeZone=Mars/Olympus", "timeZone")]
    [InlineData("timeZone=", "timeZone")]
    [InlineData("timeZone=../../../etc/passwd", "timeZone")]
    [InlineData("timeZone=localtime", "timeZone")]
    [InlineData("fill=yes", "fill")]
    [InlineData("fill=", "fill")]
    [InlineData("groupBy=ad", "groupBy")]
    [InlineData("top=5", "top")]
    [InlineData("interval=5", "interval")]
    [InlineData("fill=none&fill=zero", "fill")]
    public async Task A_bad_parameter_of_an_ads_clicks_is_named(string query, string field) =>
        await AssertFieldAsync($"/v1/ads/a1/clicks?{query}", field);

    [Theory]
    [InlineData("groupBy=campaign", "groupBy")]
    [InlineData("groupBy=", "groupBy")]
    [InlineData("top=0&groupBy=ad", "top")]
    [InlineData("top=1001&groupBy=ad", "top")]
    [InlineData("top=five&groupBy=ad", "top")]
    [InlineData("top=-1", "top")]
    [InlineData("series=none", "series")]
    [InlineData("series=all&groupBy=ad", "series")]
    [InlineData("ads=", "ads")]
    [InlineData("ads=a1,,a2", "ads")]
    [InlineData("ads=a%20b", "ads")]
    [InlineData("from=2026-11-24T02:00:00Z", "from")]
    [InlineData("from=2026-01-01T00:00:00Z&to=2026-01-07T22:41:00Z&groupBy=ad", "from")]
    [InlineData("from=2026-11-21T02:00:00Z&to=2026-11-24T02:00:00Z&groupBy=ad&fill=zero", "from")]
    public async Task A_bad_parameter_of_an_advertisers_clicks_is_named(string query, string field) =>
        await AssertFieldAsync($"/v1/advertisers/adv1/clicks?{query}", field);

    [Fact]
    public async Task All_bad_parameters_are_named_at_once()
    {
        using var response = await _host.Admin.GetAsync("/v1/ads/a1/clicks?from=x&granularity=y&timeZone=z");
        var problem = await ApiHost.ProblemOfAsync(response, ProblemKind.InvalidRequest);
        Assert.Equal(["from", "granularity", "timeZone"], problem["errors"]!.AsObject().Select(error => error.Key));
    }

    [Fact]
    public async Task Ten_thousand_buckets_are_answered()
    {
        var answer = await GetAsync("/v1/ads/a1/clicks?from=2026-11-18T00:00:00Z&to=2026-11-24T22:40:00Z&fill=zero");
        var series = answer["series"]!.AsArray();
        Assert.Equal(ClickQuery.MaxBuckets, series.Count);
        var start = new DateTimeOffset(2026, 11, 18, 0, 0, 0, TimeSpan.Zero);
        foreach (var bucket in series)
        {
            Assert.Equal(start, DateTimeOffset.Parse((string)bucket!["start"]!, CultureInfo.InvariantCulture));
            start = start.AddMinutes(1);
        }
    }

    [Fact]
    public async Task An_unknown_ad_is_not_found()
    {
        using var response = await _host.Admin.GetAsync("/v1/ads/nope/clicks");
        await ApiHost.ProblemOfAsync(response, ProblemKind.UnknownAd);
    }

    [Fact]
    public async Task An_advertisers_answer_sums_its_ads()
    {
        var answer = await GetAsync("/v1/advertisers/adv1/clicks");
        Assert.Equal(
            ["advertiserId", "granularity", "timeZone", "from", "to", "completeThrough", "total", "series"], answer.Select(field => field.Key));
        Assert.Equal("adv1", (string?)answer["advertiserId"]);
        Assert.Equal(3 + 5 + 7, (int?)answer["total"]!["clicks"]);
        var series = answer["series"]!.AsArray().Select(bucket => ((string)bucket!["start"]!, (int)bucket["clicks"]!));
        Assert.Equal([("2026-11-24T01:02:00Z", 8), ("2026-11-24T01:04:00Z", 7)], series);
    }

    [Fact]
    public async Task A_grouped_answer_lists_the_largest_ads_first_and_sums_the_others()
    {
        var answer = await GetAsync("/v1/advertisers/adv1/clicks?groupBy=ad&top=2");
        Assert.Equal(
            ["advertiserId", "granularity", "timeZone", "from", "to", "completeThrough", "total", "groups", "others"],
            answer.Select(field => field.Key));
        Assert.Equal(15, (int?)answer["total"]!["clicks"]);
        var groups = answer["groups"]!.AsArray().Select(group => ((string)group!["adId"]!, (int)group["total"]!["clicks"]!));
        Assert.Equal([("a3", 7), ("a2", 5)], groups);
        Assert.Equal("2026-11-24T01:04:00Z", (string?)answer["groups"]![0]!["series"]![0]!["start"]);
        Assert.Equal(
            """{"clicks":3,"duplicates":1,"late":0,"invalid":2,"invalidByReason":{"bot":1,"expired":1}}""",
            answer["others"]!.ToJsonString());
    }

    [Fact]
    public async Task A_grouped_answer_may_come_without_buckets()
    {
        var answer = await GetAsync("/v1/advertisers/adv1/clicks?groupBy=ad&top=2&series=none");
        var whole = await GetAsync("/v1/advertisers/adv1/clicks?groupBy=ad&top=2");
        foreach (var group in whole["groups"]!.AsArray())
        {
            group!.AsObject().Remove("series");
        }

        Assert.Equal(whole.ToJsonString(), answer.ToJsonString());
        using var csv = await GetAsync("/v1/advertisers/adv1/clicks?groupBy=ad&series=none", "text/csv");
        Assert.Equal(
            "adId,clicks,duplicates,late,invalid,bot,expired,inactive_ad\r\na3,7,0,0,0,0,0,0\r\na2,5,0,0,0,0,0,0\r\na1,3,1,0,2,1,1,0\r\n",
            await csv.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Without_buckets_many_ads_over_a_long_range_are_answered()
    {
        using var whole = await _host.Admin.GetAsync("/v1/advertisers/adv1/clicks?groupBy=ad&from=2026-11-18T00:00:00Z&to=2026-11-24T22:40:00Z&fill=zero");
        await ApiHost.ProblemOfAsync(whole, ProblemKind.InvalidRequest);
        var answer = await GetAsync("/v1/advertisers/adv1/clicks?groupBy=ad&from=2026-11-18T00:00:00Z&to=2026-11-24T22:40:00Z&fill=zero&series=none");
        Assert.Equal(15, (int?)answer["total"]!["clicks"]);
    }

    [Theory]
    [InlineData("ads=a1,a3", 10, "a3 a1")]
    [InlineData("ads=a3,a1,a3", 10, "a3 a1")]
    [InlineData("ads=a2", 5, "a2")]
    public async Task An_advertisers_answer_may_be_narrowed_to_some_ads(string query, int clicks, string groups)
    {
        Assert.Equal(clicks, (int?)(await GetAsync($"/v1/advertisers/adv1/clicks?{query}"))["total"]!["clicks"]);
        var grouped = await GetAsync($"/v1/advertisers/adv1/clicks?groupBy=ad&{query}");
        Assert.Equal(groups, string.Join(' ', grouped["groups"]!.AsArray().Select(group => (string?)group!["adId"])));
    }

    [Fact]
    public async Task Ads_that_are_unknown_or_another_advertisers_are_refused()
    {
        using var unknown = await _host.Admin.GetAsync("/v1/advertisers/adv1/clicks?ads=a1,nope");
        await ApiHost.ProblemOfAsync(unknown, ProblemKind.UnknownAd);
        using var foreign = await _host.Admin.GetAsync("/v1/advertisers/nobody/clicks?ads=a1");
        await ApiHost.ProblemOfAsync(foreign, ProblemKind.Forbidden);
    }

    [Fact]
    public async Task An_advertiser_without_ads_has_no_clicks()
    {
        var answer = await GetAsync("/v1/advertisers/nobody/clicks");
        Assert.Equal(0, (int?)answer["total"]!["clicks"]);
        Assert.Empty(answer["series"]!.AsArray());
    }

    [Theory]
    [InlineData("text/csv", true)]
    [InlineData("TEXT/CSV", true)]
    [InlineData("text/csv; charset=utf-8", true)]
    [InlineData("text/csv, */*;q=0.1", true)]
    [InlineData("application/json;q=0.5, text/csv", true)]
    [InlineData("application/json, text/csv;q=0.5", false)]
    [InlineData("text/csv;q=0", false)]
    [InlineData("text/*", false)]
    [InlineData("*/*", false)]
    [InlineData("application/json", false)]
    [InlineData("nonsense", false)]
    [InlineData("", false)]
    public async Task The_form_is_the_one_that_is_preferred(string accept, bool csv)
    {
        using var response = await GetAsync("/v1/ads/a1/clicks", accept);
        Assert.Equal(csv ? "text/csv" : "application/json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("Accept", response.Headers.Vary.Single());
        Assert.Equal("no-store", response.Headers.CacheControl?.ToString());
    }

    [Theory]
    [InlineData("/v1/ads/a1/clicks")]
    [InlineData("/v1/ads/a1/clicks?granularity=day&timeZone=Europe/Berlin&from=2026-11-01T00:00:00Z&fill=zero")]
    [InlineData("/v1/ads/a1/clicks?from=2026-11-18T00:00:00Z&to=2026-11-24T22:40:00Z&fill=zero")]
    [InlineData("/v1/ads/a1/clicks?from=2026-11-20T00:00:00Z&to=2026-11-20T00:00:00Z")]
    [InlineData("/v1/advertisers/adv1/clicks")]
    [InlineData("/v1/advertisers/adv1/clicks?groupBy=ad")]
    [InlineData("/v1/advertisers/nobody/clicks?groupBy=ad")]
    public async Task CSV_says_what_JSON_says(string path)
    {
        using var response = await GetAsync(path, "text/csv");
        var text = await response.Content.ReadAsStringAsync();
        var json = await GetAsync(path);
        Assert.Equal((string?)json["completeThrough"], response.Headers.GetValues("AdClick-Complete-Through").Single());

        const string Header = "start,state,clicks,duplicates,late,invalid,bot,expired,inactive_ad";
        var grouped = json.ContainsKey("groups");
        var expected = grouped
            ? json["groups"]!.AsArray().SelectMany(group => group!["series"]!.AsArray().Select(bucket => $"{group["adId"]},{Line(bucket!)}"))
            : json["series"]!.AsArray().Select(bucket => Line(bucket!));
        Assert.Equal(string.Concat(expected.Prepend(grouped ? $"adId,{Header}" : Header).Select(line => line + "\r\n")), text);
    }

    private static string Line(JsonNode bucket)
    {
        var reasons = bucket["invalidByReason"]!;
        return string.Join(
            ',',
            bucket["start"], bucket["state"], bucket["clicks"], bucket["duplicates"], bucket["late"], bucket["invalid"],
            reasons["bot"] ?? 0, reasons["expired"] ?? 0, reasons["inactive_ad"] ?? 0);
    }

    private async Task<JsonObject> GetAsync(string path)
    {
        using var response = await _host.Admin.GetAsync(path);
        return await ApiHost.JsonOfAsync(response);
    }

    private async Task<HttpResponseMessage> GetAsync(string path, string accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        var response = await _host.Admin.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return response;
    }

    private async Task AssertFieldAsync(string path, string field)
    {
        using var response = await _host.Admin.GetAsync(path);
        var problem = await ApiHost.ProblemOfAsync(response, ProblemKind.InvalidRequest);
        Assert.Equal(field, Assert.Single(problem["errors"]!.AsObject()).Key);
    }

    public sealed class Fixture : IAsyncLifetime
    {
        internal ApiHost Host { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            Host = await ApiHost.StartAsync();
            var minute = ApiHost.Minute(new DateTimeOffset(2026, 11, 24, 1, 2, 0, TimeSpan.Zero));
            await Host.PutAdAsync("a1");
            await Host.PutAdAsync("a2");
            await Host.PutAdAsync("a3");
            await Host.PutAdAsync("b1", "adv2");
            await Host.FlushAsync(
                new MinuteCount("a1", 0, minute, ClickOutcome.Accepted, 3),
                new MinuteCount("a1", 0, minute, ClickOutcome.Duplicate, 1),
                new MinuteCount("a1", 0, minute, ClickOutcome.Bot, 1),
                new MinuteCount("a1", 0, minute, ClickOutcome.Expired, 1),
                new MinuteCount("a2", 0, minute, ClickOutcome.Accepted, 5),
                new MinuteCount("a3", 0, minute + 2, ClickOutcome.Accepted, 7),
                new MinuteCount("b1", 0, minute, ClickOutcome.Accepted, 100));
        }

        public async Task DisposeAsync() => await Host.DisposeAsync();
    }
}
