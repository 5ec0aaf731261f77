using AdClick.Gateway.Operators.Console;
using Spectre.Console;

namespace AdClick.Gateway.Commands.Prompt;

/// <summary>The console as a prompt: a line, a command, until Ctrl-D or <c>exit</c>. Ctrl-C ends a command, not the prompt.</summary>
internal sealed class PbmPrompt
{
    /// <summary>The word that ends it.</summary>
    public const string Exit = "exit";

    private readonly Uri _node;
    private readonly IAnsiConsole _terminal;
    private readonly LineEditor _editor;
    private readonly Interruption _interruption;
    private readonly IReadOnlyList<OperatorCommandResponse> _commands;

    /// <summary>A prompt.</summary>
    /// <param name="node">The node that it asks.</param>
    /// <param name="commands">What the node has.</param>
    /// <param name="terminal">Where it is shown.</param>
    /// <param name="editor">Reads the lines.</param>
    /// <param name="interruption">Ends commands.</param>
    public PbmPrompt(Uri node, IReadOnlyList<OperatorCommandResponse> commands, IAnsiConsole terminal, LineEditor editor, Interruption interruption)
    {
        _node = node;
        _commands = commands;
        _terminal = terminal;
        _editor = editor;
        _interruption = interruption;
    }

    /// <summary>Opens a prompt on this process's terminal; gives the exit code when it has ended.</summary>
    /// <exception cref="OperatorClientException">The node could not be asked for its commands.</exception>
    public static async Task<int> RunAsync(OperatorClient client, Uri node, string key, IAnsiConsole terminal)
    {
        var commands = await client.ListAsync();
        using var interruption = new Interruption(outlivesIt: true);
        var editor = new LineEditor(
            ReadKey, Console.Out, () => terminal.Profile.Width, new PromptHistory(PromptHistory.DefaultFile(), key), new CommandCompletion(commands));
        return await new PbmPrompt(node, commands, terminal, editor, interruption).RunAsync(client);
    }

    /// <summary>Runs what is typed, to the end; gives the exit code.</summary>
    public async Task<int> RunAsync(OperatorClient client)
    {
        await Console.Out.WriteLineAsync($"{_commands.Count} commands: 'help' tells them, Tab completes them, Ctrl-C ends one that goes on, '{Exit}' or Ctrl-D ends.");
        while (_editor.ReadCommand($"{_node.Authority}> ") is { } line)
        {
            var words = CommandWords.Of(line);
            if (words is [Exit or "quit"])
            {
                break;
            }

            if (words.Count > 0)
            {
                var (isConfirmed, isJson) = (words.Remove(PbmCommand.Yes), words.Remove(PbmCommand.Json));
                var command = new PbmCommand(words, isConfirmed, _editor.ReadAnswer, new AnswerView(Console.Out, _terminal, isJson), Console.Out, Console.Error);
                await command.RunAsync(client, _interruption);
            }
        }

        return 0;
    }

    // Ctrl-C is a key while a line is typed, and a signal while a command runs.
    private static ConsoleKeyInfo ReadKey()
    {
        Console.TreatControlCAsInput = true;
        try
        {
            return Console.ReadKey(intercept: true);
        }
        finally
        {
            Console.TreatControlCAsInput = false;
        }
    }
}
