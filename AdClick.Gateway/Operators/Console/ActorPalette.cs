using Akka.Actor;

namespace AdClick.Gateway.Operators.Console;

/// <summary>The actors of this node.</summary>
internal sealed class ActorPalette : IOperatorPalette
{
    private const int DefaultDepth = 8;
    private const int DefaultChildren = 20;

    private readonly ActorSystem _system;

    /// <summary>The commands on this node.</summary>
    public ActorPalette(ActorSystem system)
    {
        _system = system;
        Commands =
        [
            new("actor", "hierarchy", "The tree of actors, each with the class that it runs.", Hierarchy)
            {
                Arguments =
                [
                    new("start", "-s", "Path to begin at, such as /user; / by default."),
                    new("depth", "-d", $"Generations to show, 1 to 100; {DefaultDepth} by default."),
                    new("children", "-n", $"Children to show of an actor, 1 to 100000; {DefaultChildren} by default, and the number of the others."),
                ],
            },
        ];
    }

    /// <inheritdoc/>
    public IReadOnlyList<OperatorCommand> Commands { get; }

    private IAsyncEnumerable<OperatorLine> Hierarchy(OperatorCall call)
    {
        var depth = call.Number("depth", DefaultDepth, 1, 100);
        var children = call.Number("children", DefaultChildren, 1, 100_000);
        return OperatorLines.All(Walk(Find(call.Find("start") ?? "/"), 0, depth, children));
    }

    private ActorRefWithCell Find(string start)
    {
        var actor = (ActorRefWithCell)((ExtendedActorSystem)_system).Provider.RootGuardian;
        foreach (var name in start.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            actor = actor.Children.OfType<ActorRefWithCell>().FirstOrDefault(child => child.Path.Name == name)
                ?? throw new OperatorCommandException($"There is no actor {start} on this node: {actor.Path.ToStringWithoutAddress()} has no child '{name}'.");
        }

        return actor;
    }

    private static IEnumerable<OperatorLine> Walk(ActorRefWithCell actor, int level, int depth, int most)
    {
        var indent = new string(' ', level * 2);
        yield return OperatorLine.Of(("actor", $"{indent}{(level == 0 ? actor.Path.ToStringWithoutAddress() : actor.Path.Name)}"), ("type", actor.Underlying.Props.Type.Name));
        if (level + 1 >= depth)
        {
            yield break;
        }

        var children = actor.Children.OfType<ActorRefWithCell>().OrderBy(child => child.Path.Name.Length).ThenBy(child => child.Path.Name, StringComparer.Ordinal).ToList();
        foreach (var child in children.Take(most))
        {
            foreach (var line in Walk(child, level + 1, depth, most))
            {
                yield return line;
            }
        }

        if (children.Count > most)
        {
            yield return OperatorLine.Of($"{indent}  … {children.Count - most} more");
        }
    }
}
