namespace AdClick.Gateway.Operators.Console;

/// <summary>A palette: commands that belong together.</summary>
internal interface IOperatorPalette
{
    /// <summary>Its commands, in the order in which help shows them.</summary>
    IReadOnlyList<OperatorCommand> Commands { get; }
}

/// <summary>All commands of this node.</summary>
internal sealed class OperatorCommands
{
    /// <summary>The commands of the palettes.</summary>
    public OperatorCommands(IEnumerable<IOperatorPalette> palettes) => All = [.. palettes.SelectMany(palette => palette.Commands)];

    /// <summary>The commands, by palette.</summary>
    public IReadOnlyList<OperatorCommand> All { get; }

    /// <summary>Finds the command that words begin with, and reads the rest as what it takes.</summary>
    /// <param name="words">Palette, command and what it takes.</param>
    /// <param name="by">Who wants it, as it is written into logs and shown to others.</param>
    /// <param name="cancelled">Ends with whoever asked.</param>
    /// <exception cref="OperatorCommandException">There is none, or the rest doesn't fit it.</exception>
    public OperatorCall Parse(IReadOnlyList<string> words, string by, CancellationToken cancelled)
    {
        var palette = words.Count > 0 ? words[0] : "";
        var commands = All.Where(command => command.Palette == palette).ToList();
        if (commands.Count == 0)
        {
            throw new OperatorCommandException(
                $"There is no palette '{palette}', but {string.Join(", ", All.Select(command => command.Palette).Distinct())}.");
        }

        var name = words.Count > 1 ? words[1] : "";
        var found = commands.Find(command => command.Name == name)
            ?? throw new OperatorCommandException($"'{palette}' has no command '{name}', but {string.Join(", ", commands.Select(command => command.Name))}.");
        return OperatorCall.Parse(found, [.. words.Skip(2)], by, cancelled);
    }
}
