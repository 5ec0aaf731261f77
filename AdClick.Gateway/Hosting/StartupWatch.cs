using AdClick.Actors.Partitions;

namespace AdClick.Gateway.Hosting;

/// <summary>
/// Watches the partitions until each has run once. In a cluster of one, a partition that is paused before that, because what it found is damaged or doesn't fit
/// together, ends the process with exit code 2. Later the node goes on: clicks are still logged and redirected, and the node says that it is not ready. In a cluster of many it
/// goes on from the start: another node would only get the same partition. One that an operator has paused is as it should be.
/// </summary>
internal sealed partial class StartupWatch : BackgroundService
{
    private static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(1);

    private readonly PartitionBoard _own;
    private readonly ClusterBoard _board;
    private readonly bool _isAlone;
    private readonly ProcessExit _exit;
    private readonly TimeProvider _time;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly ILogger<StartupWatch> _logger;

    /// <summary>Watches one node.</summary>
    public StartupWatch(
        PartitionBoard own,
        ClusterBoard board,
        GatewayOptions options,
        ProcessExit exit,
        TimeProvider time,
        IHostApplicationLifetime lifetime,
        ILogger<StartupWatch> logger)
    {
        _own = own;
        _board = board;
        _isAlone = options.Cluster is null;
        _exit = exit;
        _time = time;
        _lifetime = lifetime;
        _logger = logger;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = new HashSet<int>();
        try
        {
            while (started.Count < _board.PartitionCount)
            {
                var change = _own.NextChange;
                foreach (var (_, status, _) in _board.Partitions().Values)
                {
                    if (_isAlone && status is { Phase: PartitionPhase.Paused, PausedBy: null } && !started.Contains(status.Partition))
                    {
                        LogRefused(status.Reason ?? $"Partition {status.Partition} does not start.");
                        _exit.Code = StartupException.ExitCode;
                        _lifetime.StopApplication();
                        return;
                    }

                    if (status.Phase == PartitionPhase.Running || status.PausedBy is not null)
                    {
                        started.Add(status.Partition);
                    }
                }

                if (started.Count < _board.PartitionCount)
                {
                    // Partitions here tell at once; those of other nodes are in the reports.
                    await Task.WhenAny(change, Task.Delay(_isAlone ? Timeout.InfiniteTimeSpan : ReportInterval, _time, stoppingToken));
                    stoppingToken.ThrowIfCancellationRequested();
                }
            }

            var paused = _board.Partitions().Values.Where(partition => partition.Status.PausedBy is not null).Select(partition => partition.Status.Partition).ToList();
            if (paused.Count == 0)
            {
                LogReady(started.Count);
            }
            else
            {
                LogReadyButPaused(started.Count - paused.Count, string.Join(", ", paused));
            }
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

    [LoggerMessage(LogLevel.Warning, "{Partitions} partitions count. Operators have paused: {Paused}.")]
    private partial void LogReadyButPaused(int partitions, string paused);
}
