using Akka.Actor;

namespace AdClick.Gateway.Hosting;

/// <summary>
/// Ends the process when the cluster goes on without it: after it was frozen, or cut off on the smaller side. It can't come back under its old membership; whoever supervises
/// it starts it again.
/// </summary>
internal sealed partial class Membership
{
    private readonly ILogger _logger;

    private Membership(ILogger logger) => _logger = logger;

    /// <summary>Has the exit code tell that the process ended for this reason; the host stops with the actor system.</summary>
    public static void EndWith(ActorSystem system, ProcessExit exit, ILogger<Membership> logger)
    {
        var shutdown = CoordinatedShutdown.Get(system);
        shutdown.AddTask(CoordinatedShutdown.PhaseBeforeServiceUnbind, "note-membership", () =>
        {
            if (shutdown.ShutdownReason is CoordinatedShutdown.ClusterDowningReason)
            {
                exit.Code = ProcessExit.LeftOut;
                new Membership(logger).LogLeftOut(exit.Code);
            }

            return Task.FromResult(Akka.Done.Instance);
        });
    }

    [LoggerMessage(
        LogLevel.Error,
        "The cluster goes on without this node, which was cut off or did not answer for too long. The process ends with exit code {ExitCode} and is to be started again; what it had not counted, others have taken over.")]
    private partial void LogLeftOut(int exitCode);
}
