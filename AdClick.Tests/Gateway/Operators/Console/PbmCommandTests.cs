using System.Net;
using System.Text;
using AdClick.Benchmarks.Processes;
using AdClick.Gateway.Commands;
using AdClick.Gateway.Commands.Prompt;
using AdClick.Gateway.Operators.Console;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Gateway.Operators.Console;

/// <summary>What <c>pbm</c> prints, and what it ends with.</summary>
public sealed class PbmCommandTests : IClassFixture<RunningGateway>
{
    private readonly RunningGateway _node;
    private readonly StringWriter _output = new();
    private readonly StringWriter _errors = new();

    public PbmCommandTests(RunningGateway node) => _node = node;

    [Fact]
    public async Task The_program_asks_the_node_at_the_address_with_the_key_of_its_settings()
    {
        var address = $"{_node.Address.Host}:{_node.Address.Port}";
        var (exitCode, output) = await GatewayProgram.RunAsync("pbm", address, "cluster", "show", "--json", $"--AdClick:AdminKey={RunningGateway.AdminKey}");
        Assert.Equal(0, exitCode);
        Assert.Contains("\"status\":\"up\"", output, StringComparison.Ordinal);

        var wrong = await GatewayProgram.RunAsync("pbm", address, "cluster", "down", "-a", "127.0.0.1:1", "--yes", $"--AdClick:AdminKey={RunningGateway.AdminKey}");
        Assert.Equal(PbmCommand.Failed, wrong.ExitCode);
        Assert.Contains("no node 127.0.0.1:1", wrong.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Text_is_values_between_bars_and_json_an_object_a_line()
    {
        Assert.Equal(0, await RunAsync("cluster", "show"));
        Assert.Matches(@"^127\.0\.0\.1:\d+ \| gateway, processor \| up \| reachable \| leader\s*$", _output.ToString());
        Assert.Equal("", _errors.ToString());
    }

    [Fact]
    public async Task Help_is_the_node_s_own_of_all_palettes_or_of_one()
    {
        Assert.Equal(0, await RunAsync());
        Assert.Contains("clicks partitions: ", _output.ToString(), StringComparison.Ordinal);
        _output.GetStringBuilder().Clear();
        Assert.Equal(0, await RunAsync("log"));
        Assert.Contains("-l, --level (required): ", _output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("clicks partitions", _output.ToString(), StringComparison.Ordinal);
        Assert.Equal(PbmCommand.NotUnderstood, await RunAsync("logs"));
        Assert.StartsWith("There is no palette 'logs', but ", _errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_does_harm_is_asked_for_and_done_only_on_yes()
    {
        Assert.Equal(PbmCommand.NotUnderstood, await RunAsync(new StringReader("n\n"), "cluster", "down-unreachable"));
        Assert.EndsWith("Go on? [y/N] ", _output.ToString(), StringComparison.Ordinal);
        Assert.Equal(0, await RunAsync(new StringReader("y\n"), "cluster", "down-unreachable"));
        Assert.Contains("All nodes are reachable.", _output.ToString(), StringComparison.Ordinal);
        Assert.Equal(PbmCommand.NotUnderstood, await RunAsync("cluster", "down-unreachable"));
        Assert.Contains("say --yes", _errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nobody_at_the_address_is_one_line_and_a_code_of_its_own()
    {
        using var client = new OperatorClient(new Uri($"http://127.0.0.1:{ChildProcess.FreePort()}"), "any");
        Assert.Equal(PbmCommand.NotReached, await RunAsync(client, null, "cluster", "show"));
        Assert.Matches("^No node answers at http://127.0.0.1:[^\n]*\n$", _errors.ToString());
    }

    [Fact]
    public async Task Something_else_at_the_address_is_told_as_that()
    {
        using var listener = new HttpListener();
        var url = $"http://127.0.0.1:{ChildProcess.FreePort()}/";
        listener.Prefixes.Add(url);
        listener.Start();
        var served = Task.Run(async () =>
        {
            var context = await listener.GetContextAsync();
            context.Response.ContentType = "text/html";
            context.Response.Close(Encoding.UTF8.GetBytes("<p>It works!"), willBlock: false);
        });
        using var client = new OperatorClient(new Uri(url), "any");
        Assert.Equal(PbmCommand.NotReached, await RunAsync(client, null, "cluster", "show"));
        await served;
        Assert.Matches("^What answers at http://127.0.0.1:[^\n]* is no AdClick node[^\n]*\n$", _errors.ToString());
    }

    [Fact]
    public async Task A_key_that_is_not_known_is_refused_by_the_node()
    {
        using var client = new OperatorClient(_node.Address, "not-the-key");
        Assert.Equal(PbmCommand.NotReached, await RunAsync(client, null, "cluster", "show"));
        Assert.Contains("The API key is not known", _errors.ToString(), StringComparison.Ordinal);
    }

    private Task<int> RunAsync(params string[] words) => RunAsync(null, words);

    private async Task<int> RunAsync(TextReader? input, params string[] words)
    {
        using var client = new OperatorClient(_node.Address, RunningGateway.AdminKey);
        return await RunAsync(client, input, words);
    }

    private async Task<int> RunAsync(OperatorClient client, TextReader? input, params string[] words)
    {
        using var interruption = new Interruption(outlivesIt: false);
        Func<string, string?>? ask = input is null ? null : question =>
        {
            _output.Write(question);
            return input.ReadLine();
        };
        return await new PbmCommand(words, false, ask, new AnswerView(_output, null, isJson: false), _output, _errors).RunAsync(client, interruption);
    }
}
