using System.Diagnostics.CodeAnalysis;
using AdClick.Gateway.Commands.Prompt;
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

    /// <summary>Ctrl-C ended it, as shells say it.</summary>
    public const int Interrupted = 130;

    /// <summary>The word that confirms a command that does harm.</summary>
    public const string Yes = "--yes";

    /// <summary>The word that asks for a JSON object a line.</summary>
    public const string Json = "--json";

    private readonly IReadOnlyList<string> _words;
    private readonly bool _isConfirmed;
    private readonly Func<string, string?>? _ask;
    private readonly AnswerView _view;
    private readonly TextWriter _output;
    private readonly TextWriter _errors;

    /// <summary>A command that is to be run.</summary>
    /// <param name="words">Palette, command and what it takes; none, <c>help</c> or a palette alone asks for help.</param>
    /// <param name="isConfirmed">Whether a command that does harm is meant.</param>
    /// <param name="ask">Asks whoever is there, and gives the answer; null where nobody is.</param>
    /// <param name="view">Shows what the command answers.</param>
    /// <param name="output">Takes help.</param>
    /// <param name="errors">Takes what went wrong.</param>
    public PbmCommand(IReadOnlyList<string> words, bool isConfirmed, Func<string, string?>? ask, AnswerView view, TextWriter output, TextWriter errors)
    {
        _words = words;
        _isConfirmed = isConfirmed;
        _ask = ask;
        _view = view;
        _output = output;
        _errors = errors;
    }

    /// <summary>Takes the command line apart, and runs what it says, or opens a prompt on a terminal if it says nothing; gives the exit code.</summary>
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
        var (terminal, isAnybodyThere) = (AnswerView.FindTerminal(), !Console.IsInputRedirected);
        if (command.Count == 0 && terminal is not null && isAnybodyThere)
        {
            try
            {
                return await PbmPrompt.RunAsync(client, node, key, terminal);
            }
            catch (OperatorClientException e)
            {
                await Console.Error.WriteLineAsync(e.Message);
                return NotReached;
            }
        }

        using var interruption = new Interruption(outlivesIt: false);
        return await new PbmCommand(command, isConfirmed, isAnybodyThere ? Ask : null, new AnswerView(Console.Out, terminal, isJson), Console.Out, Console.Error)
            .RunAsync(client, interruption);
    }

    /// <summary>Runs the command on a node; gives the exit code.</summary>
    /// <param name="client">Asks the node.</param>
    /// <param name="interruption">Ends the command.</param>
    public async Task<int> RunAsync(OperatorClient client, Interruption interruption)
    {
        try
        {
            return _words is [] or [_] or ["help", ..] ? await HelpAsync(client) : await RunOnceAsync(client, interruption, _isConfirmed);
        }
        catch (OperatorClientException e)
        {
            await _errors.WriteLineAsync(e.Message);
            return NotReached;
        }
    }

    private static string? Ask(string question)
    {
        Console.Write(question);
        return Console.ReadLine();
    }

    private async Task<int> RunOnceAsync(OperatorClient client, Interruption interruption, bool isConfirmed)
    {
        try
        {
            var end = await interruption.RunAsync(cancelled => _view.ShowAsync(client.RunAsync(_words, isConfirmed, cancelled)));
            if (end?.Error is { } error)
            {
                await _errors.WriteLineAsync(error);
            }

            return end?.Done == true ? 0 : Failed;
        }
        catch (OperationCanceledException)
        {
            return Interrupted;
        }
        catch (OperatorRefusalException e) when (e.IsConfirmationMissing)
        {
            if (_ask is null)
            {
                await _errors.WriteLineAsync($"{e.Message} If that is meant, say {Yes}.");
                return NotUnderstood;
            }

            return _ask($"{e.Message} Go on? [y/N] ")?.Trim() is "y" or "Y" or "yes" ? await RunOnceAsync(client, interruption, isConfirmed: true) : NotUnderstood;
        }
        catch (OperatorRefusalException e)
        {
            await _errors.WriteLineAsync(e.Message);
            return NotUnderstood;
        }
    }

    private async Task<int> HelpAsync(OperatorClient client)
    {
        var commands = await client.ListAsync();
        string[] asked = [.. _words.SkipWhile((word, i) => i == 0 && word == "help").Take(2)];
        var shown = commands.Where(command => asked is [] || (command.Palette == asked[0] && (asked.Length == 1 || command.Name == asked[1]))).ToList();
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

        var names = commands.Where(command => command.Palette == asked[0]).Select(command => command.Name).ToList();
        await _errors.WriteLineAsync(names.Count == 0
            ? $"There is no palette '{asked[0]}', but {string.Join(", ", commands.Select(command => command.Palette).Distinct())}."
            : $"'{asked[0]}' has no command '{asked[1]}', but {string.Join(", ", names)}.");
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
