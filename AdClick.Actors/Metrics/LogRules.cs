using System.Globalization;
using AdClick.Actors.ClickLog;

namespace AdClick.Actors.Metrics;

/// <summary>A store counts one log (I2): absolute counts of another would be mixed up with those that are there.</summary>
internal static class LogRules
{
    /// <summary>Whether the stored log gives way to another, because nothing was ever read from it.</summary>
    /// <param name="database">What to call the database.</param>
    /// <param name="stored">The log that the store belongs to.</param>
    /// <param name="log">The log that is to be counted.</param>
    /// <param name="progress">Progress in the stored log.</param>
    /// <exception cref="LogMismatchException">The store belongs to another log, or to another number of partitions.</exception>
    public static bool IsReplaced(string database, LogIdentity stored, LogIdentity log, IEnumerable<PartitionProgress> progress)
    {
        if (stored.Epoch == log.Epoch)
        {
            return stored.Partitions == log.Partitions
                ? false
                : throw new LogMismatchException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"The {database} counts log {log.Epoch} in {stored.Partitions} partitions, but the log now has {log.Partitions}. The number of "
                    + $"partitions is fixed when a log is created: set AdClick:Partitions back to {stored.Partitions}; "
                    + $"docs/operations.md says how to change it."));
        }

        // Of two numbers of one minute only the greater would stay.
        return progress.Any(row => row.FlushedOffset > 0 || row.ContinuesAnotherLog)
            ? throw new LogMismatchException(
                $"The {database} holds the counts of click log {stored.Epoch}, but the click log is {log.Epoch}: the log was deleted or replaced, or "
                + "the database comes from elsewhere. Counting on would give wrong numbers. Restore log, journal and metrics database from one "
                + "backup, or start with an empty data folder.")
            : true;
    }

    /// <summary>Refuses a move to another log that is not as its caller believes.</summary>
    /// <param name="database">What to call the database.</param>
    /// <param name="current">The store's log, if it has one.</param>
    /// <param name="stored">Its progress rows.</param>
    /// <param name="from">What the caller has read of them.</param>
    /// <param name="to">The log to move to.</param>
    /// <param name="isKnown">Whether the store has known that one before.</param>
    /// <exception cref="LogMismatchException">The store is not at these logs.</exception>
    /// <exception cref="StaleOwnerException">A partition was acquired or flushed since it was read.</exception>
    public static void RefuseMove(
        string database, LogIdentity? current, IEnumerable<PartitionProgress> stored, IReadOnlyList<PartitionProgress> from, LogIdentity to, bool isKnown)
    {
        if (current is null || from.Count != current.Partitions || from.Any(row => row.LogEpoch != current.Epoch))
        {
            throw new LogMismatchException($"The {database} does not count the log that was to be left.");
        }

        if (isKnown)
        {
            throw new LogMismatchException($"The {database} has counted log {to.Epoch} before; a log is moved to once.");
        }

        var now = stored.ToDictionary(row => row.Partition);
        foreach (var row in from)
        {
            if (!now.TryGetValue(row.Partition, out var found) || found.OwnerEpoch != row.OwnerEpoch || found.FlushedOffset != row.FlushedOffset)
            {
                throw new StaleOwnerException(
                    $"Partition {row.Partition} of log {current.Epoch} was counted by another process while the log was being changed: stop every node first.");
            }
        }
    }
}
