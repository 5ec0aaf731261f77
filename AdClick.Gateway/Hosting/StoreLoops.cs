using AdClick.Actors.ClickLog;
using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Sqlite;
using AdClick.Actors.Partitions;

namespace AdClick.Gateway.Hosting;

/// <summary>Keeps the rollups of the metrics store up to date, and clears out what the journal no longer needs.</summary>
internal sealed partial class StoreLoops : BackgroundService
{
    private const int MaxBucketsAtOnce = 5_000; // some 50 ms of writing: a flush waits no longer than that

    private static readonly TimeSpan RollupPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PurgePause = TimeSpan.FromSeconds(30);

    private readonly SqliteMetricsStore _store;
    private readonly SqliteJournalPurge _journal;
    private readonly IClickLog _log;
    private readonly TimeProvider _time;
    private readonly ILogger<StoreLoops> _logger;

    /// <summary>Loops over one store and journal.</summary>
    public StoreLoops(SqliteMetricsStore store, SqliteJournalPurge journal, IClickLog log, TimeProvider time, ILogger<StoreLoops> logger)
    {
        _store = store;
        _journal = journal;
        _log = log;
        _time = time;
        _logger = logger;
    }

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(
        RepeatAsync("rollups", RollupPause, RollUpAsync, stoppingToken),
        RepeatAsync("journal purge", PurgePause, PurgeAsync, stoppingToken));

    private async Task RollUpAsync(CancellationToken cancellationToken)
    {
        while (await _store.RecomputeRollupsAsync(MaxBucketsAtOnce, cancellationToken) > 0)
        {
            await Task.Yield();
        }
    }

    private async Task PurgeAsync(CancellationToken cancellationToken) =>
        await _journal.PurgeAsync(await _store.ReadProgressAsync(_log.Identity.Epoch, cancellationToken), cancellationToken);

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
                catch (Exception e) when (e is MetricsStoreUnavailableException or MetricsStoreDamagedException)
                {
                    // Nothing waits for these: queries count minutes where a rollup is stale, and the journal is only larger.
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
