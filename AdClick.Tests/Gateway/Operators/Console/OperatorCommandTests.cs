using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using AdClick.Gateway.Api;
using AdClick.Gateway.Hosting;
using AdClick.Gateway.Operators.Console;
using AdClick.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Xunit;

namespace AdClick.Tests.Gateway.Operators.Console;

/// <summary>What the console says of a running node, and what it does to it.</summary>
public sealed class OperatorCommandTests : IClassFixture<RunningGateway>, IDisposable
{
    private readonly RunningGateway _node;
    private readonly OperatorClient _client;

    public OperatorCommandTests(RunningGateway node)
    {
        _node = node;
        _client = new OperatorClient(node.Address, RunningGateway.AdminKey);
    }

    public void Dispose() => _client.Dispose();

    [Fact]
    public async Task Every_command_that_only_looks_answers()
    {
        var commands = await _client.ListAsync();
        Assert.Equal(["cluster", "cluster-sharding", "actor", "log", "clicks"], commands.Select(command => command.Palette).Distinct());
        foreach (var command in commands.Where(command => !command.Live && command.Confirmation is null && !command.Arguments.Any(argument => argument.Required)))
        {
            var lines = await RunAsync(command.Palette, command.Name);
            Assert.True(lines[^1].Done, $"{command.Palette} {command.Name}: {lines[^1].Error}");
        }
    }

