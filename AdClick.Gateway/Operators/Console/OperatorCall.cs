using System.Globalization;

namespace AdClick.Gateway.Operators.Console;

/// <summary>A command with what was given to it.</summary>
internal sealed class OperatorCall
{
    private readonly Dictionary<string, string> _values;

    private OperatorCall(OperatorCommand command, Dictionary<string, string> values, string by, CancellationToken cancelled)
    {
        By = by;
        Command = command;
        _values = values;
        Cancelled = cancelled;
    }

    /// <summary>The command.</summary>
    public OperatorCommand Command { get; }

    /// <summary>Who wants it, as it is written into logs and shown to others.</summary>
    public string By { get; }

    /// <summary>Whoever asked has gone away.</summary>
    public CancellationToken Cancelled { get; }

    /// <summary>Reads what follows the command's name.</summary>
    /// <param name="command">The command.</param>
    /// <param name="words">The words behind its name: <c>-a VALUE</c>, <c>--address VALUE</c>, <c>--address=VALUE</c>.</param>
    /// <param name="by">Who wants it.</param>
    /// <param name="cancelled">Ends with whoever asked.</param>
    /// <exception cref="OperatorCommandException">They don't fit it.</exception>
    public static OperatorCall Parse(OperatorCommand command, ReadOnlySpan<string> words, string by, CancellationToken cancelled)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < words.Length; i++)
        {
            var (name, value) = Split(words[i]);
            var argument = command.Arguments.FirstOrDefault(known => name == known.Switch || name == $"--{known.Name}")
                ?? throw new OperatorCommandException($"'{words[i]}' means nothing to '{command.Palette} {command.Name}'. {Usage(command)}");
            if (argument.IsFlag)
            {
                value = value is null ? "true" : throw new OperatorCommandException($"'{name}' takes no value.");
            }
            else
            {
                value ??= ++i < words.Length ? words[i] : throw new OperatorCommandException($"'{name}' needs a value: {argument.Description}");
            }

            if (!values.TryAdd(argument.Name, value))
            {
                throw new OperatorCommandException($"'--{argument.Name}' is given twice.");
            }
        }

        var missing = command.Arguments.FirstOrDefault(argument => argument.IsRequired && !values.ContainsKey(argument.Name));
        return missing is null
            ? new OperatorCall(command, values, by, cancelled)
            : throw new OperatorCommandException($"'{missing.Switch}' (--{missing.Name}) is missing: {missing.Description}");
    }

    /// <summary>How a command is called, in a line.</summary>
    public static string Usage(OperatorCommand command)
    {
        var arguments = command.Arguments.Select(argument =>
        {
            var form = argument.IsFlag ? argument.Switch : $"{argument.Switch} {argument.Name.ToUpperInvariant()}";
            return argument.IsRequired ? $" {form}" : $" [{form}]";
        });
        return $"Usage: {command.Palette} {command.Name}{string.Concat(arguments)}";
    }

    /// <summary>A value that was given; null if it was not.</summary>
    public string? Find(string argument) => _values.GetValueOrDefault(argument);

    /// <summary>A value that the command requires.</summary>
    public string this[string argument] => _values[argument];

    /// <summary>Whether a flag was given.</summary>
    public bool Has(string flag) => _values.ContainsKey(flag);

    /// <summary>A whole number.</summary>
    /// <param name="argument">Name of the argument.</param>
    /// <param name="otherwise">What holds when it was not given.</param>
    /// <param name="least">Least value.</param>
    /// <param name="most">Greatest value.</param>
    /// <exception cref="OperatorCommandException">It is none, or out of bounds.</exception>
    public int Number(string argument, int otherwise, int least, int most)
    {
        if (Find(argument) is not { } text)
        {
            return otherwise;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new OperatorCommandException($"--{argument} must be a number from {least} to {most}, not '{text}'.");
    }

    private static (string Name, string? Value) Split(string word)
    {
        var equals = word.StartsWith("--", StringComparison.Ordinal) ? word.IndexOf('=', StringComparison.Ordinal) : -1;
        return equals < 0 ? (word, null) : (word[..equals], word[(equals + 1)..]);
    }
}
