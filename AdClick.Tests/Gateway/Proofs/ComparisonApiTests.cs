using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Gateway.Api;
using AdClick.Gateway.Proofs;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Gateway.Proofs;

public sealed class ComparisonApiTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Hour = new(2026, 11, 24, 0, 0, 0, TimeSpan.Zero);

    private ApiHost _host = null!;

    public async Task InitializeAsync()
    {
        _host = await ApiHost.StartAsync();
        await _host.PutAdAsync("a1");
        var minute = ApiHost.Minute(Hour);
        await _host.FlushAsync(
            new MinuteCount("a1", 0, minute, ClickOutcome.Accepted, 10), new MinuteCount("a1", 3, minute, ClickOutcome.Accepted, 5),
            new MinuteCount("a1", 0, minute + 1, ClickOutcome.Duplicate, 2), new MinuteCount("a1", 0, minute + 2, ClickOutcome.Repeat, 4),
            new MinuteCount("a1", 0, minute + 59, ClickOutcome.Bot, 3), new MinuteCount("a1", 0, minute + 60, ClickOutcome.Accepted, 7),
            new MinuteCount("other", 0, minute, ClickOutcome.Repeat, 100));
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Differences_are_told_by_bucket_with_what_makes_them_up()
    {
        using var advertiser = await _host.WithNewKeyAsync("advertiser", "adv1");
        var answer = await ApiHost.JsonOfAsync(await PostAsync("2026-11-24T00:00:00Z,12\n2026-11-24T00:30:00Z,8\r\n2026-11-24T01:00:00+00:00,6\n", client: advertiser));
        Assert.Equal(
            ("2026-11-24T00:00:00Z", "2026-11-24T02:00:00Z", 3, 0),
            ((string?)answer["from"], (string?)answer["to"], (int?)answer["lines"], (int?)answer["linesOutside"]));
        var series = answer["series"]!.AsArray();
        Assert.Equal(["20 15 5", "6 7 -1"], series.Select(bucket => $"{bucket!["yours"]} {bucket["clicks"]} {bucket["difference"]}"));
        Assert.Equal("""["duplicate","bot"]""", series[0]!["explainedBy"]!.ToJsonString());
        Assert.Equal((2, 4, 0, 3), ((int?)series[0]!["duplicates"], (int?)series[0]!["repeats"], (int?)series[0]!["late"], (int?)series[0]!["invalidByReason"]!["bot"]));
        Assert.Null(series[1]!["explainedBy"]);
        Assert.Equal(("26", "22", "4"), (answer["total"]!["yours"]!.ToJsonString(), answer["total"]!["clicks"]!.ToJsonString(), answer["total"]!["difference"]!.ToJsonString()));
        Assert.Equal("""["repeat"]""", answer["total"]!["explainedBy"]!.ToJsonString());
    }

    [Fact]
    public async Task What_AdClick_gives_as_CSV_compares_without_a_difference()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/ads/a1/clicks?from=2026-11-24T00:00:00Z&to=2026-11-24T02:00:00Z");
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/csv"));
        using var csv = await _host.Admin.SendAsync(request);
        var answer = await ApiHost.JsonOfAsync(await PostAsync(await csv.Content.ReadAsStringAsync(), "granularity=minute"));
        Assert.All(answer["series"]!.AsArray(), bucket => Assert.Equal(0, (int?)bucket!["difference"]));
        Assert.Equal((22, 22), ((int?)answer["total"]!["yours"], (int?)answer["total"]!["clicks"]));
    }

    [Fact]
    public async Task Local_times_are_read_and_bucketed_in_the_asked_zone_and_lines_outside_are_told()
    {
        var answer = await ApiHost.JsonOfAsync(await PostAsync(
            "\uFEFFtime;campaign;clicks\n2026-11-24;x;1\n\"2026-11-24 05:30\";y;2\n2026-11-25 00:00;z;4\n",
            "timeZone=Asia/Kolkata&granularity=day&from=2026-11-23T18:30:00Z&to=2026-11-24T18:30:00Z"));
        Assert.Equal((2, 1), ((int?)answer["lines"], (int?)answer["linesOutside"]));
        var bucket = Assert.Single(answer["series"]!.AsArray());
        Assert.Equal(("2026-11-23T18:30:00Z", 3, 22), ((string?)bucket!["start"], (int?)bucket["yours"], (int?)bucket["clicks"]));
    }

    [Theory]
    [InlineData("", "body", "at least one line")]
    [InlineData("time,clicks\n", "body", "at least one line")]
    [InlineData("2026-11-24T00:00:00Z,1\nyesterday,2", "line 2", "must have a time")]
    [InlineData("\n2026-11-24T00:00:00Z,-1", "line 2", "whole number of clicks")]
    [InlineData("2026-11-24T00:00:00Z,1,2", "line 1", "2 columns, not 3")]
    [InlineData("time,visits\n", "line 1", "columns time and clicks")]
    [InlineData("2026-03-29 02:30,1", "line 1", "does not exist", "timeZone=Europe/Berlin")]
    [InlineData("2026-10-25 02:30,1", "line 1", "there twice", "timeZone=Europe/Berlin")]
    [InlineData("2026-11-24T00:00:00Z,1", "timeZone", "IANA", "timeZone=Mars")]
    [InlineData("2026-11-24T00:00:00Z,1", "granularity", "one of", "granularity=second")]
    [InlineData("2026-11-24T00:00:00Z,1", "from", "not be after", "from=2026-11-25T00:00:00Z&to=2026-11-24T00:00:00Z")]
    [InlineData("2025-01-01T00:00:00Z,1\n2026-11-24T00:00:00Z,1", "from", "366 days", "granularity=day")]
    [InlineData("2026-01-01T00:00:00Z,1\n2026-11-24T00:00:00Z,1", "from", "10000 buckets", "granularity=minute")]
    [InlineData("9999-12-31T23:59:59Z,1", "from", "years", "granularity=day")]
    public async Task What_is_wrong_is_named(string csv, string field, string fault, string query = "")
    {
        var problem = await ApiHost.ProblemOfAsync(await PostAsync(csv, query), ProblemKind.InvalidRequest);
        Assert.Contains(fault, Assert.Single(problem["errors"]![field]!.AsArray())!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_is_bounded_in_bytes_and_lines_and_is_CSV()
    {
        await ApiHost.ProblemOfAsync(await PostAsync(new string('\n', JsonBody.MaxBytes + 1)), ProblemKind.BodyTooLarge);
        var many = new StringBuilder();
        for (var i = 0; i <= CountsCsv.MaxLines; i++)
        {
            many.Append("2026-11-24,1\n");
        }

        var problem = await ApiHost.ProblemOfAsync(await PostAsync(many.ToString()), ProblemKind.InvalidRequest);
        Assert.Equal($"line {CountsCsv.MaxLines + 1}", Assert.Single(problem["errors"]!.AsObject()).Key);
        await ApiHost.ProblemOfAsync(await PostAsync("2026-11-24,1", type: "application/json"), ProblemKind.UnsupportedMediaType);
        using var latin = new ByteArrayContent([0xe9, (byte)',', (byte)'1']) { Headers = { ContentType = new MediaTypeHeaderValue("text/csv") } };
        await ApiHost.ProblemOfAsync(await _host.Admin.PostAsync("/v1/ads/a1/compare", latin), ProblemKind.InvalidRequest);
    }

    [Fact]
    public async Task Nobody_compares_with_another_advertisers_clicks()
    {
        using var stranger = await _host.WithNewKeyAsync("advertiser", "adv2");
        await ApiHost.ProblemOfAsync(await PostAsync("2026-11-24,1", client: stranger), ProblemKind.Forbidden);
        using var unknown = await _host.Admin.PostAsync("/v1/ads/nobody/compare", Csv("2026-11-24,1"));
        await ApiHost.ProblemOfAsync(unknown, ProblemKind.UnknownAd);
        await ApiHost.ProblemOfAsync(await PostAsync("2026-11-24,1", client: _host.Anonymous), ProblemKind.Unauthenticated);
    }

    [Theory]
    [InlineData(0, null)]
    [InlineData(-3, null)]
    [InlineData(5, "c")]
    [InlineData(3, "a b")]
    [InlineData(8, "a b c")]
    [InlineData(4, null)]
    public void The_fewest_outcomes_that_add_up_explain_a_difference(long difference, string? expected)
    {
        var explained = Comparison.Explain(difference, [("a", 1), ("b", 2), ("c", 5), ("d", 0)]);
        Assert.Equal(expected, explained is null ? null : string.Join(' ', explained));
    }

    private Task<HttpResponseMessage> PostAsync(string csv, string query = "", HttpClient? client = null, string type = "text/csv") =>
        (client ?? _host.Admin).PostAsync($"/v1/ads/a1/compare?{query}", Csv(csv, type));

    private static StringContent Csv(string csv, string type = "text/csv") => new(csv, Encoding.UTF8, type);
}