    [Fact]
    public async Task The_cluster_of_one_shows_its_node_and_its_partitions()
    {
        var member = Assert.Single(await TextsAsync("cluster", "show"));
        Assert.Matches(@"^127\.0\.0\.1:\d+ \| gateway, processor \| up \| reachable \| leader$", member);
        var address = member.Split(' ')[0];
        Assert.Equal([$"partitions | {address}"], await TextsAsync("cluster-sharding", "list-regions"));
        Assert.Equal([$"{address} | 8 | 8"], await TextsAsync("cluster-sharding", "region-stats", "-t", "partitions"));
        Assert.Equal(Enumerable.Range(0, 8).Select(number => $"{number} | {address} | 1"), await TextsAsync("cluster-sharding", "list-shards"));
        Assert.Equal(Enumerable.Range(0, 8).Select(number => $"{number} | {number}"), await TextsAsync("cluster-sharding", "list-entities"));
        Assert.All(await TextsAsync("clicks", "partitions"), line => Assert.Contains($" | {address} | running | ", line, StringComparison.Ordinal));
        Assert.Contains(await TextsAsync("actor", "hierarchy", "-s", "/system", "-d", "2"), line => line.StartsWith("  sharding | ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_member_s_past_is_told_first_when_the_cluster_is_watched()
    {
        await foreach (var line in _client.RunAsync(["cluster", "tail"], false))
        {
            if (line.Values!["event"] == "up")
            {
                return; // the rest is what happens from now on
            }
        }

        Assert.Fail("It ended.");
    }

    [Fact]
    public async Task An_ad_is_pinned_until_its_traffic_decides_again()
    {
        await _node.PutAdAsync("split-by-hand");
        Assert.Equal(["split-by-hand | 4"], await TextsAsync("clicks", "split", "-a", "split-by-hand", "-n", "4"));
        Assert.Contains("split-by-hand | 0 | 0 | 4 | pinned", await TextsAsync("clicks", "hot"));
        await TextsAsync("clicks", "split", "--ad=split-by-hand");
        Assert.DoesNotContain(await TextsAsync("clicks", "hot"), line => line.StartsWith("split-by-hand", StringComparison.Ordinal));

        Assert.Contains("power of two", await ErrorAsync("clicks", "split", "-a", "split-by-hand", "-n", "3"), StringComparison.Ordinal);
        Assert.Contains("no ad 'nobody-s'", await ErrorAsync("clicks", "split", "-a", "nobody-s", "-n", "2"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_listens_hears_what_is_logged_and_the_level_decides_what_is()
    {
        await TextsAsync("log", "level", "-l", "Information", "-c", "AdClick.Gateway.Operators");
        await using var lines = _client.RunAsync(["log", "tail", "--level", "information"], false).GetAsyncEnumerator();
        var next = lines.MoveNextAsync().AsTask();
        while (!next.IsCompleted)
        {
            await TextsAsync("cluster", "show"); // is logged, since who runs what is; the first may come before the listener
        }

        Assert.True(await next);
        Assert.Matches(@" \| Operator \S+ at 127\.0\.0\.1 runs: cluster show$", lines.Current.Text);
        Assert.Contains("is no level", await ErrorAsync("log", "level", "-l", "7"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("There is no palette 'clusters', but cluster, cluster-sharding, actor, log, clicks.", "clusters", "show")]
    [InlineData("'log' has no command 'head', but tail, level.", "log", "head")]
    [InlineData("'-x' means nothing to 'cluster show'. Usage: cluster show", "cluster", "show", "-x")]
    [InlineData("'-l' (--level) is missing", "log", "level")]
    [InlineData("'--level' is given twice.", "log", "level", "-l", "Debug", "--level=Debug")]
    [InlineData("'-l' needs a value", "log", "level", "-l")]
    public async Task Words_that_are_no_command_are_refused_with_what_there_is(string expected, params string[] words)
    {
        var refusal = await Assert.ThrowsAsync<OperatorRefusalException>(() => RunAsync(words));
        Assert.StartsWith(expected, refusal.Message, StringComparison.Ordinal);
        Assert.False(refusal.IsConfirmationMissing);
    }

    [Fact]
    public async Task What_does_harm_has_to_be_confirmed_and_needs_a_node_that_is_there()
    {
        var refusal = await Assert.ThrowsAsync<OperatorRefusalException>(() => RunAsync("cluster", "down", "-a", "127.0.0.1:1"));
        Assert.True(refusal.IsConfirmationMissing);
        Assert.Contains("no node 127.0.0.1:1 in the cluster", await ErrorAsync("cluster", "down", "-a", "127.0.0.1:1"), StringComparison.Ordinal);
        Assert.Contains("is no address", await ErrorAsync("cluster", "down", "-a", "here"), StringComparison.Ordinal);
        Assert.Contains("in a cluster already", await ErrorAsync("cluster", "join", "-a", "127.0.0.1:1"), StringComparison.Ordinal);
        Assert.Equal(["All nodes are reachable."], await TextsAsync("cluster", "down-unreachable"));
    }

    [Fact]
    public async Task Only_an_administrator_may_ask()
    {
        using var key = await _node.Admin.PostAsJsonAsync("/v1/keys", new { name = "operator-tests", scope = "publisher" });
        var publisher = (string)JsonNode.Parse(await key.Content.ReadAsStringAsync())!["key"]!;
        using var client = new OperatorClient(_node.Address, publisher);
        await Assert.ThrowsAsync<OperatorClientException>(client.ListAsync);
        await Assert.ThrowsAsync<OperatorClientException>(async () => await FirstAsync(client));
        using var nobody = await _node.Browsing.PostAsJsonAsync(OperatorEndpoints.Path, new { words = "cluster show".Split(' ') });
        Assert.Equal(HttpStatusCode.Unauthorized, nobody.StatusCode);
    }

    [Fact]
    public async Task More_words_than_a_command_has_are_refused()
    {
        using var answer = await _node.Admin.PostAsJsonAsync(OperatorEndpoints.Path, new { words = Enumerable.Repeat("x", 33) });
        await ApiHost.ProblemOfAsync(answer, ProblemKind.InvalidRequest);
    }

    [Fact]
    public async Task A_node_that_is_told_to_leave_ends_with_code_0()
    {
        var node = new RunningGateway();
        await node.StartAsync();
        using var client = new OperatorClient(node.Address, RunningGateway.AdminKey);
        var ended = new TaskCompletionSource();
        var lifetime = node.Services.GetRequiredService<IHostApplicationLifetime>();
        lifetime.ApplicationStopping.Register(ended.SetResult);
        var exit = node.Services.GetRequiredService<ProcessExit>();
        Assert.True((await RunAsync(client, "cluster", "leave"))[^1].Done);
        await ended.Task.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(0, exit.Code);
        await node.DisposeAsync();
    }

    [Fact]
    public async Task A_partition_that_was_paused_stays_so_when_its_node_alone_is_started_again_which_serves_all_the_same()
    {
        var node = new RunningGateway();
        await node.StartAsync();
        await RunConfirmedAsync(node, "clicks", "pause", "-p", "3");
        await node.StopAsync();
        await node.StartAsync(); // and is ready
        Assert.Contains("Partition 3: Paused by operator (configured) at 127.0.0.1, 2", (await node.HealthAsync()).Body, StringComparison.Ordinal);

        await RunConfirmedAsync(node, "clicks", "resume", "-p", "3");
        await node.UntilAsync(async () => !(await node.HealthAsync()).Body.Contains("Paused", StringComparison.Ordinal), "the partition to be resumed");
        await node.UntilReadyAsync();
        await node.DisposeAsync();
    }

    [Fact]
    public async Task An_ad_is_told_from_its_catalogue_entry_to_its_minutes()
    {
        await _node.PutAdAsync("told");
        using (await _node.ClickAsync(await _node.IssueAsync("told")))
        {
            await _node.WaitForTotalsAsync("told", totals => totals.GetProperty("clicks").GetInt64() == 1, "one click");
        }

        var lines = await TextsAsync("clicks", "ad", "-a", "told", "-m", "2");
        Assert.Equal("told | acme | active | 1 |  | https://example.com/", lines[0]);
        Assert.Matches(@"^0 \| \d \| 127\.0\.0\.1:\d+ \| 1 \| \d+ \| 0 \| 20", lines[1]);
        Assert.Equal(1, lines.Count(line => line.EndsWith("Z | live | 1 | 0 | 0 | 0", StringComparison.Ordinal)));
        Assert.Matches(@"^20\S+Z$", lines[^1]);
        Assert.Equal("There is no ad 'x y'.", await ErrorAsync("clicks", "ad", "-a", "x y"));
    }

    private static async Task RunConfirmedAsync(RunningGateway node, params string[] words)
    {
        using var client = new OperatorClient(node.Address, RunningGateway.AdminKey);
        var last = (await RunAsync(client, words))[^1];
        Assert.True(last.Done, last.Error);
    }

    private static async Task<OperatorLineResponse> FirstAsync(OperatorClient client)
    {
        await foreach (var line in client.RunAsync(["cluster", "show"], false))
        {
            return line;
        }

        throw new InvalidOperationException("No line.");
    }

    private static async Task<List<OperatorLineResponse>> RunAsync(OperatorClient client, params string[] words)
    {
        var lines = new List<OperatorLineResponse>();
        await foreach (var line in client.RunAsync(words, isConfirmed: true))
        {
            lines.Add(line);
        }

        return lines;
    }

    private async Task<List<OperatorLineResponse>> RunAsync(params string[] words)
    {
        var lines = new List<OperatorLineResponse>();
        await foreach (var line in _client.RunAsync(words, isConfirmed: false))
        {
            lines.Add(line);
        }

        return lines;
    }

    private async Task<List<string>> TextsAsync(params string[] words)
    {
        var lines = await RunAsync(_client, words);
        Assert.True(lines[^1].Done, lines[^1].Error);
        return [.. lines.SkipLast(1).Select(line => line.Text!)];
    }

    private async Task<string> ErrorAsync(params string[] words)
    {
        var last = (await RunAsync(_client, words))[^1];
        Assert.False(last.Done);
        return last.Error!;
    }
}
