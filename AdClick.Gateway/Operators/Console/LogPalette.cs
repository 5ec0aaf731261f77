using System.Globalization;

namespace AdClick.Gateway.Operators.Console;

/// <summary>The node's log.</summary>
internal sealed class LogPalette : IOperatorPalette
{
    private const string DefaultCategory = "AdClick";

    private readonly LogTap _tap;
    private readonly LogLevels _levels;

    /// <summary>The commands on this node.</summary>
    public LogPalette(LogTap tap, LogLevels levels)
    {
        _tap = tap;
        _levels = levels;
        var names = string.Join(", ", Enum.GetNames<LogLevel>());
        Commands =
        [
            new("log", "tail", "The lines that the node logs, as it logs them: time | level | category | message.", TailAsync)
            {
                IsLive = true,
                Arguments = [new("level", "-l", $"Least level to show: {names}; Information by default. What isn't logged can't be shown: see 'log level'.")],
            },
            new("log", "level", "Sets from which level on the node logs, until it is started again.", Level)
            {
                Arguments =
                [
                    new("level", "-l", $"Level: {names}.") { IsRequired = true },
                    new("category", "-c", $"Beginning of the categories that it holds for; {DefaultCategory} by default, which is AdClick's own."),
                ],
            },
        ];
    }

    /// <inheritdoc/>
    public IReadOnlyList<OperatorCommand> Commands { get; }

    private async IAsyncEnumerable<OperatorLine> TailAsync(OperatorCall call)
    {
        var least = call.Find("level") is { } text ? LevelOf(text) : LogLevel.Information;
        await foreach (var line in _tap.FollowAsync(least, call.Cancelled))
        {
            yield return OperatorLine.Of(
                ("time", line.At.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture)), ("level", line.Level.ToString()), ("category", line.Category), ("message", line.Message));
        }
    }

    private IAsyncEnumerable<OperatorLine> Level(OperatorCall call)
    {
        var level = LevelOf(call["level"]);
        var category = call.Find("category") ?? DefaultCategory;
        _levels.Change(category, level);
        return OperatorLines.All([OperatorLine.Of(("category", category), ("level", level.ToString()))]);
    }

    private static LogLevel LevelOf(string text) => Enum.TryParse<LogLevel>(text, ignoreCase: true, out var level) && Enum.IsDefined(level) && !char.IsAsciiDigit(text[0])
        ? level
        : throw new OperatorCommandException($"'{text}' is no level: write one of {string.Join(", ", Enum.GetNames<LogLevel>())}.");
}
