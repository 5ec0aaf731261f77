using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using AdClick.Benchmarks.Processes;
using AdClick.Gateway.Commands;
using AdClick.Gateway.Commands.Prompt;
using AdClick.Gateway.Operators.Console;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Gateway.Nodes;

/// <summary>Every command of the console against three real nodes, in a line of a script and at the prompt.</summary>
[Collection(HeavyTests.Name)]
public sealed class ConsoleOnClusterTests(ClusterOfProcesses cluster) : IClassFixture<ClusterOfProcesses>, IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public Task InitializeAsync() => TestDatabases.Postgres is null ? Task.CompletedTask : cluster.HealAsync();

    public Task DisposeAsync() => Task.CompletedTask;

    [PostgresFact]
    public async Task Any_node_shows_members_regions_shards_entities_actors_and_partitions_of_the_cluster()
    {
        var names = cluster.Nodes.Select(node => node.Name).Order(StringComparer.Ordinal).ToList();
        var entities = new List<string>();
        foreach (var node in cluster.Nodes)
        {
            var members = await LinesAsync(node, "cluster", "show");
            Assert.Equal(names, members.Select(line => line.Split(" | ")[0]));
            Assert.All(members, line => Assert.Contains(" | gateway, processor | up | reachable | ", line, StringComparison.Ordinal));
            Assert.Single(members, line => line.EndsWith("leader", StringComparison.Ordinal));

            Assert.Equal(names.Select(name => $"partitions | {name}"), await LinesAsync(node, "cluster-sharding", "list-regions"));
            var regions = await LinesAsync(node, "cluster-sharding", "region-stats", "-t", "partitions");
            Assert.Equal(names, regions.Select(line => line.Split(" | ")[0]));
            Assert.Equal(8, regions.Sum(line => int.Parse(line.Split(" | ")[2], null)));
            Assert.Equal(8, (await LinesAsync(node, "cluster-sharding", "list-shards")).Count);
            entities.AddRange((await LinesAsync(node, "cluster-sharding", "list-entities")).Select(line => line.Split(" | ")[0]));
            Assert.Contains(await LinesAsync(node, "actor", "hierarchy", "-s", "/user", "-d", "2"), line => line.StartsWith("  node-reporter | ", StringComparison.Ordinal));

            var partitions = await LinesAsync(node, "clicks", "partitions");
            Assert.Equal(Enumerable.Range(0, 8).Select(number => $"{number}"), partitions.Select(line => line.Split(" | ")[0]));
            Assert.All(partitions, line => Assert.Contains(line.Split(" | ")[1], names));
            Assert.All(partitions, line => Assert.Equal("running", line.Split(" | ")[2]));
        }

        Assert.Equal(Enumerable.Range(0, 8).Select(number => $"{number}"), entities.Order(StringComparer.Ordinal));
    }

    [PostgresFact]
    public async Task An_ad_is_told_from_its_catalogue_entry_to_its_minutes_and_split_on_every_node()
    {
        var adId = $"ad-{Guid.NewGuid():N}";
        await ClickAsync(cluster.Nodes[0], adId);
        var (owner, partition) = await UntilAsync(
            async () =>
            {
                var lines = await LinesAsync(cluster.Nodes[1], "clicks", "ad", "-a", adId, "-m", "3");
                Assert.Equal($"{adId} | acme | active | 1 |  | https://example.com/", lines[0]);
                Assert.StartsWith("20", lines[^1], StringComparison.Ordinal); // complete up to then
                var held = lines.Find(line => line.StartsWith("0 | ", StringComparison.Ordinal))?.Split(" | ");
                var minutes = lines.Where(line => line.Contains(" | live | ", StringComparison.Ordinal)).ToList();
                Assert.InRange(minutes.Count, 3, 4);
                return held?[3] == "1" && minutes.Exists(line => line.EndsWith(" | live | 1 | 0 | 0 | 0", StringComparison.Ordinal)) ? (held[2], held[1]) : default;
            },
            found => found != default,
            "one impression, one click");
        Assert.Contains(await LinesAsync(cluster.Nodes[0], "clicks", "partitions"), line => line.StartsWith($"{partition} | {owner} | running", StringComparison.Ordinal));

        Assert.Equal([$"{adId} | 2"], await LinesAsync(cluster.Nodes[2], "clicks", "split", "-a", adId, "-n", "2"));
        await UntilAsync(async () => await LinesAsync(cluster.Nodes[0], "clicks", "hot"), lines => lines.Contains($"{adId} | 0 | 0 | 2 | pinned"), "the pin on another node");
        Assert.Equal(0, (await RunAsync(cluster.Nodes[2], "clicks", "split", "-a", adId)).Code);
        Assert.Equal((PbmCommand.Failed, "", "There is no ad 'nobody'.\n"), await RunAsync(cluster.Nodes[2], "clicks", "ad", "-a", "nobody"));
    }

    [PostgresFact]
    public async Task A_partition_of_another_node_is_paused_stays_so_when_it_moves_and_is_told_by_health_until_it_is_resumed()
    {
        var (asked, owner) = (cluster.Nodes[0], cluster.Nodes[1]);
        var partition = (await LinesAsync(asked, "clicks", "partitions")).First(line => line.Contains($" | {owner.Name} | ", StringComparison.Ordinal)).Split(" | ")[0];
        var (code, output, _) = await RunConfirmedAsync(asked, "clicks", "pause", "-p", partition);
        Assert.Equal(0, code);
        Assert.StartsWith($"{partition} | It is paused at offset ", output, StringComparison.Ordinal);
        Assert.Contains("runs: clicks pause -p", asked.Output, StringComparison.Ordinal);
        Assert.Contains($"Partition {partition} is paused by operator (configured) at 127.0.0.1", owner.Output, StringComparison.Ordinal);
        await AssertPausedAsync(isOnOwner: true);

        Assert.Equal(0, await owner.StopAsync());
        await AssertPausedAsync(isOnOwner: false);
        owner.Start();
        await owner.WaitUntilReadyAsync(); // also one that starts with it
        Assert.Equal(0, (await RunAsync(owner, "clicks", "resume")).Code);
        await cluster.WaitUntilCountedAsync(cluster.Nodes);
        Assert.Equal((0, "No partition is paused.\n", ""), await RunAsync(asked, "clicks", "resume"));

        var checkpoints = await LinesAsync(asked, "clicks", "checkpoint");
        Assert.Equal(8, checkpoints.Count);
        Assert.All(checkpoints, line => Assert.Contains("The checkpoint stands at offset ", line, StringComparison.Ordinal));
        Assert.Matches(@"^\d+\n$", (await RunConfirmedAsync(asked, "clicks", "purge")).Output);

        async Task AssertPausedAsync(bool isOnOwner)
        {
            foreach (var node in cluster.Nodes.Where(node => node.IsRunning))
            {
                await UntilAsync(
                    () => LinesAsync(node, "clicks", "partitions"),
                    lines => lines.Select(line => line.Split(" | ")).Any(values => values[0] == partition && values[2] == "paused" && values[4] != "0" && (values[1] == owner.Name) == isOnOwner),
                    $"{node.Name} to say that it is paused, and that its lag grows");
                using var health = await node.Api.Http.GetAsync(new Uri("/healthz/ready", UriKind.Relative));
                Assert.Equal(HttpStatusCode.OK, health.StatusCode);
                Assert.Contains($"Partition {partition} on ", await health.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            }
        }
    }

    [PostgresFact]
    public async Task Live_commands_tell_what_happens_as_it_happens()
    {
        var node = cluster.Nodes[0];
        using var client = new OperatorClient(new Uri(node.Url), cluster.Keys.AdminKey);
        await using (var frames = client.RunAsync(["clicks", "top", "-i", "1"], false).GetAsyncEnumerator())
        {
            for (var frame = 0; frame < 2; frame++)
            {
                Assert.True(await frames.MoveNextAsync());
                Assert.Equal("3", frames.Current.Values!["nodes"]);
                var lines = frames.Current.FrameLines!.Value;
                Assert.True(lines >= 9, "A line for each partition, and one for all.");
                for (var line = 1; line < lines; line++)
                {
                    Assert.True(await frames.MoveNextAsync());
                    Assert.Null(frames.Current.FrameLines);
                }
            }
        }

        Assert.Equal(0, (await RunAsync(node, "log", "level", "-l", "Information")).Code);
        await using var log = client.RunAsync(["log", "tail"], false).GetAsyncEnumerator();
        var next = log.MoveNextAsync().AsTask();
        while (!next.IsCompleted)
        {
            await LinesAsync(node, "cluster", "show");
        }

        Assert.True(await next);
        Assert.Contains("Operator (configured) at 127.0.0.1 runs: ", log.Current.Text, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task Members_leave_are_thrown_out_and_join_as_they_are_told_and_whoever_watches_sees_it()
    {
        var (asked, second, other) = (cluster.Nodes[0], cluster.Nodes[1], cluster.Nodes[2]);
        using var client = new OperatorClient(new Uri(asked.Url), cluster.Keys.AdminKey);
        await using var tail = client.RunAsync(["cluster", "tail"], false).GetAsyncEnumerator();

        foreach (var words in (string[][])[["cluster", "leave", "-a", other.Name], ["cluster", "down", "-a", other.Name], ["cluster", "down-unreachable"], ["clicks", "pause", "-p", "0"], ["clicks", "purge"]])
        {
            var (refused, nothing, why) = await RunAsync(asked, words);
            Assert.Equal((PbmCommand.NotUnderstood, ""), (refused, nothing));
            Assert.EndsWith("say --yes.\n", why, StringComparison.Ordinal);
        }

        Assert.Equal((0, $"{other.Name} is leaving.\n", ""), await RunConfirmedAsync(asked, "cluster", "leave", "-a", other.Name));
        await SeeAsync(tail, other.Name, "removed");
        await UntilAsync(() => Task.FromResult(other.IsRunning), isRunning => !isRunning, "its process to end");

        Assert.Equal((0, $"{second.Name} is down.\n", ""), await RunConfirmedAsync(asked, "cluster", "down", "-a", second.Name));
        await SeeAsync(tail, second.Name, "removed");
        await second.WaitUntilLeftOutAsync();
        await cluster.HealAsync();
        Assert.Contains("runs: cluster down -a", asked.Output, StringComparison.Ordinal);
        Assert.Equal((0, "All nodes are reachable.\n", ""), await RunConfirmedAsync(asked, "cluster", "down-unreachable"));

        other.Freeze();
        try
        {
            await SeeAsync(tail, other.Name, "unreachable");
            Assert.Equal(0, (await RunConfirmedAsync(asked, "cluster", "down-unreachable")).Code); // or the others did it just before
            await SeeAsync(tail, other.Name, "removed");
        }
        finally
        {
            other.Thaw();
        }

        await other.WaitUntilLeftOutAsync();
        await cluster.HealAsync();
    }

    [PostgresFact]
    public async Task A_node_that_none_of_its_seeds_lets_in_joins_by_hand()
    {
        var newcomer = cluster.NewNode("gateway");
        try
        {
            newcomer.Set("AdClick:Cluster:Seeds", "127.0.0.1:1");
            newcomer.Start();
            var joined = await UntilAsync(
                () => RunAsync(newcomer, "cluster", "join", "-a", cluster.Nodes[0].Name), answer => answer.Code != PbmCommand.NotReached, "the new node to answer");
            Assert.Equal((0, ""), (joined.Code, joined.Errors));
            await newcomer.WaitUntilReadyAsync();
            Assert.Equal(4, (await LinesAsync(cluster.Nodes[0], "cluster", "show")).Count);
            Assert.Contains("in a cluster already", (await RunAsync(newcomer, "cluster", "join", "-a", cluster.Nodes[0].Name)).Errors, StringComparison.Ordinal);
            Assert.Contains("role processor", (await RunAsync(newcomer, "clicks", "checkpoint")).Errors, StringComparison.Ordinal);
            Assert.Equal(0, await newcomer.StopAsync());
        }
        finally
        {
            cluster.Remove(newcomer);
        }
    }

    [PostgresFact]
    public async Task As_a_program_it_ends_with_a_line_and_a_code_where_no_node_answers_or_something_else_does()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var greeting = Task.Run(async () =>
        {
            using var client = await silent.AcceptTcpClientAsync();
            await client.GetStream().WriteAsync("220 mail.example.com ESMTP\r\n"u8.ToArray());
            await client.GetStream().ReadExactlyAsync(new byte[1]);
        });
        var key = $"--AdClick:AdminKey={cluster.Keys.AdminKey}";
        foreach (var (address, expected) in new[]
        {
            ($"127.0.0.1:{ChildProcess.FreePort()}", "^No node answers at http://127.0.0.1:[^\n]*\n$"),
            (silent.LocalEndpoint.ToString()!, "^(No node answers at|What answers at) http://127.0.0.1:[^\n]*\n$"),
        })
        {
            var (code, output) = await GatewayProgram.RunAsync("pbm", address, "clicks", "partitions", key);
            Assert.Equal(PbmCommand.NotReached, code);
            Assert.Matches(expected, output.TrimEnd('\n') + "\n");
        }

        await greeting;
        var (listed, commands) = await GatewayProgram.RunAsync("pbm", new Uri(cluster.Nodes[0].Url).Authority, key); // no terminal: no prompt
        Assert.Equal(0, listed);
        Assert.Contains("clicks top: ", commands, StringComparison.Ordinal);
    }

    [TerminalOnPostgresFact]
    public async Task At_the_prompt_words_are_completed_lines_come_back_live_commands_end_by_Ctrl_C_and_harm_is_asked_for()
    {
        var state = Directory.CreateTempSubdirectory("adclick-prompt-");
        try
        {
            var node = new Uri(cluster.Nodes[0].Url).Authority;
            using var prompt = new TerminalProgram(
                ["pbm", node], new Dictionary<string, string> { ["AdClick__AdminKey"] = cluster.Keys.AdminKey, ["XDG_STATE_HOME"] = state.FullName });
            var ready = Regex.Escape($"{node}> ");
            await prompt.WaitForAsync("commands: 'help' tells them");
            await prompt.WaitForAsync(ready);

            prompt.Type("cluster s\t\r");
            await prompt.WaitForAsync("cluster show \n");
            foreach (var name in cluster.Nodes.Select(each => each.Name).Order(StringComparer.Ordinal))
            {
                await prompt.WaitForAsync($"{name} \\| gateway, processor \\| up");
            }

            Assert.Contains("\e[", prompt.Raw, StringComparison.Ordinal); // in colours
            await prompt.WaitForAsync(ready);
            prompt.Type("\e[A\r"); // the line before
            await prompt.WaitForAsync("cluster show \n");
            await prompt.WaitForAsync(ready);

            prompt.Type("clicks top -i 1\r");
            var first = (await prompt.WaitForAsync(@"20\d\d-\S+Z")).Value;
            await prompt.WaitForAsync("checkpointAge");
            await prompt.WaitForAsync($@"20\d\d-(?!{Regex.Escape(first[5..])})\S+Z");
            prompt.Type("\x03");
            await prompt.WaitForAsync(ready);

            prompt.Type("cluster down-unreachable\r");
            await prompt.WaitForAsync(@"Go on\? \[y/N\] ");
            prompt.Type("n\r");
            await prompt.WaitForAsync(ready);
            prompt.Type("cluster down-unreachable --yes\r");
            await prompt.WaitForAsync("All nodes are reachable\\.");
            await prompt.WaitForAsync(ready);
            prompt.Type("cluster nonsense\r");
            await prompt.WaitForAsync("has no command 'nonsense'");
            await prompt.WaitForAsync(ready);
            prompt.Type("help clicks pause\r");
            await prompt.WaitForAsync("-p, --partition \\(required\\)");
            await prompt.WaitForAsync(ready);
            prompt.Type($"log level -l Information -c {cluster.Keys.AdminKey}\r"); // somebody's slip
            await prompt.WaitForAsync(ready);
            prompt.Type("exit\r");
            Assert.Equal(0, await prompt.WaitForExitAsync());

            var history = await File.ReadAllTextAsync(Path.Combine(state.FullName, "adclick", "pbm-history"));
            Assert.Contains("clicks top -i 1", history, StringComparison.Ordinal);
            Assert.DoesNotContain(cluster.Keys.AdminKey, history, StringComparison.Ordinal);
        }
        finally
        {
            state.Delete(recursive: true);
        }
    }

    [TerminalOnPostgresFact]
    public async Task A_prompt_ends_by_Ctrl_D_does_not_open_where_no_node_is_and_one_live_command_ends_by_Ctrl_C_with_the_code_of_shells()
    {
        var environment = new Dictionary<string, string> { ["AdClick__AdminKey"] = cluster.Keys.AdminKey, ["XDG_STATE_HOME"] = "/nonexistent" };
        var node = new Uri(cluster.Nodes[0].Url).Authority;
        using var prompt = new TerminalProgram(["pbm", node], environment);
        await prompt.WaitForAsync(Regex.Escape($"{node}> "));
        prompt.Type("\x04");
        Assert.Equal(0, await prompt.WaitForExitAsync());

        using var nowhere = new TerminalProgram(["pbm", $"127.0.0.1:{ChildProcess.FreePort()}"], environment);
        Assert.Equal(PbmCommand.NotReached, await nowhere.WaitForExitAsync());
        Assert.StartsWith("No node answers at ", nowhere.Shown, StringComparison.Ordinal);

        using var top = new TerminalProgram(["pbm", node, "clicks", "top"], environment);
        await top.WaitForAsync("checkpointAge");
        top.Type("\x03");
        Assert.Equal(PbmCommand.Interrupted, await top.WaitForExitAsync());
        Assert.EndsWith("\e[?25h", top.Raw.TrimEnd(), StringComparison.Ordinal); // the cursor is back
    }

    private static async Task SeeAsync(IAsyncEnumerator<OperatorLineResponse> tail, string node, string happened)
    {
        while (true)
        {
            Assert.True(await tail.MoveNextAsync().AsTask().WaitAsync(Patience), $"The tail ended before {node} was {happened}.");
            if (tail.Current.Values is { } values && values["address"] == node && values["event"] == happened)
            {
                return;
            }
        }
    }

    private static async Task ClickAsync(NodeProgram node, string adId)
    {
        using var put = await node.Api.Http.PutAsJsonAsync($"/v1/ads/{adId}", new { advertiserId = "acme", name = adId, targetUrl = "https://example.com/", status = "active" });
        put.EnsureSuccessStatusCode();
        using var issued = await node.Api.Http.PostAsJsonAsync("/v1/impressions", new { adId });
        var url = (await issued.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("impressions")[0].GetProperty("clickUrl").GetString()!;
        using var browser = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        browser.DefaultRequestHeaders.Add("User-Agent", RunningGateway.Browser);
        using var click = await browser.GetAsync(new Uri(url));
        Assert.Equal(HttpStatusCode.Found, click.StatusCode);
    }

    private async Task<List<string>> LinesAsync(NodeProgram node, params string[] words)
    {
        var (code, output, errors) = await RunAsync(node, words);
        Assert.True(code == 0, $"{string.Join(' ', words)}: {code} {errors}");
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries)];
    }

    private Task<(int Code, string Output, string Errors)> RunAsync(NodeProgram node, params string[] words) => RunAsync(node, false, words);

    private Task<(int Code, string Output, string Errors)> RunConfirmedAsync(NodeProgram node, params string[] words) => RunAsync(node, true, words);

    private async Task<(int Code, string Output, string Errors)> RunAsync(NodeProgram node, bool isConfirmed, string[] words)
    {
        using var client = new OperatorClient(new Uri(node.Url), cluster.Keys.AdminKey);
        using var interruption = new Interruption(outlivesIt: false);
        var (output, errors) = (new StringWriter(), new StringWriter());
        var code = await new PbmCommand(words, isConfirmed, null, new AnswerView(output, null, isJson: false), output, errors).RunAsync(client, interruption);
        return (code, output.ToString(), errors.ToString());
    }

    private static async Task<T> UntilAsync<T>(Func<Task<T>> look, Func<T, bool> condition, string what)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            var seen = await look();
            if (condition(seen))
            {
                return seen;
            }

            if (patience.IsCancellationRequested)
            {
                throw new TimeoutException($"Waited {Patience} for {what}; last was: {(seen is IEnumerable<string> lines ? string.Join('\n', lines) : seen)}");
            }

            await Task.Delay(50);
        }
    }
}
