using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using AdClick.Actors.ClickLog.Embedded;
using AdClick.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Xunit;

namespace AdClick.Tests.Gateway;

/// <summary>A whole node whose database goes away and comes back.</summary>
[Collection(HeavyTests.Name)]
public sealed class DatabaseOutageTests
{
    [OwnPostgresFact]
    public Task While_the_database_is_away_clicks_are_redirected_and_questions_are_put_off_and_then_all_is_counted() =>
        RunAsync(database => new TimescaleGateway(database), GoAwayAndComeBackAsync);

    [OwnPostgresFact]
    public Task The_same_on_Kafka() => RunAsync(database => new KafkaTimescaleGateway(database), GoAwayAndComeBackAsync);

    [OwnPostgresFact]
    public Task A_node_that_starts_without_its_database_waits_for_it() =>
        RunAsync(database => new TimescaleGateway(database), StartWithoutAsync, startsWithout: true);

    [OwnPostgresFact]
    public async Task Between_two_logs_a_node_waits_for_its_database_to_say_which_counts()
    {
        await using var server = await OwnPostgres.StartNewAsync();
        await using var database = await TestDatabase.CreateAsync(server.ConnectionString);
        var data = Directory.CreateTempSubdirectory("adclick-");
        string[] settings =
        [
            $"--AdClick:Data={data.FullName}", "--urls=http://127.0.0.1:0", $"--AdClick:AdminKey={RunningGateway.AdminKey}", .. TimescaleGateway.SettingsOf(database),
        ];
        try
        {
            await RunUntilReadyAsync([.. settings, "--AdClick:Partitions=2"]);
            var change = await GatewayProgram.RunAsync(["repartition", "--partitions", "3", .. settings]);
            Assert.True(change.ExitCode == 0, change.Output);

            // As if the command had been killed when the database had just been switched.
            var folders = new EmbeddedLogFolders(Path.Combine(data.FullName, "log"));
            var former = Assert.Single(Directory.GetDirectories(data.FullName, "log-*"));
            Directory.Move(folders.Current, folders.Next);
            Directory.Move(former, folders.Current);
            await server.StopAsync();
            try
            {
                using (var told = new GatewayProgram([.. settings, "--AdClick:Partitions=3"]))
                {
                    await told.WaitForOutputAsync("waits for the database");
                    told.Terminate();
                    Assert.Equal(0, await told.WaitForExitAsync());
                }

                using var waiting = new GatewayProgram([.. settings, "--AdClick:Partitions=3"]);
                await waiting.WaitForOutputAsync("waits for the database");
                await server.StartAsync();
                await waiting.WaitUntilReadyAsync();
                Assert.False(Directory.Exists(folders.Next));
                waiting.Terminate();
                Assert.Equal(0, await waiting.WaitForExitAsync());
            }
            finally
            {
                await server.StartAsync();
            }
        }
        finally
        {
            data.Delete(recursive: true);
        }
    }

    private static async Task RunUntilReadyAsync(string[] settings)
    {
        using var program = new GatewayProgram(settings);
        await program.WaitUntilReadyAsync();
        program.Terminate();
        Assert.Equal(0, await program.WaitForExitAsync());
    }

    private static async Task GoAwayAndComeBackAsync(RunningGateway gateway, OwnPostgres server)
    {
        await gateway.PutAdAsync("a1");
        var clickUrl = await gateway.IssueAsync("a1");
        await ClickAsync(gateway, clickUrl);
        await ClickNewAsync(gateway, "a1", 4);
        using var advertiser = await NewAdvertiserAsync(gateway);
        await AssertTotalsAsync(gateway, clicks: 5, duplicates: 0);

        await server.StopAsync();
        await ClickNewAsync(gateway, "a1", 10);
        await ClickAsync(gateway, clickUrl);
        await AssertIsAwayAsync(gateway);

        // Keys are known from memory; that an ad was put is not promised by memory.
        using (var asked = await advertiser.GetAsync(Question("a1")))
        {
            AssertPutOff(asked);
        }

        using (var put = await PutAsync(gateway, "a2"))
        {
            AssertPutOff(put);
        }

        await ClickNewAsync(gateway, "a1", 10);
        await server.StartAsync();
        await AssertTotalsAsync(gateway, clicks: 25, duplicates: 1);
        await gateway.UntilReadyAsync();

        // Stopped while the database is away, it loses nothing either.
        await server.StopAsync();
        await ClickNewAsync(gateway, "a1", 5);
        await ClickAsync(gateway, clickUrl);
        await AssertIsAwayAsync(gateway);
        await gateway.StopAsync();
        await gateway.StartNotReadyAsync();
        await server.StartAsync();
        await gateway.UntilReadyAsync();
        await AssertTotalsAsync(gateway, clicks: 30, duplicates: 2);
    }

