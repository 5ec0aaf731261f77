using AdClick.Benchmarks.Load;
using Xunit;

namespace AdClick.Tests.Benchmarks;

public class LoadRunTests
{
    [Fact]
    public async Task Every_count_of_a_server_that_counts_right_is_found_exact()
    {
        await using var server = await CountingServer.StartAsync();

        var report = await RunAsync(server);

        Assert.True(report.IsGood, report.ToString());
        Assert.Equal(0, report.Unanswered);
        Assert.Equal(server.Clicks, report.Redirected);
        Assert.InRange(report.Redirected, 500, 2_100); // 2,000 are due, and some probes; a busy machine may not get to all
        Assert.InRange(report.Latency.Count, 500, 2_100);
        Assert.True(report.Freshness.Count > 0);
        Assert.True(report.Counts.Counted.Duplicates > 0);
        Assert.True(report.Counts.Counted.Bots > 0);
        Assert.Contains("\"isGood\": true", report.ToJson(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Mishap.ForgetsClick)]
    [InlineData(Mishap.CountsTwice)]
    public async Task One_wrong_count_in_thousands_is_found(Mishap mishap)
    {
        await using var server = await CountingServer.StartAsync();
        server.Mishaps = click => click is > 200 and <= 300 ? mishap : Mishap.None; // one of a hundred clicks in a row is no bot's and no duplicate

        var report = await RunAsync(server);

        Assert.False(report.IsGood);
        Assert.NotEmpty(report.Counts.Faults);
    }

    [Fact]
    public async Task Lost_answers_are_asked_for_again_and_leave_only_duplicates_open()
    {
        await using var server = await CountingServer.StartAsync();
        server.Mishaps = click => (click % 50) switch
        {
            7 => Mishap.DiesBeforeLogging,
            21 => Mishap.DiesAfterLogging,
            35 => Mishap.ClosesConnection,
            _ => Mishap.None,
        };

        var report = await RunAsync(server);

        Assert.True(report.IsGood, report.ToString());
        Assert.True(report.Unanswered > 10, report.ToString());
        Assert.Equal(report.Counts.Expected.AcceptedMin, report.Counts.Expected.AcceptedMax);
        Assert.Equal(report.Counts.Expected.AcceptedMin, report.Counts.Counted.Accepted);
        Assert.True(report.Counts.Expected.ValidMin < report.Counts.Expected.ValidMax);
    }

    [Fact]
    public async Task A_server_that_refuses_clicks_is_not_good()
    {
        await using var server = await CountingServer.StartAsync();
        server.Mishaps = click => click % 100 == 99 ? Mishap.Refuses : Mishap.None;

        var report = await RunAsync(server);

        Assert.False(report.IsGood);
        Assert.True(report.Counts.IsExact, report.ToString());
        Assert.True(report.Refusals[503] > 2, report.ToString());
    }

    [Fact]
    public async Task A_redirect_that_came_too_late_makes_a_run_on_Kafka_bad()
    {
        await using var server = await CountingServer.StartAsync();

        var report = await RunAsync(server);

        Assert.True((report with { LongestRedirectAllowed = report.Answer.Max }).IsGood);
        Assert.False((report with { LongestRedirectAllowed = report.Answer.Max - 0.001 }).IsGood);
        Assert.InRange(report.Answer.Max, 0.001, report.Latency.Max);
    }

    [Fact]
    public void A_redirect_may_take_the_delivery_timeout_of_the_gateway_and_a_little_more()
    {
        Assert.Equal(TimeSpan.FromMilliseconds(2_100), KafkaLoad.LongestRedirect([]));
        Assert.Equal(TimeSpan.FromMilliseconds(600), KafkaLoad.LongestRedirect(["AdClick:Data=x", "AdClick:Kafka:DeliveryTimeout=00:00:00.5"]));
    }

    [Fact]
    public async Task As_fast_as_possible_counts_exactly_too()
    {
        await using var server = await CountingServer.StartAsync();

        var report = await RunAsync(server, rate: 0);

        Assert.True(report.IsGood, report.ToString());
        Assert.Equal(server.Clicks, report.Redirected);
    }

    private static Task<LoadReport> RunAsync(CountingServer server, double rate = 2_000) => LoadRun.RunAsync(
        new LoadSettings
        {
            Urls = [server.Url],
            Keys = server.Keys,
            Rate = rate,
            Duration = TimeSpan.FromSeconds(1),
            Ads = 1_200, // of two advertisers
            Mix = new ClickMix { Bots = 0.02 },
            Connections = 16,
            Patience = TimeSpan.FromSeconds(60),
            Seed = 5,
        },
        TextWriter.Null);
}
