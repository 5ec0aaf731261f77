using AdClick.Gateway.Operators.Console;
using Akka.Actor;
using Petabridge.Cmd;
using Petabridge.Cmd.Host;

namespace AdClick.Gateway.Operators.PetabridgeConsole;

/// <summary>The palette <c>clicks</c> for Petabridge.Cmd: the same commands as in AdClick's own console, described from the same set.</summary>
internal sealed class ClicksPaletteHandler : CommandPaletteHandler
{
    /// <summary>The palette's name. The others are Petabridge's own.</summary>
    public const string Palette = "clicks";

    /// <summary>What confirms a command that does harm: <c>-y yes</c>, since the protocol does not let a server ask.</summary>
    public const string Confirmation = "yes";

    /// <summary>A palette.</summary>
    /// <param name="commands">The node's commands.</param>
    /// <param name="logger">Takes who runs what.</param>
    public ClicksPaletteHandler(OperatorCommands commands, ILogger<ClicksPaletteHandler> logger)
        : this(new CommandPalette(Palette, [.. Of(commands).Select(Define)]), commands, logger)
    {
    }

    private ClicksPaletteHandler(CommandPalette palette, OperatorCommands commands, ILogger logger)
        : base(palette) => HandlerProps = Props.Create(() => new ClicksCommandHandler(palette, commands, logger));

    /// <inheritdoc/>
    public override Props HandlerProps { get; }

    /// <summary>The commands of the palette.</summary>
    public static IEnumerable<OperatorCommand> Of(OperatorCommands commands) => commands.All.Where(command => command.Palette == Palette);

    private static CommandDefinition Define(OperatorCommand command)
    {
        var definition = new CommandDefinitionBuilder().WithName(command.Name).WithDescription(command.Description);
        foreach (var argument in command.Arguments)
        {
            definition.WithArgument(builder => builder
                .WithName(argument.Name).WithDescription(argument.Description).WithSwitch(argument.Switch).WithSwitch($"--{argument.Name}").IsMandatory(argument.IsRequired));
        }

        if (command.Confirmation is { } harm)
        {
            definition.WithArgument(builder => builder
                .WithName(Confirmation).WithDescription($"{harm} '-y {Confirmation}' says that this is meant.").WithSwitch("-y").WithSwitch($"--{Confirmation}").IsMandatory(true));
        }

        return definition.Build();
    }
}

/// <summary>Runs the commands of one connection.</summary>
internal sealed partial class ClicksCommandHandler : CommandHandlerActor
{
    private const string Operator = "whoever uses Petabridge.Cmd on this machine";

    private readonly CancellationTokenSource _disconnected = new();
    private readonly OperatorCommands _commands;
    private readonly ILogger _logger;

    /// <summary>Made for each connection.</summary>
    public ClicksCommandHandler(CommandPalette palette, OperatorCommands commands, ILogger logger) : base(palette)
    {
        _commands = commands;
        _logger = logger;
        foreach (var command in ClicksPaletteHandler.Of(commands))
        {
            Process(command.Name, (_, arguments) => Start(command, arguments));
        }
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        _disconnected.Cancel();
        _disconnected.Dispose();
        base.PostStop();
    }

    private void Start(OperatorCommand command, CommandArguments? arguments)
    {
        List<string> words = [command.Palette, command.Name];
        foreach (var argument in command.Arguments)
        {
            if (ValueOf(arguments, argument.Name) is { } value)
            {
                words.AddRange(argument.IsFlag ? [argument.Switch] : [argument.Switch, value]);
            }
        }

        var isConfirmed = ValueOf(arguments, ClicksPaletteHandler.Confirmation) == ClicksPaletteHandler.Confirmation;
        _ = RunAsync(words, isConfirmed, Sender, _disconnected.Token);
    }

    private static string? ValueOf(CommandArguments? arguments, string name) => arguments?.ArgumentValues(name).FirstOrDefault();

    private async Task RunAsync(List<string> words, bool isConfirmed, IActorRef client, CancellationToken disconnected)
    {
        try
        {
            var call = _commands.Parse(words, Operator, disconnected);
            if (call.Command.Confirmation is { } harm && !isConfirmed)
            {
                throw new OperatorCommandException($"{harm} If that is meant, say -y {ClicksPaletteHandler.Confirmation}.");
            }

            LogRun(Operator, string.Join(' ', words));
            await foreach (var line in call.Command.RunAsync(call).WithCancellation(disconnected))
            {
                client.Tell(new CommandResponse(line.Text, final: false), ActorRefs.NoSender);
            }

            client.Tell(CommandResponse.Empty, ActorRefs.NoSender);
        }
        catch (OperationCanceledException) when (disconnected.IsCancellationRequested)
        {
            // Nobody listens any more.
        }
#pragma warning disable CA1031 // Whoever asked has to hear what went wrong.
        catch (Exception e)
#pragma warning restore CA1031
        {
            client.Tell(new ErroredCommandResponse(e.Message), ActorRefs.NoSender);
        }
    }

    [LoggerMessage(LogLevel.Information, "Operator {By} runs: {Words}")]
    private partial void LogRun(string by, string words);
}
