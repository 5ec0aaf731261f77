using AdClick.Actors.ClickLog;
using AdClick.Actors.Metrics;

namespace AdClick.Gateway.Hosting;

/// <summary>
/// Sees to it that a node in a cluster appends to the log that the database counts. Whoever counts finds that out by itself; a node that only takes clicks, with a wrong topic or broker, would redirect people
/// whose clicks nobody counts (I1).
/// </summary>
internal sealed partial class LogCheck : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // With the database away no ad is known, and so no click taken, by a node that has just started.
    private static readonly TimeSpan PatienceAtStart = TimeSpan.FromSeconds(3);

    private readonly IMetricsStore _store;
    private readonly IClickLog _log;
    private readonly ProcessExit _exit;
    private readonly TimeProvider _time;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly ILogger<LogCheck> _logger;

    /// <summary>Checks one node.</summary>
    public LogCheck(IMetricsStore store, IClickLog log, ProcessExit exit, TimeProvider time, IHostApplicationLifetime lifetime, ILogger<LogCheck> logger)
    {
        _store = store;
        _log = log;
        _exit = exit;
        _time = time;
        _lifetime = lifetime;
        _logger = logger;
    }

    /// <inheritdoc/>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(PatienceAtStart);
        try
        {
            if (Problem(await _store.FindLogAsync(patience.Token)) is { } problem)
            {
                throw new StartupException(problem);
            }
        }
        catch (Exception e) when (e is MetricsStoreUnavailableException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            await base.StartAsync(cancellationToken); // goes on asking
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (Problem(await _store.FindLogAsync(stoppingToken)) is { } problem)
                {
                    LogRefused(problem);
                    _exit.Code = StartupException.ExitCode;
                    _lifetime.StopApplication();
                }

                return;
            }
            catch (MetricsStoreUnavailableException)
            {
                await Task.Delay(Pause, _time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return; // the node stops
            }
        }
    }

    private string? Problem(LogIdentity? counted) => counted is null || counted == _log.Identity ? null :
        $"The database counts click log {counted.Epoch} in {counted.Partitions} partitions, but this node's click log is {_log.Identity.Epoch} in {_log.Identity.Partitions}: clicks that it took would never be "
        + "counted. Correct AdClick:Kafka:BootstrapServers, AdClick:Kafka:Topic, AdClick:Partitions or ConnectionStrings:AdClick; every node needs the same ones.";

    [LoggerMessage(LogLevel.Critical, "AdClick does not go on. {Reason}")]
    private partial void LogRefused(string reason);
}
