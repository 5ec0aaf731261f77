using System.Net;
using System.Text.Json.Nodes;
using AdClick.Actors.ClickLog;
using AdClick.Actors.Lake.Reconciling;
using AdClick.Actors.Partitions;
using AdClick.Gateway.Hosting;
using AdClick.Gateway.Operators;
using AdClick.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace AdClick.Tests.Gateway.Operators;

/// <summary>What the health endpoints say of a log that has something to say.</summary>
public sealed class HealthEndpointsTests
{
    [Fact]
    public async Task A_ready_node_tells_of_what_costs_no_click_yet_and_one_that_is_not_ready_tells_both()
    {
        var log = new InMemoryClickLog(1);
        var board = new PartitionBoard();
        board.Post(new PartitionStatus { Partition = 0, Phase = PartitionPhase.Running });
        await using var app = await StartAsync(log, board);
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };

        var (status, body) = await GetAsync(client);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("ready", (string?)body["status"]);
        Assert.Empty(body["notices"]!.AsArray());

        log.Notice = "12 clicks are spooled.";
        (status, body) = await GetAsync(client);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(["12 clicks are spooled."], body["notices"]!.AsArray().Select(notice => (string?)notice));

        log.Fault = "The spool is full.";
        (status, body) = await GetAsync(client);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Equal(["The spool is full."], body["reasons"]!.AsArray().Select(reason => (string?)reason));
        Assert.Equal(["12 clicks are spooled."], body["notices"]!.AsArray().Select(notice => (string?)notice));
    }

    [Fact]
    public async Task A_partition_that_an_operator_has_paused_is_a_notice_and_one_that_has_paused_itself_a_reason()
    {
        var log = new InMemoryClickLog(1);
        var board = new PartitionBoard();
        var paused = new PartitionStatus { Partition = 0, Phase = PartitionPhase.Paused, Reason = "Paused by somebody.", PausedBy = "somebody" };
        board.Post(paused);
        await using var app = await StartAsync(log, board);
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };

        var (status, body) = await GetAsync(client);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(["Partition 0: Paused by somebody."], body["notices"]!.AsArray().Select(notice => (string?)notice));

        board.Post(paused with { PausedBy = null, Reason = "The log is damaged." });
        (status, body) = await GetAsync(client);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Equal(["Partition 0 is paused and needs a person: The log is damaged."], body["reasons"]!.AsArray().Select(reason => (string?)reason));
    }

    private static async Task<WebApplication> StartAsync(IClickLog log, PartitionBoard board)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddSingleton(log);
        builder.Services.AddSingleton(new ClusterBoard(board, log, "g", TimeProvider.System));
        builder.Services.AddSingleton(new ArchiveWatch(null));
        builder.Services.AddSingleton(new ReconciliationWatch(new ReconciliationState(), null));
        builder.Services.AddSingleton(new GatewayOptions());
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<Readiness>();
        var app = builder.Build();
        app.MapAdClickHealth();
        await app.StartAsync();
        return app;
    }

    private static async Task<(HttpStatusCode Status, JsonNode Body)> GetAsync(HttpClient client)
    {
        using var response = await client.GetAsync(new Uri("/healthz/ready", UriKind.Relative));
        return (response.StatusCode, JsonNode.Parse(await response.Content.ReadAsStringAsync())!);
    }
}
