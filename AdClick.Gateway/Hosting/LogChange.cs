using AdClick.Actors.ClickLog.Embedded;
using AdClick.Actors.Metrics;
using AdClick.Actors.Partitions.Repartitioning;

namespace AdClick.Gateway.Hosting;

/// <summary>
/// What is left to do when the metrics store has switched to a new embedded log: the log takes the place of the one before, and what is saved of that one
/// goes. The switch alone decides; this is done behind it, by the command that switched or, if it was killed, by whoever opens the data folder next.
/// </summary>
internal static partial class LogChange
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Finishes a change as <see cref="FinishAsync"/> does, as soon as the database can say whether there is one: until then nobody knows which of two logs the
    /// clicks belong into. Without a log that stands beside, the database isn't asked.
    /// </summary>
    /// <exception cref="IOException">A folder can't be renamed, or a file not be written.</exception>
    /// <exception cref="OperationCanceledException">The node was told to stop.</exception>
    public static async Task<bool> FinishOnceDatabaseAnswersAsync(
        DataFolder folder, IMetricsStore store, IFormerLogsPurge purge, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        for (var pause = ShortestPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                return await FinishAsync(folder, store, purge);
            }
            catch (MetricsStoreUnavailableException e)
            {
                LogWaits(logger, new EmbeddedLogFolders(folder.ClickLog).Next, e.Message);
            }

            // Half of it at random: nodes that lost their database together don't all come at once.
            await Task.Delay(pause * (0.5 + (Random.Shared.NextDouble() / 2)), time, cancellationToken);
        }
    }

    /// <summary>Finishes a change, if one was switched and not finished.</summary>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="IOException">A folder can't be renamed, or a file not be written.</exception>
    public static async Task<bool> FinishAsync(DataFolder folder, IMetricsStore store, IFormerLogsPurge purge)
    {
        var folders = new EmbeddedLogFolders(folder.ClickLog);
        if (folders.FindNext() is not { } next || (await store.FindLogAsync(CancellationToken.None))?.Epoch != next.Epoch)
        {
            return false;
        }

        await purge.PurgeAllButAsync(next.Epoch, CancellationToken.None);
        folders.PromoteNext(); // last: as long as the next log stands beside, there is something to finish
        return true;
    }

    [LoggerMessage(
        LogLevel.Warning,
        "A change of the number of partitions was interrupted: {Folder} stands beside the click log. The node waits for the database, which knows which of them counts: {Reason}")]
    private static partial void LogWaits(ILogger logger, string folder, string reason);
}
