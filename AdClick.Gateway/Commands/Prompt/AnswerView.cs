using AdClick.Gateway.Operators.Console;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace AdClick.Gateway.Commands.Prompt;

/// <summary>Shows what a command answers: plain lines in a pipe; on a terminal coloured ones, and what is shown again and again in place.</summary>
internal sealed class AnswerView
{
    private const string Bar = " | ";

    private static readonly Style Good = new(Color.Green);
    private static readonly Style Doubtful = new(Color.Yellow);
    private static readonly Style Bad = new(Color.Red);
    private static readonly Style Quiet = new(Color.Grey);

    private readonly TextWriter _output;
    private readonly IAnsiConsole? _terminal;
    private readonly bool _isJson;
    private bool _haveFrames;

    /// <summary>A view.</summary>
    /// <param name="output">Takes plain lines.</param>
    /// <param name="terminal">Takes coloured ones; null where there is none.</param>
    /// <param name="isJson">Whether to print a JSON object a line, whatever there is.</param>
    public AnswerView(TextWriter output, IAnsiConsole? terminal, bool isJson)
    {
        _output = output;
        _terminal = isJson ? null : terminal;
        _isJson = isJson;
    }

    /// <summary>The terminal that standard output is; null if it is none, or one that knows no more than lines.</summary>
    public static IAnsiConsole? FindTerminal()
    {
        var console = AnsiConsole.Console;
        return !Console.IsOutputRedirected && console.Profile.Capabilities.Ansi ? console : null;
    }

    /// <summary>Shows an answer to its end; gives the last line, which says how it ended, or null without one.</summary>
    public async Task<OperatorLineResponse?> ShowAsync(IAsyncEnumerable<OperatorLineResponse> answer)
    {
        await using var lines = answer.GetAsyncEnumerator();
        while (await lines.MoveNextAsync())
        {
            if (lines.Current.Done is not null)
            {
                return lines.Current;
            }

            if (_terminal is not null && lines.Current.FrameLines is not null)
            {
                return await ShowFramesAsync(_terminal, lines);
            }

            await ShowLineAsync(lines.Current);
        }

        return null;
    }

    private async Task ShowLineAsync(OperatorLineResponse line)
    {
        if (_terminal is not null)
        {
            Write(_terminal, line);
            return;
        }

        if (_haveFrames && line.FrameLines is not null && !_isJson)
        {
            await _output.WriteLineAsync();
        }

        _haveFrames = line.FrameLines is not null || _haveFrames;
        await _output.WriteLineAsync(_isJson ? OperatorClient.ToJson(line.Values!) : line.Text);
    }

    // A line stays one line, however narrow the terminal: it wraps where it ends, not at a word.
    private static void Write(IAnsiConsole terminal, OperatorLineResponse line)
    {
        var columns = terminal.Profile.Width;
        terminal.Profile.Width = int.MaxValue / 2;
        try
        {
            var bar = "";
            foreach (var (name, value) in line.Values!)
            {
                terminal.Write(new Text(bar, Quiet));
                terminal.Write(new Text(Printable(value), StyleOf(name, value)));
                bar = Bar;
            }

            terminal.WriteLine();
        }
        finally
        {
            terminal.Profile.Width = columns;
        }
    }

    private static Task<OperatorLineResponse?> ShowFramesAsync(IAnsiConsole terminal, IAsyncEnumerator<OperatorLineResponse> lines) =>
        terminal.Live(Text.Empty).Overflow(VerticalOverflow.Crop).StartAsync<OperatorLineResponse?>(async display =>
        {
            do
            {
                if (lines.Current.Done is not null)
                {
                    return lines.Current;
                }

                var frame = new List<OperatorLineResponse> { lines.Current };
                while (frame.Count < frame[0].FrameLines && await lines.MoveNextAsync())
                {
                    frame.Add(lines.Current);
                }

                display.UpdateTarget(Draw(frame));
            }
            while (await lines.MoveNextAsync());
            return null;
        });

    // Lines with the same names one after the other are a table.
    private static Rows Draw(List<OperatorLineResponse> frame)
    {
        var parts = new List<IRenderable>();
        var start = 0;
        for (var i = 1; i <= frame.Count; i++)
        {
            if (i == frame.Count || !frame[i].Values!.Keys.SequenceEqual(frame[start].Values!.Keys))
            {
                parts.Add(Draw(frame[start..i].ConvertAll(line => line.Values!)));
                start = i;
            }
        }

        return new Rows(parts);
    }

    private static Table Draw(List<IReadOnlyDictionary<string, string>> rows)
    {
        var table = new Table { Border = TableBorder.None };
        foreach (var name in rows[0].Keys)
        {
            var isNumber = rows.TrueForAll(row => row[name].All(c => char.IsAsciiDigit(c) || c == '.'));
            table.AddColumn(new TableColumn(new Text(name, Quiet)) { NoWrap = true, Alignment = isNumber ? Justify.Right : Justify.Left });
        }

        foreach (var row in rows)
        {
            table.AddRow(row.Select(value => new Text(Printable(value.Value), StyleOf(value.Key, value.Value)) { Overflow = Overflow.Ellipsis }));
        }

        return table;
    }

    // Log lines may hold what strangers have sent: nothing of it may steer the terminal.
    private static string Printable(string value) => string.Concat(value.Select(c => char.IsControl(c) ? ' ' : c));

    private static Style StyleOf(string name, string value) => (name, value) switch
    {
        ("state", "running") or ("status" or "event", "up") or ("reachability" or "event", "reachable") => Good,
        ("state", "paused") or ("reachability" or "event", "unreachable") or ("status" or "event", "down") or ("level", "Error" or "Critical") => Bad,
        ("unreachable" or "notCounting", not "0") => Bad,
        ("state", "live" or "final" or "reconciled") or ("status", "active") or ("reachability", _) => Style.Plain,
        ("state" or "status" or "event", _) or ("level", "Warning") or ("reason", _) => Doubtful,
        ("level", _) => Quiet,
        _ => Style.Plain,
    };
}
