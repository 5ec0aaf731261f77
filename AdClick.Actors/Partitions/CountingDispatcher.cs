namespace AdClick.Actors.Partitions;

/// <summary>The dispatcher on which partitions and ads count (akka.hocon), apart from the one that carries heartbeats.</summary>
internal static class CountingDispatcher
{
    /// <summary>Its path in the configuration.</summary>
    public const string Path = "akka.actor.counting-dispatcher";
}
