namespace AdClick.Gateway.Api;

/// <summary>
/// Reads something from the store again and again, and goes on when the store is away; an outage is logged at its start and its end.
/// </summary>
internal abstract class StoreFollower(string what, TimeSpan interval, TimeProvider time, ILogger logger) : BackgroundService
{
    private bool _isAway;

    /// <summary>Reads once.</summary>
    protected abstract Task ReadAsync(CancellationToken cancellationToken);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(interval, time);
        try
        {
            do
            {
                await TryReadAsync(stoppingToken);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The node stops.
        }
    }

    private async Task TryReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            await ReadAsync(cancellationToken);
            if (_isAway)
            {
                logger.LogInformation("The {What} can be read again and are up to date.", what);
                _isAway = false;
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            if (!_isAway)
            {
                logger.LogError(
                    e,
                    "The {What} can't be read from the store; those known so far stay in use, and it is tried again every {Interval}.",
                    what,
                    interval);
                _isAway = true;
            }
        }
    }
}
