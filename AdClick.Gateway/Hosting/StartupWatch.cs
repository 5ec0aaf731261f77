using AdClick.Actors.ClickLog;
using AdClick.Actors.Partitions;

namespace AdClick.Gateway.Hosting;

/// <summary>
/// Watches the partitions until each has run once. One that is paused before that, because what it found is damaged or doesn't fit together, ends the process
/// with exit code 2. Later the node goes on: clicks are still logged and redirected, and the node says that it is not ready.
/// </summary>
internal sealed partial class StartupWatch : BackgroundService
{
    private readonly PartitionBoard _board;
    private readonly IClickLog _log;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly ILogger<StartupWatch> _logger;

    /// <summary>Watches one node.</summary>
    public StartupWatch(PartitionBoard board, IClickLog log, IHostApplicationLifetime lifetime, ILogger<StartupWatch> logger)
    {
        _board = board;
        _log = log;
        _lifetime = lifetime;
        _logger = logger;
    }

    /// <summary>What the process ends with.</summary>
    public int ExitCode { get; private set; }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = new HashSet<int>();
        try
        {
            while (started.Count < _log.Identity.Partitions)
            {
                var change = _board.NextChange;
                foreach (var status in _board.Snapshot())
                {
                    if (status.Phase == PartitionPhase.Paused && !started.Contains(status.Partition))
                    {
                        LogRefused(status.Reason ?? $"Partition {status.Partition} does not start.");
                        ExitCode = StartupException.ExitCode;
                        _lifetime.StopApplication();
                        return;
                    }

                    if (status.Phase == PartitionPhase.Running)
                    {
                        started.Add(status.Partition);
                    }
                }

                if (started.Count < _log.Identity.Partitions)
                {
                    await change.WaitAsync(stoppingToken);
                }
            }

            LogReady(started.Count);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The node stops before it was ready.
        }
    }

    [LoggerMessage(LogLevel.Critical, "AdClick does not start. {Reason}")]
    private partial void LogRefused(string reason);

    [LoggerMessage(LogLevel.Information, "All {Partitions} partitions count.")]
    private partial void LogReady(int partitions);
}
