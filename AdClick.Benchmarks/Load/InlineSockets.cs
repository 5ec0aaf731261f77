namespace AdClick.Benchmarks.Load;

/// <summary>
/// Has the runtime run what follows a socket's answer on the thread that found it, instead of handing it to the thread pool: half the generator's cost.
/// </summary>
internal static class InlineSockets
{
    private static readonly string[] Variables = ["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT"];

    /// <summary>Takes effect if no socket was used in the process before.</summary>
    public static void Use() => Array.ForEach(Variables, variable => Environment.SetEnvironmentVariable(variable, "1"));

    /// <summary>
    /// Runs work whose steps come back to the thread pool after each await. Otherwise they would go on upon the socket thread, and one that waits there, for the
    /// output of a child process for instance, would wait for itself.
    /// </summary>
    public static Task<T> RunBesideAsync<T>(Func<Task<T>> work) => Task.Factory.StartNew(
        work, CancellationToken.None, TaskCreationOptions.None, new ConcurrentExclusiveSchedulerPair().ConcurrentScheduler).Unwrap();

    /// <summary>Keeps it from a child process: a gateway under test runs as it is shipped.</summary>
    public static void RemoveFrom(IDictionary<string, string?> environment) => Array.ForEach(Variables, variable => environment.Remove(variable));
}
