using AdClick.Gateway.Commands.Prompt;
using AdClick.Gateway.Operators.Console;
using Spectre.Console;
using Xunit;

namespace AdClick.Tests.Gateway.Operators.Console;

/// <summary>How answers look in a pipe and on a terminal.</summary>
public sealed class AnswerViewTests
{
    private static readonly OperatorLineResponse Done = new(Done: true);

    private readonly StringWriter _output = new();

    [Fact]
    public async Task In_a_pipe_frames_follow_each_other_with_an_empty_line_between()
    {
        Assert.Equal(Done, await ShowAsync(null, false, Line(2, "a", "1"), Line(null, "b", "2"), Line(1, "a", "3"), Done));
        Assert.Equal("1\n2\n\n3\n", _output.ToString());
    }

    [Fact]
    public async Task As_json_each_line_is_an_object_whatever_there_is()
    {
        await ShowAsync(Terminal(), true, Line(2, "a", "1"), Line(null, "b", "2"), Line(1, "a", "3"), Done);
        Assert.Equal("{\"a\":\"1\"}\n{\"b\":\"2\"}\n{\"a\":\"3\"}\n", _output.ToString());
    }

    [Fact]
    public async Task On_a_terminal_a_line_stays_one_however_long_is_coloured_and_can_t_steer_it()
    {
        var text = $"\e]0;mine\a{string.Concat(Enumerable.Repeat("word ", 100))}";
        await ShowAsync(Terminal(), false, new OperatorLineResponse("", new Dictionary<string, string> { ["level"] = "Error", ["message"] = text }), Done);
        var shown = _output.ToString();
        Assert.Contains("Error\e[0m", shown, StringComparison.Ordinal);
        Assert.Single(shown.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.DoesNotContain("\e]", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("\a", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task On_a_terminal_a_frame_is_tables_in_the_place_of_the_one_before()
    {
        await ShowAsync(Terminal(), false, Line(3, "all", "7"), Line(null, "part", "1"), Line(null, "part", "22"), Line(1, "all", "8"), Done);
        var shown = _output.ToString();
        Assert.Equal(1, shown.Split("part").Length - 1); // one header for both lines
        Assert.Matches(@"\e\[\d+A", shown); // up again
        Assert.Contains("22", shown, StringComparison.Ordinal);
    }

    private static OperatorLineResponse Line(int? frame, string name, string value) =>
        new(value, new Dictionary<string, string> { [name] = value }, frame);

    private IAnsiConsole Terminal()
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = ColorSystemSupport.Standard,
            Interactive = InteractionSupport.Yes,
            Out = new AnsiConsoleOutput(_output),
        });
        console.Profile.Width = 80;
        console.Profile.Height = 25;
        return console;
    }

    private Task<OperatorLineResponse?> ShowAsync(IAnsiConsole? terminal, bool isJson, params OperatorLineResponse[] lines) =>
        new AnswerView(_output, terminal, isJson).ShowAsync(Say(lines));

    private static async IAsyncEnumerable<OperatorLineResponse> Say(OperatorLineResponse[] lines)
    {
        await Task.CompletedTask;
        foreach (var line in lines)
        {
            yield return line;
        }
    }
}
