using AdClick.Actors.ClickLog;
using AdClick.Actors.Lake;
using AdClick.Actors.Partitions;

namespace AdClick.Gateway.Hosting;

/// <summary>
/// Keeps the rollups of the metrics store up to date, clears out what the journal no longer needs, and does what else the store wants done. Every node that counts
/// does so: the store lets one at a time work on rollups.
/// </summary>
internal sealed partial class StoreLoops : BackgroundService
{
    private static readonly TimeSpan RollupPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PurgePause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan UpkeepPause = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LakePause = TimeSpan.FromMinutes(1);

    private readonly NodeStorage _storage;
    private readonly LakeUpkeep _lake;
    private readonly IClickLog _log;
    private readonly PartitionBoard _board;
    private readonly bool _isAlone;
    private readonly TimeProvider _time;
    private readonly ILogger<StoreLoops> _logger;

    /// <summary>Loops over one store and journal.</summary>
    public StoreLoops(
        NodeStorage storage, LakeUpkeep lake, IClickLog log, PartitionBoard board, GatewayOptions options, TimeProvider time, ILogger<StoreLoops> logger)
    {
        _storage = storage;
        _lake = lake;
        _log = log;
        _board = board;
        _isAlone = options.Cluster is null;
        _time = time;
        _logger = logger;
    }

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(
        RepeatAsync("rollups", RollupPause, RollUpAsync, stoppingToken),
        RepeatAsync("journal purge", PurgePause, PurgeAsync, stoppingToken),
        RepeatAsync("upkeep of the data lake", LakePause, _lake.RunAsync, stoppingToken),
        _storage.Upkeep is { } upkeep ? RepeatAsync("upkeep of the metrics store", UpkeepPause, upkeep, stoppingToken) : Task.CompletedTask);

    private async Task RollUpAsync(CancellationToken cancellationToken)
    {
        while (await _storage.Rollups.RecomputeRollupsAsync(_storage.RollupBucketsAtOnce, cancellationToken) > 0)
        {
            await Task.Yield();
        }
    }

    private async Task PurgeAsync(CancellationToken cancellationToken)
    {
        var progress = await _storage.Metrics.ReadProgressAsync(_log.Identity.Epoch, cancellationToken);
        if (!_isAlone)
        {
            // Each node clears out after its own partitions: nodes that delete the same rows would wait for each other.
            var own = _board.Snapshot().Select(status => status.Partition).ToHashSet();
            progress = [.. progress.Where(row => own.Contains(row.Partition))];
        }

        await _storage.JournalPurge.PurgeAsync(progress, cancellationToken);
    }

    private async Task RepeatAsync(string what, TimeSpan pause, Func<CancellationToken, Task> work, CancellationToken stoppingToken)
    {
        var isFailing = false;
        using var timer = new PeriodicTimer(pause, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try
                {
                    await work(stoppingToken);
                    isFailing = false;
                }
                catch (Exception e) when (!stoppingToken.IsCancellationRequested)
                {
                    // Whatever it is, nothing waits for these: queries count minutes where a rollup is stale, and the journal is only larger.
                    if (!isFailing)
                    {
                        LogFailed(what, e.Message);
                    }

                    isFailing = true;
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The node stops.
        }
    }

    [LoggerMessage(LogLevel.Warning, "The {Work} could not be done now and will be tried again: {Reason}")]
    private partial void LogFailed(string work, string reason);
}
