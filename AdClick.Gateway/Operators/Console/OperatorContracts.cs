using System.ComponentModel;
using System.Text.Json.Serialization;
using AdClick.Gateway.Api;

namespace AdClick.Gateway.Operators.Console;

/// <summary>Answer to <c>GET /v1/operator/commands</c>.</summary>
/// <param name="Commands">The commands, by palette.</param>
internal sealed record OperatorCommandList(IReadOnlyList<OperatorCommandResponse> Commands);

/// <summary>A command as it is listed.</summary>
/// <param name="Palette">Palette.</param>
/// <param name="Name">Name.</param>
/// <param name="Description">Description.</param>
/// <param name="Usage">Usage.</param>
/// <param name="Live">Whether it goes on.</param>
/// <param name="Confirmation">What is asked before.</param>
/// <param name="Arguments">What it takes.</param>
internal sealed record OperatorCommandResponse(
    [property: Description("First word of the command.")] string Palette,
    [property: Description("Second word.")] string Name,
    string Description,
    [property: Description("How it is called, in a line.")] string Usage,
    [property: Description("Whether it goes on until the connection ends.")] bool Live,
    [property: Description("What has to be confirmed; absent for a command that does no harm.")] string? Confirmation,
    IReadOnlyList<OperatorArgumentResponse> Arguments)
{
    /// <summary>A command as it is listed.</summary>
    public static OperatorCommandResponse Of(OperatorCommand command) => new(
        command.Palette, command.Name, command.Description, OperatorCall.Usage(command), command.IsLive, command.Confirmation,
        [.. command.Arguments.Select(argument => new OperatorArgumentResponse(argument.Name, argument.Switch, argument.Description, argument.IsRequired, argument.IsFlag))]);
}

/// <summary>What a command takes.</summary>
/// <param name="Name">Name.</param>
/// <param name="Switch">Short form.</param>
/// <param name="Description">Description.</param>
/// <param name="Required">Whether it must be given.</param>
/// <param name="Flag">Whether it has no value.</param>
internal sealed record OperatorArgumentResponse(
    [property: Description("Long form, without its dashes.")] string Name,
    [property: Description("Short form.")] string Switch,
    string Description,
    bool Required,
    [property: Description("Whether it stands alone, without a value.")] bool Flag);

/// <summary>Body of <c>POST /v1/operator/commands</c>.</summary>
internal sealed record RunOperatorCommandRequest
{
    /// <summary>The command.</summary>
    [Needed, Description("Palette, command and what it takes, such as [\"cluster\", \"down\", \"-a\", \"10.0.0.7:4053\"]: at most 32 words.")]
    public IReadOnlyList<string>? Words { get; init; }

    /// <summary>Whether it is meant.</summary>
    [Description("Whether a command that asks for confirmation is meant; false when left out.")]
    public bool Confirmed { get; init; }
}

/// <summary>A line of the answer to <c>POST /v1/operator/commands</c>: what the command says, or, as the last one, how it ended.</summary>
/// <param name="Text">For people.</param>
/// <param name="Values">For programs.</param>
/// <param name="FrameLines">How many lines belong together.</param>
/// <param name="Done">Whether the command came through; only in the last line.</param>
/// <param name="Error">Why it did not.</param>
internal sealed record OperatorLineResponse(
    [property: Description("The line as people read it; absent in the last line.")] string? Text = null,
    [property: Description("The same as values with names.")] IReadOnlyDictionary<string, string>? Values = null,
    [property: Description("Of a command that shows the same again and again: with how many lines, this one included, a new showing begins, which takes the place of the one before.")] int? FrameLines = null,
    [property: Description("In the last line: whether the command came through. An answer without a last line broke off.")] bool? Done = null,
    [property: Description("In the last line: why it did not.")] string? Error = null);
