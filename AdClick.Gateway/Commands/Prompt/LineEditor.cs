namespace AdClick.Gateway.Commands.Prompt;

/// <summary>Reads lines on a terminal, with the keys of a shell: cursor, history, Tab. It redraws one row; a line that is longer scrolls in it.</summary>
internal sealed class LineEditor
{
    private const int LeastRoom = 10; // columns for text, however narrow the terminal is

    private readonly Func<ConsoleKeyInfo> _readKey;
    private readonly TextWriter _output;
    private readonly Func<int> _columns;
    private readonly PromptHistory _history;
    private readonly CommandCompletion _completion;
    private int _firstShown;

    /// <summary>An editor on a terminal.</summary>
    /// <param name="readKey">Waits for a key, Ctrl-C included.</param>
    /// <param name="output">The terminal; must know the sequences of ANSI.</param>
    /// <param name="columns">Its width.</param>
    /// <param name="history">Lines from before.</param>
    /// <param name="completion">What Tab completes to.</param>
    public LineEditor(Func<ConsoleKeyInfo> readKey, TextWriter output, Func<int> columns, PromptHistory history, CommandCompletion completion)
    {
        _readKey = readKey;
        _output = output;
        _columns = columns;
        _history = history;
        _completion = completion;
    }

    /// <summary>Reads a command and remembers it; null when there are no more (Ctrl-D on an empty line).</summary>
    public string? ReadCommand(string prompt)
    {
        var line = Read(prompt, _history.Recall(), _completion);
        if (line is not null)
        {
            _history.Add(line);
        }

        return line;
    }

    /// <summary>Reads an answer, without history and completion; null when there is none.</summary>
    public string? ReadAnswer(string question) => Read(question, null, null);

    private string? Read(string prompt, PromptHistory.Walk? past, CommandCompletion? completion)
    {
        var line = new EditedLine();
        _firstShown = 0;
        for (var isFirst = true; ; isFirst = false)
        {
            Draw(prompt, line);
            var key = _readKey();
            var isControl = key.Modifiers.HasFlag(ConsoleModifiers.Control);
            switch (key.Key)
            {
                case ConsoleKey.Enter:
                    End();
                    return line.Text;
                case ConsoleKey.D when isControl && line.Text.Length == 0:
                case ConsoleKey.D2 when isControl && isFirst && key.KeyChar == '\0': // Ctrl-D that was typed before keys were read, as the terminal then hands it over
                    End();
                    return null;
                case ConsoleKey.C when isControl:
                    _output.Write("^C");
                    End();
                    if (past is null)
                    {
                        return null; // an answer that is not given
                    }

                    line.Replace("");
                    past = _history.Recall();
                    break;
                case ConsoleKey.Tab:
                    if (completion is not null)
                    {
                        Complete(line, completion);
                    }

                    break;
                case ConsoleKey.UpArrow:
                case ConsoleKey.P when isControl:
                    Replace(line, past?.Older(line.Text));
                    break;
                case ConsoleKey.DownArrow:
                case ConsoleKey.N when isControl:
                    Replace(line, past?.Newer());
                    break;
                case ConsoleKey.L when isControl:
                    _output.Write("\e[H\e[2J");
                    break;
                default:
                    Edit(line, key, isControl);
                    break;
            }
        }
    }

    private static void Replace(EditedLine line, string? text)
    {
        if (text is not null)
        {
            line.Replace(text);
        }
    }

    private static void Edit(EditedLine line, ConsoleKeyInfo key, bool isControl)
    {
        switch (key.Key)
        {
            case ConsoleKey.Backspace:
                line.Backspace();
                break;
            case ConsoleKey.Delete:
            case ConsoleKey.D when isControl:
                line.Delete();
                break;
            case ConsoleKey.LeftArrow when isControl:
                line.MoveToWordBefore();
                break;
            case ConsoleKey.RightArrow when isControl:
                line.MoveToWordAfter();
                break;
            case ConsoleKey.LeftArrow:
            case ConsoleKey.B when isControl:
                line.MoveTo(line.Cursor - 1);
                break;
            case ConsoleKey.RightArrow:
            case ConsoleKey.F when isControl:
                line.MoveTo(line.Cursor + 1);
                break;
            case ConsoleKey.Home:
            case ConsoleKey.A when isControl:
                line.MoveTo(0);
                break;
            case ConsoleKey.End:
            case ConsoleKey.E when isControl:
                line.MoveTo(int.MaxValue);
                break;
            case ConsoleKey.U when isControl:
                line.RemoveBefore();
                break;
            case ConsoleKey.K when isControl:
                line.RemoveAfter();
                break;
            case ConsoleKey.W when isControl:
                line.RemoveWordBefore();
                break;
            default:
                if (!char.IsControl(key.KeyChar))
                {
                    line.Insert(key.KeyChar.ToString());
                }

                break;
        }
    }

    // As a shell does: what is certain is put in; where there are several, they are listed below the line.
    private void Complete(EditedLine line, CommandCompletion completion)
    {
        var (start, candidates) = completion.Find(line.BeforeCursor);
        if (candidates.Count == 0)
        {
            return;
        }

        var typed = line.BeforeCursor[start..];
        var common = candidates.Aggregate((a, b) => a[..a.AsSpan().CommonPrefixLength(b)]);
        line.Insert(candidates.Count == 1 ? $"{common[typed.Length..]} " : common[typed.Length..]);
        if (candidates.Count > 1 && common.Length == typed.Length)
        {
            End();
            _output.Write(string.Join("  ", candidates));
            End();
        }
    }

    private void Draw(string prompt, EditedLine line)
    {
        var room = Math.Max(LeastRoom, _columns() - prompt.Length - 1); // the last column stays free: terminals wrap behind it
        _firstShown = Math.Clamp(_firstShown, Math.Max(0, line.Cursor - room), line.Cursor);
        var text = line.Text;
        var shown = text.Substring(_firstShown, Math.Min(room, text.Length - _firstShown));
        var column = prompt.Length + line.Cursor - _firstShown;
        _output.Write($"\r{prompt}{shown}\e[K\r{(column > 0 ? $"\e[{column}C" : "")}");
        _output.Flush();
    }

    private void End() => _output.Write('\n');
}
