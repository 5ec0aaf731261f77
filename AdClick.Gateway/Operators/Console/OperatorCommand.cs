using System.Globalization;

namespace AdClick.Gateway.Operators.Console;

/// <summary>
/// A command of the operators' console. What it is called, takes and does is said here once; the API, the program <c>pbm</c> and its help all go by it.
/// </summary>
/// <param name="Palette">Group of commands that it belongs to, such as <c>cluster</c>.</param>
/// <param name="Name">Its name within the palette.</param>
/// <param name="Description">What it does and what its lines hold, for a person.</param>
/// <param name="RunAsync">Does it, and gives what it has to say line by line.</param>
internal sealed record OperatorCommand(
    string Palette, string Name, string Description, Func<OperatorCall, IAsyncEnumerable<OperatorLine>> RunAsync)
{
    /// <summary>What it takes.</summary>
    public IReadOnlyList<OperatorArgument> Arguments { get; init; } = [];

    /// <summary>What is at stake, as a question that is asked before; null for a command that does no harm.</summary>
    public string? Confirmation { get; init; }

    /// <summary>Whether it goes on until whoever asked goes away.</summary>
    public bool IsLive { get; init; }
}

/// <summary>Something that a command takes: a switch and its value.</summary>
/// <param name="Name">Its name: <c>--name VALUE</c>.</param>
/// <param name="Switch">Its short form, such as <c>-a</c>.</param>
/// <param name="Description">What it means, with what holds when it is left out.</param>
internal sealed record OperatorArgument(string Name, string Switch, string Description)
{
    /// <summary>Whether it must be given.</summary>
    public bool IsRequired { get; init; }

    /// <summary>Whether it stands alone, without a value.</summary>
    public bool IsFlag { get; init; }
}

/// <summary>A line of a command's answer: values with names, joined by bars for people, an object for programs.</summary>
/// <param name="Values">Names and values, in the order in which people read them.</param>
internal sealed record OperatorLine(IReadOnlyList<KeyValuePair<string, string>> Values)
{
    /// <summary>
    /// Of the first line of a frame, which takes the place of the frame before it: how many lines the frame has, this one included. Null elsewhere.
    /// </summary>
    public int? FrameLines { get; init; }

    /// <summary>The line as people read it.</summary>
    public string Text => string.Join(" | ", Values.Select(value => value.Value));

    /// <summary>A number as lines have it.</summary>
    public static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>A rate per second as lines have it.</summary>
    public static string Rate(double perSecond) => perSecond.ToString("0.#", CultureInfo.InvariantCulture);

    /// <summary>A time as lines have it: RFC 3339, UTC, milliseconds where there are any.</summary>
    public static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString(time.Millisecond == 0 ? "yyyy-MM-ddTHH:mm:ssZ" : "yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);

    /// <summary>A sentence.</summary>
    public static OperatorLine Of(string message) => Of(("message", message));

    /// <summary>Values with names.</summary>
    public static OperatorLine Of(params ReadOnlySpan<(string Name, string Value)> values)
    {
        var pairs = new KeyValuePair<string, string>[values.Length];
        for (var i = 0; i < pairs.Length; i++)
        {
            pairs[i] = KeyValuePair.Create(values[i].Name, values[i].Value);
        }

        return new OperatorLine(pairs);
    }
}

/// <summary>Answers that are known as a whole.</summary>
internal static class OperatorLines
{
    /// <summary>Lines that take the place of the frame before them; at least one.</summary>
    public static IEnumerable<OperatorLine> Frame(IReadOnlyList<OperatorLine> lines) => [lines[0] with { FrameLines = lines.Count }, .. lines.Skip(1)];

    /// <summary>One sentence.</summary>
    public static IAsyncEnumerable<OperatorLine> Say(string message) => All([OperatorLine.Of(message)]);

    /// <summary>Lines.</summary>
    public static async IAsyncEnumerable<OperatorLine> All(IEnumerable<OperatorLine> lines)
    {
        await Task.CompletedTask;
        foreach (var line in lines)
        {
            yield return line;
        }
    }
}

/// <summary>A command can't be done; the message says why, and what to do, in one line.</summary>
internal sealed class OperatorCommandException(string message) : Exception(message);
