using Akka.Actor;

namespace AdClick.Gateway.Hosting;

/// <summary>
/// Ends the process when the cluster goes on without it: after it was frozen, or cut off on the smaller side; or when remoting gave up by itself, as it does after a TLS handshake that a peer broke off. It can't come
/// back under its old membership; whoever supervises it starts it again.
/// </summary>
internal sealed partial class Membership
{
    private readonly ILogger _logger;

    private Membership(ILogger logger) => _logger = logger;

    /// <summary>Has the exit code tell that nobody asked for the end; the host stops with the actor system.</summary>
    public static void EndWith(ActorSystem system, ProcessExit exit, IHostApplicationLifetime lifetime, ILogger<Membership> logger)
    {
        var shutdown = CoordinatedShutdown.Get(system);
        shutdown.AddTask(CoordinatedShutdown.PhaseBeforeServiceUnbind, "note-membership", () =>
        {
            if (shutdown.ShutdownReason is CoordinatedShutdown.ClusterLeavingReason)
            {
                new Membership(logger).LogLeft();
            }
            else if (!lifetime.ApplicationStopping.IsCancellationRequested)
            {
                exit.Code = ProcessExit.LeftOut;
                var log = new Membership(logger);
                if (shutdown.ShutdownReason is CoordinatedShutdown.ClusterDowningReason)
                {
                    log.LogLeftOut(exit.Code);
                }
                else
                {
                    log.LogEnded(shutdown.ShutdownReason?.GetType().Name ?? "unknown", exit.Code);
                }
            }

            return Task.FromResult(Akka.Done.Instance);
        });
    }

    [LoggerMessage(LogLevel.Information, "This node leaves the cluster, as an operator has told it to: it hands its partitions over, and the process ends.")]
    private partial void LogLeft();

    [LoggerMessage(
        LogLevel.Error,
        "The cluster goes on without this node, which was cut off or did not answer for too long. The process ends with exit code {ExitCode} and is to be started again; what it had not counted, others have taken over.")]
    private partial void LogLeftOut(int exitCode);

    [LoggerMessage(
        LogLevel.Error,
        "Akka.NET shuts this node down by itself ({Reason}; the lines before say why). It hands its partitions over; the process ends with exit code {ExitCode} and is to be started again.")]
    private partial void LogEnded(string reason, int exitCode);
}
