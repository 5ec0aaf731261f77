namespace AdClick.Benchmarks.Load;

/// <summary>
/// Has the runtime run what follows a socket's answer on the thread that found it, instead of handing it to the thread pool: half the generator's cost.
/// </summary>
internal static class InlineSockets
{
    private static readonly string[] Variables = ["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT"];

    /// <summary>Takes effect if no socket was used in the process before.</summary>
    public static void Use() => Array.ForEach(Variables, variable => Environment.SetEnvironmentVariable(variable, "1"));

    /// <summary>Keeps it from a child process: a gateway under test runs as it is shipped.</summary>
    public static void RemoveFrom(IDictionary<string, string?> environment) => Array.ForEach(Variables, variable => environment.Remove(variable));
}