    private static async Task StartWithoutAsync(RunningGateway gateway, OwnPostgres server)
    {
        // It has never seen its database.
        await AssertIsAwayAsync(gateway);
        using (var put = await PutAsync(gateway, "a1"))
        {
            AssertPutOff(put);
        }

        await server.StartAsync();
        await gateway.UntilReadyAsync();
        await gateway.PutAdAsync("a1");
        var clickUrl = await gateway.IssueAsync("a1");
        await ClickAsync(gateway, clickUrl);
        await AssertTotalsAsync(gateway, clicks: 1, duplicates: 0);

        // The next time it knows no ad, so that it can redirect nobody, and says so.
        var unused = new Uri(await gateway.IssueAsync("a1")).AbsolutePath;
        await gateway.StopAsync();
        await server.StopAsync();
        await gateway.StartNotReadyAsync();
        await AssertIsAwayAsync(gateway);
        using (var refused = await gateway.ClickAsync(unused))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        }

        Assert.False(gateway.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested);
        await server.StartAsync();
        await gateway.UntilReadyAsync();
        await ClickAsync(gateway, unused);
        await ClickAsync(gateway, new Uri(clickUrl).AbsolutePath);
        await AssertTotalsAsync(gateway, clicks: 2, duplicates: 1);
    }

    private static async Task RunAsync(Func<TestDatabase, RunningGateway> create, Func<RunningGateway, OwnPostgres, Task> test, bool startsWithout = false)
    {
        await using var server = await OwnPostgres.StartNewAsync();
        await using var database = await TestDatabase.CreateAsync(server.ConnectionString);
        var gateway = create(database);
        gateway.StartsReady = !startsWithout;
        if (startsWithout)
        {
            await server.StopAsync();
        }

        await gateway.InitializeAsync();
        try
        {
            await test(gateway, server);
        }
        finally
        {
            await gateway.DisposeAsync();
            await server.StartAsync();
        }
    }

    /// <summary>It says that it is not ready and why, and puts questions off.</summary>
    private static async Task AssertIsAwayAsync(RunningGateway gateway)
    {
        var health = "";
        await gateway.UntilAsync(
            async () =>
            {
                (var status, health) = await gateway.HealthAsync();
                return status == HttpStatusCode.ServiceUnavailable && health.Contains("The metrics database 127.0.0.1:", StringComparison.Ordinal);
            },
            "the node to say what it misses");
        Assert.DoesNotContain("paused", health, StringComparison.Ordinal);
        using var live = await gateway.Browsing.GetAsync(new Uri("/healthz/live", UriKind.Relative));
        Assert.Equal(HttpStatusCode.OK, live.StatusCode);
        using var asked = await gateway.Admin.GetAsync(Question("a1"));
        AssertPutOff(asked);
    }

    private static void AssertPutOff(HttpResponseMessage answer)
    {
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.True(answer.Headers.RetryAfter?.Delta > TimeSpan.Zero);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
    }

    private static async Task AssertTotalsAsync(RunningGateway gateway, int clicks, int duplicates)
    {
        // Answers are put off until the node has noticed that the database is back.
        await gateway.UntilAsync(
            async () =>
            {
                using var answer = await gateway.Admin.GetAsync(Question("a1"));
                return answer.IsSuccessStatusCode;
            },
            "the database to be back");
        var totals = await gateway.WaitForTotalsAsync(
            "a1", totals => Number(totals, "clicks") >= clicks && Number(totals, "duplicates") >= duplicates, $"{clicks} clicks and {duplicates} duplicates");
        Assert.Equal((clicks, duplicates), (Number(totals, "clicks"), Number(totals, "duplicates")));

        static int Number(JsonElement totals, string name) => totals.GetProperty(name).GetInt32();
    }

    private static async Task<HttpClient> NewAdvertiserAsync(RunningGateway gateway)
    {
        using var answer = await gateway.Admin.PostAsJsonAsync("/v1/keys", new { name = "acme-reader", scope = "advertiser", advertiserId = "acme" });
        answer.EnsureSuccessStatusCode();
        var secret = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("key").GetString();
        return new HttpClient { BaseAddress = gateway.Address, DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", secret) } };
    }

    private static Task<HttpResponseMessage> PutAsync(RunningGateway gateway, string adId) => gateway.Admin.PutAsJsonAsync(
        $"/v1/ads/{adId}", new { advertiserId = "acme", name = adId, targetUrl = "https://example.com/", status = "active" });

    private static async Task ClickNewAsync(RunningGateway gateway, string adId, int times)
    {
        for (var i = 0; i < times; i++)
        {
            await ClickAsync(gateway, await gateway.IssueAsync(adId));
        }
    }

    private static async Task ClickAsync(RunningGateway gateway, string clickUrl)
    {
        using var answer = await gateway.ClickAsync(clickUrl);
        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
    }

    /// <summary>A question that was not asked before, so that its answer is nowhere.</summary>
    private static Uri Question(string adId) =>
        new($"/v1/ads/{adId}/clicks?to={DateTimeOffset.UtcNow.AddMinutes(Random.Shared.Next(2, 50)):yyyy-MM-ddTHH:mm:ssZ}", UriKind.Relative);
}
