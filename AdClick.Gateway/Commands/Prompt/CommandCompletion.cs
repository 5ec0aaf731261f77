using AdClick.Gateway.Operators.Console;

namespace AdClick.Gateway.Commands.Prompt;

/// <summary>Completes palettes, commands, what they take, and log levels, from what the node says it has.</summary>
internal sealed class CommandCompletion
{
    private const string Help = "help";
    private const string Level = "level";

    private readonly IReadOnlyList<OperatorCommandResponse> _commands;

    /// <summary>Completion to these commands.</summary>
    public CommandCompletion(IReadOnlyList<OperatorCommandResponse> commands) => _commands = commands;

    /// <summary>What the last word may become.</summary>
    /// <param name="typed">The line up to the cursor.</param>
    /// <returns>Where the last word begins, and the words that begin like it.</returns>
    public (int Start, IReadOnlyList<string> Candidates) Find(string typed)
    {
        var start = typed.LastIndexOf(' ') + 1;
        var before = typed[..start].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var word = typed[start..];
        return (start, [.. All(before, word).Where(candidate => candidate.StartsWith(word, StringComparison.Ordinal)).Order(StringComparer.Ordinal)]);
    }

    private IEnumerable<string> All(string[] before, string word)
    {
        var palettes = _commands.Select(command => command.Palette).Distinct();
        return before switch
        {
            [] => [.. palettes, Help, PbmPrompt.Exit],
            [Help] => palettes,
            [Help, var palette] => CommandsOf(palette),
            [Help, ..] => [],
            [var palette] => CommandsOf(palette),
            [var palette, var name, .. var given] => _commands.FirstOrDefault(command => command.Palette == palette && command.Name == name) is { } command
                ? ArgumentsOf(command, given, word)
                : [],
        };
    }

    private IEnumerable<string> CommandsOf(string palette) => _commands.Where(command => command.Palette == palette).Select(command => command.Name);

    private static IEnumerable<string> ArgumentsOf(OperatorCommandResponse command, string[] given, string word)
    {
        var last = given.Length == 0 ? null : command.Arguments.FirstOrDefault(argument => !argument.Flag && Names(argument).Contains(given[^1]));
        if (last is not null)
        {
            return last.Name == Level ? Enum.GetNames<LogLevel>() : []; // a value: what it may be, only the node knows
        }

        // Long forms, which say what they mean; short ones for those who have begun with one.
        var isShort = word.Length == 2 && word[0] == '-' && word[1] != '-';
        return command.Arguments.Where(argument => !Names(argument).Any(given.Contains)).Select(argument => isShort ? argument.Switch : $"--{argument.Name}")
            .Concat(command.Confirmation is null ? [] : [PbmCommand.Yes]).Append(PbmCommand.Json).Except(given);
    }

    private static string[] Names(OperatorArgumentResponse argument) => [argument.Switch, $"--{argument.Name}"];
}
