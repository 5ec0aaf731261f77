using AdClick.Gateway.Commands.Prompt;
using AdClick.Gateway.Operators.Console;
using Xunit;

namespace AdClick.Tests.Gateway.Operators.Console;

/// <summary>What keys make of a line.</summary>
public sealed class LineEditorTests
{
    private const string Secret = "the-key";

    private static readonly OperatorCommandResponse[] Commands =
    [
        Command("cluster", "show"),
        Command("cluster", "down", "Really?", ("address", "-a")),
        Command("cluster-sharding", "list-regions"),
        Command("log", "tail", null, ("level", "-l"), ("category", "-c")),
    ];

    private readonly StringWriter _shown = new();
    private readonly PromptHistory _history = new(null, Secret);

    [Theory]
    [InlineData("cluster show", "cluster show\r")]
    [InlineData("abXd", "abcd\e[D\x7fX\r")]
    [InlineData("Xabc", "abc\x01X\r")]
    [InlineData("abcX", "abc\x01\x05X\r")]
    [InlineData("bc", "abc\e[H\e[3~\r")]
    [InlineData("one X", "one two\x17X\r")]
    [InlineData("X", "one two\x15X\r")]
    [InlineData("one", "one two\x01\x06\x06\x06\x0b\r")]
    [InlineData("X two", "one two\e[1;5D\e[1;5D\e[1;5CX\x01\e[3~\e[3~\e[3~\r")]
    [InlineData("", "one\x03\r")]
    public void Keys_move_the_cursor_and_change_the_line(string expected, string keys) => Assert.Equal(expected, Read(keys));

    [Fact]
    public void Ctrl_D_ends_on_an_empty_line_only()
    {
        Assert.Null(Read("\x04"));
        Assert.Equal("bc", Read("abc\x01\x04\r"));
    }

    [Fact]
    public void Ctrl_D_that_was_typed_before_keys_were_read_comes_as_NUL_and_ends_as_well()
    {
        Assert.Null(Read("\0"));
        Assert.Equal("a", Read("a\0\r")); // there it is Ctrl-Space
    }

    [Theory]
    [InlineData("log tail ", "lo\tt\t\r")]
    [InlineData("cluster ", "clu\t \r")] // two begin so: what they share
    [InlineData("cluster-sharding list-regions ", "cluster-\t\t\r")]
    [InlineData("help cluster down ", "he\tcluster d\t\r")]
    [InlineData("log tail --level Warning ", "log tail --l\tW\t\r")]
    [InlineData("cluster down -a 10.0.0.7:1 --yes ", "cluster down -a 10.0.0.7:1 --y\t\r")]
    [InlineData("nothing", "nothing\t\r")]
    [InlineData("exit ", "ex\t\r")]
    public void Tab_completes_what_is_certain(string expected, string keys) => Assert.Equal(expected, Read(keys));

