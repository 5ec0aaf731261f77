using System.Diagnostics.CodeAnalysis;
using AdClick.Gateway.Hosting;
using AdClick.Gateway.Operators.Console;

namespace AdClick.Gateway.Commands;

/// <summary>
/// The operators' console from outside: asks a node for its commands, and has it run one. What there is to say of a command, the node says; so this works with
/// nodes of other versions too.
/// </summary>
internal sealed class PbmCommand
{
    /// <summary>The command was run and failed.</summary>
    public const int Failed = 1;

    /// <summary>The words are no command, or it was not confirmed.</summary>
    public const int NotUnderstood = 2;

    /// <summary>The node does not answer, or not to this key, or is none.</summary>
    public const int NotReached = 3;

    private readonly IReadOnlyList<string> _words;
    private readonly bool _isConfirmed;
    private readonly bool _isJson;
    private readonly TextReader? _input;
    private readonly TextWriter _output;
    private readonly TextWriter _errors;

    /// <summary>A command that is to be run.</summary>
    /// <param name="words">Palette, command and what it takes; none, <c>help</c> or a palette alone asks for help.</param>
    /// <param name="isConfirmed">Whether a command that does harm is meant.</param>
    /// <param name="isJson">Whether to print a JSON object a line.</param>
    /// <param name="input">Who can be asked; null for nobody.</param>
    /// <param name="output">Takes the answer.</param>
    /// <param name="errors">Takes what went wrong.</param>
    public PbmCommand(IReadOnlyList<string> words, bool isConfirmed, bool isJson, TextReader? input, TextWriter output, TextWriter errors)
    {
        _words = words;
        _isConfirmed = isConfirmed;
        _isJson = isJson;
        _input = input;
        _output = output;
        _errors = errors;
    }

    /// <summary>Takes the command line apart, and runs what it says; gives the exit code.</summary>
    /// <param name="words">Everything behind <c>pbm</c>: the node's address, which may be left out, the command, and settings of the node (<c>--AdClick:Data=…</c>).</param>
    /// <param name="isConfirmed">Whether <c>--yes</c> was among it.</param>
    /// <param name="isJson">Whether <c>--json</c> was.</param>
    public static async Task<int> RunAsync(IReadOnlyList<string> words, bool isConfirmed, bool isJson)
    {
        var settings = words.Where(IsSetting).ToArray();
        var command = words.Where(word => !IsSetting(word)).ToList();
        var configuration = WebApplication.CreateBuilder(new WebApplicationOptions { Args = settings, ContentRootPath = AppContext.BaseDirectory }).Configuration;
        if (!TryTakeAddress(command, out var node))
        {
            node = new Uri(PublicAddress.ToBrowsable(GatewayHost.ListenUrls(configuration)[0]));
        }

        if (FindKey(configuration) is not { } key)
        {
            await Console.Error.WriteLineAsync(
                "There is no key to ask with: set AdClick:AdminKey (AdClick__AdminKey in the environment), or AdClick:Data to the folder of a node that made its own.");
            return NotReached;
        }

        using var client = new OperatorClient(node, key);
        return await new PbmCommand(command, isConfirmed, isJson, Console.IsInputRedirected ? null : Console.In, Console.Out, Console.Error).RunAsync(client);
    }

    /// <summary>Runs the command on a node; gives the exit code.</summary>
    public async Task<int> RunAsync(OperatorClient client)
    {
        try
        {
            return _words.Count < 2 ? await HelpAsync(client) : await RunOnceAsync(client, _isConfirmed);
        }
        catch (OperatorClientException e)
        {
            await _errors.WriteLineAsync(e.Message);
            return NotReached;
        }
    }

    private async Task<int> RunOnceAsync(OperatorClient client, bool isConfirmed)
    {
        var isDone = false;
        try
        {
            await foreach (var line in client.RunAsync(_words, isConfirmed))
            {
                if (line.Done is { } done)
                {
                    isDone = done;
                    if (!done)
                    {
                        await _errors.WriteLineAsync(line.Error);
                    }
                }
                else
                {
                    await _output.WriteLineAsync(_isJson ? OperatorClient.ToJson(line.Values!) : line.Text);
                }
            }
        }
        catch (OperatorRefusalException e) when (e.IsConfirmationMissing)
        {
            if (_input is null)
            {
                await _errors.WriteLineAsync($"{e.Message} If that is meant, say --yes.");
                return NotUnderstood;
            }

            await _output.WriteAsync($"{e.Message} Go on? [y/N] ");
            return (await _input.ReadLineAsync())?.Trim() is "y" or "Y" or "yes" ? await RunOnceAsync(client, isConfirmed: true) : NotUnderstood;
        }
        catch (OperatorRefusalException e)
        {
            await _errors.WriteLineAsync(e.Message);
            return NotUnderstood;
        }

        return isDone ? 0 : Failed;
    }

    private async Task<int> HelpAsync(OperatorClient client)
    {
        var commands = await client.ListAsync();
        var shown = _words is [] or ["help"] ? commands : [.. commands.Where(command => command.Palette == _words[0])];
        foreach (var command in shown)
        {
            await _output.WriteLineAsync($"{command.Palette} {command.Name}: {command.Description}");
            foreach (var argument in command.Arguments)
            {
                await _output.WriteLineAsync($"    {argument.Switch}, --{argument.Name}{(argument.Required ? " (required)" : "")}: {argument.Description}");
            }
        }

        if (shown.Count > 0)
        {
            return 0;
        }

        await _errors.WriteLineAsync($"There is no palette '{_words[0]}', but {string.Join(", ", commands.Select(command => command.Palette).Distinct())}.");
        return NotUnderstood;
    }

    private static bool IsSetting(string word) =>
        word.StartsWith("--AdClick:", StringComparison.OrdinalIgnoreCase) || word.StartsWith("--urls=", StringComparison.OrdinalIgnoreCase);

    private static bool TryTakeAddress(List<string> words, [NotNullWhen(true)] out Uri? node)
    {
        node = null;
        if (words is not [var first, ..] || !first.Contains(':', StringComparison.Ordinal))
        {
            return false;
        }

        var text = first.Contains("://", StringComparison.Ordinal) ? first : $"http://{first}";
        if (!Uri.TryCreate(text, UriKind.Absolute, out node) || node.Scheme is not ("http" or "https"))
        {
            return false;
        }

        words.RemoveAt(0);
        return true;
    }

    private static string? FindKey(ConfigurationManager configuration)
    {
        if (configuration["AdClick:AdminKey"] is { Length: > 0 } configured)
        {
            return configured;
        }

        var file = new GeneratedKeys(Path.GetFullPath(configuration["AdClick:Data"] ?? GatewayOptions.DefaultData)).AdminKeyFile;
        return File.Exists(file) ? File.ReadAllText(file).Trim() : null;
    }
}
