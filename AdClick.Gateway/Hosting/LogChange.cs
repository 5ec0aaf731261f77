using AdClick.Actors.ClickLog.Embedded;
using AdClick.Actors.Metrics;
using AdClick.Actors.Partitions.Repartitioning;

namespace AdClick.Gateway.Hosting;

/// <summary>
/// What is left to do when the metrics store has switched to a new embedded log: the log takes the place of the one before, and what is saved of that one
/// goes. The switch alone decides; this is done behind it, by the command that switched or, if it was killed, by whoever opens the data folder next.
/// </summary>
internal static class LogChange
{
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
}