    [Fact]
    public void Where_several_words_are_possible_they_are_listed_and_the_line_stays()
    {
        Assert.Equal("cluster", Read("cluster\t\r"));
        Assert.Contains("\ncluster  cluster-sharding\n", _shown.ToString(), StringComparison.Ordinal);
        Assert.Equal("log tail ", Read("log tail \t\t\r").Replace("--", "", StringComparison.Ordinal));
        Assert.Contains("\n--category  --json  --level\n", _shown.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Lines_come_back_with_what_was_being_typed_at_the_end()
    {
        Read("first\r");
        Read("second\r");
        Read("second\r"); // once is enough
        Assert.Equal("first", Read("\e[A\e[A\r"));
        Assert.Equal("half", Read("half\e[A\e[A\e[B\e[B\r"));
        Assert.Equal(["first", "second", "first", "half"], _history.Lines);
        Assert.Equal("first", Read("\e[A\e[A\e[A\e[A\e[A\e[A\r"));
    }

    [Fact]
    public void A_line_that_is_longer_than_the_terminal_scrolls_in_its_row()
    {
        var text = string.Concat(Enumerable.Range(0, 60).Select(i => (char)('a' + (i % 26))));
        Assert.Equal(text, Read(text + "\r"));
        var rows = _shown.ToString().Split('\r').Select(row => row.Split('\e')[0]).ToList();
        Assert.All(rows, row => Assert.True(row.TrimEnd('\n').Length < 40, row));
        Assert.Contains(rows, row => row.StartsWith("> ", StringComparison.Ordinal) && row.EndsWith(text[^5..], StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_secret_or_begins_with_a_space_is_not_remembered_and_the_file_is_its_owner_s()
    {
        var file = Path.Combine(Path.GetTempPath(), $"adclick-{Guid.NewGuid():N}", "state", "pbm-history");
        try
        {
            var history = new PromptHistory(file, Secret);
            foreach (var line in (string[])["cluster show", $"log level -l {Secret}", " quiet", "", "log tail"])
            {
                history.Add(line);
            }

            Assert.Equal(["cluster show", "log tail"], File.ReadAllLines(file));
            Assert.Equal(["cluster show", "log tail"], new PromptHistory(file, Secret).Lines);
            if (!OperatingSystem.IsWindows())
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            }

            for (var i = 0; i < 600; i++)
            {
                history.Add($"line {i}");
            }

            Assert.Equal(500, File.ReadAllLines(file).Length);
            new PromptHistory("/proc/nobody/may", Secret).Add("this"); // in memory only
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(Path.GetDirectoryName(file))!, recursive: true);
        }
    }

    [Theory]
    [InlineData("a  b\tc ", "a", "b", "c")]
    [InlineData("""-c "two words" 'it"s' """, "-c", "two words", "it\"s")]
    [InlineData("a\"b c\"d ''", "ab cd", "")]
    [InlineData("")]
    public void Words_are_apart_by_spaces_and_together_in_quotes(string line, params string[] words) => Assert.Equal(words, CommandWords.Of(line));

    private string Read(string keys)
    {
        var typed = new Queue<ConsoleKeyInfo>(Keys(keys));
        return new LineEditor(typed.Dequeue, _shown, () => 40, _history, new CommandCompletion(Commands)).ReadCommand("> ")!;
    }

    private static OperatorCommandResponse Command(string palette, string name, string? confirmation = null, params (string Name, string Switch)[] arguments) => new(
        palette, name, "", "", false, confirmation, [.. arguments.Select(argument => new OperatorArgumentResponse(argument.Name, argument.Switch, "", false, false))]);

    // As .NET reads them from a terminal.
    private static IEnumerable<ConsoleKeyInfo> Keys(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            var rest = text[i..];
            var (sequence, key, isControl) = rest switch
            {
                _ when rest.StartsWith("\e[1;5D", StringComparison.Ordinal) => (6, ConsoleKey.LeftArrow, true),
                _ when rest.StartsWith("\e[1;5C", StringComparison.Ordinal) => (6, ConsoleKey.RightArrow, true),
                _ when rest.StartsWith("\e[3~", StringComparison.Ordinal) => (4, ConsoleKey.Delete, false),
                _ when rest.StartsWith("\e[A", StringComparison.Ordinal) => (3, ConsoleKey.UpArrow, false),
                _ when rest.StartsWith("\e[B", StringComparison.Ordinal) => (3, ConsoleKey.DownArrow, false),
                _ when rest.StartsWith("\e[C", StringComparison.Ordinal) => (3, ConsoleKey.RightArrow, false),
                _ when rest.StartsWith("\e[D", StringComparison.Ordinal) => (3, ConsoleKey.LeftArrow, false),
                _ when rest.StartsWith("\e[H", StringComparison.Ordinal) => (3, ConsoleKey.Home, false),
                _ when c == '\r' => (1, ConsoleKey.Enter, false),
                _ when c == '\t' => (1, ConsoleKey.Tab, false),
                _ when c == '\x7f' => (1, ConsoleKey.Backspace, false),
                _ when c == '\0' => (1, ConsoleKey.D2, true),
                _ when c < ' ' => (1, ConsoleKey.A + (c - 1), true),
                _ => (1, ConsoleKey.None, false),
            };
            i += sequence - 1;
            yield return new ConsoleKeyInfo(sequence > 1 ? '\0' : c, key, false, false, isControl);
        }
    }
}
