using AdClick.Actors.ClickLog;

namespace AdClick.Actors.Metrics.Postgres;

/// <summary>Which log the store counts, and the move to another.</summary>
internal static class PostgresLogs
{
    /// <summary>The store's log, or null while no partition was ever acquired.</summary>
    public static async Task<LogIdentity?> FindAsync(PostgresSession session) =>
        (await PostgresProgress.ReadCurrentAsync(session).ConfigureAwait(false)).Log;

    /// <summary>Makes another log the current one, with its first progress.</summary>
    /// <exception cref="LogMismatchException">The store is not at these logs; nothing was written.</exception>
    /// <exception cref="StaleOwnerException">A partition was acquired or flushed since it was read; nothing was written.</exception>
    public static async Task<bool> MoveToAsync(
        PostgresSession session,
        string database,
        IReadOnlyList<PartitionProgress> from,
        LogIdentity to,
        IReadOnlyList<PartitionProgress> progress,
        DateTime now)
    {
        // As for an owner: nobody decides on the log, acquires a partition or flushes until this has ended.
        await session.RunAsync(
            PostgresSession.Sql("SELECT pg_advisory_xact_lock(hashtext('adclick.logs'))"),
            PostgresSession.Sql("SELECT FROM progress FOR UPDATE")).ConfigureAwait(false);
        var (current, stored) = await PostgresProgress.ReadCurrentAsync(session).ConfigureAwait(false);
        var isKnown = await session.ReadValueAsync("SELECT 1 FROM logs WHERE epoch = $1", to.Epoch).ConfigureAwait(false) is not null;
        LogRules.RefuseMove($"metrics database {database}", current, stored, from, to, isKnown);
        await session.RunAsync(
            PostgresSession.Sql("DELETE FROM gateway_marks"),
            PostgresSession.Sql("DELETE FROM progress"),
            PostgresSession.Sql("INSERT INTO logs (epoch, partitions) VALUES ($1, $2)", to.Epoch, to.Partitions)).ConfigureAwait(false);
        foreach (var row in progress)
        {
            await session.RunAsync(
            [
                PostgresSession.Sql(
                    """
                    INSERT INTO progress (log, partition, owner_epoch, flushed_offset, checkpoint_offset, clock_ms, allowed_lateness_ms, purge_below, acquired_at)
                    SELECT log, $2, $3, $4, $5, $6, $7, $8, $9 FROM logs WHERE epoch = $1
                    """,
                    to.Epoch, row.Partition, row.OwnerEpoch, row.FlushedOffset, row.CheckpointOffset, row.ClockMs, row.AllowedLatenessMs, row.PurgeBelow, now),
                .. row.Marks.Select(mark => PostgresSession.Sql(
                    "INSERT INTO gateway_marks (log, partition, gateway, time_ms, open_from_ms) SELECT log, $2, $3, $4, $5 FROM logs WHERE epoch = $1",
                    to.Epoch, row.Partition, mark.Gateway, mark.TimeMs, mark.OpenFromMs)),
            ]).ConfigureAwait(false);
        }

        return true;
    }
}
