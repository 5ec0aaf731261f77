using AdClick.Actors.ClickLog;
using Npgsql;

namespace AdClick.Actors.Metrics.Postgres;

/// <summary>Reads and acquires progress rows.</summary>
internal static class PostgresProgress
{
    private const string Columns =
        "partition, owner_epoch, flushed_offset, checkpoint_offset, clock_ms, allowed_lateness_ms, purge_below, "
        + "EXISTS (SELECT FROM logs WHERE logs.log < progress.log), paused_by";

    private const string MarkColumns = "partition, gateway, time_ms, open_from_ms";

    /// <summary>What <see cref="ReadCurrentAsync(NpgsqlDataReader, CancellationToken)"/> reads the results of, for a batch with others.</summary>
    public static NpgsqlBatchCommand[] Current =>
    [
        PostgresSession.Sql("SELECT epoch, partitions FROM logs ORDER BY log DESC LIMIT 1"),
        PostgresSession.Sql($"SELECT {MarkColumns} FROM gateway_marks WHERE log = (SELECT max(log) FROM logs) ORDER BY gateway"),
        PostgresSession.Sql($"SELECT {Columns} FROM progress WHERE log = (SELECT max(log) FROM logs) ORDER BY partition"),
    ];

    /// <summary>The log that the store belongs to, null while no partition was ever acquired, and its progress rows by partition.</summary>
    public static async Task<(LogIdentity? Log, List<PartitionProgress> Partitions)> ReadCurrentAsync(PostgresSession session)
    {
        await using var reader = await session.ReadAsync(Current).ConfigureAwait(false);
        return await ReadCurrentAsync(reader, session.CancellationToken).ConfigureAwait(false);
    }

    /// <summary>The same from the results of <see cref="Current"/>; leaves the reader at the last of them.</summary>
    public static async Task<(LogIdentity? Log, List<PartitionProgress> Partitions)> ReadCurrentAsync(
        NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var log = await reader.ReadAsync(cancellationToken).ConfigureAwait(false) ? new LogIdentity(reader.GetGuid(0), reader.GetInt32(1)) : null;
        await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
        return (log, await ReadRowsAsync(reader, log?.Epoch ?? default, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>All rows of a log, by partition.</summary>
    public static async Task<List<PartitionProgress>> ReadAsync(PostgresSession session, Guid epoch)
    {
        await using var reader = await session.ReadAsync(
            PostgresSession.Sql(
                $"SELECT {MarkColumns} FROM gateway_marks WHERE log = (SELECT log FROM logs WHERE epoch = $1) ORDER BY gateway", epoch),
            PostgresSession.Sql($"SELECT {Columns} FROM progress WHERE log = (SELECT log FROM logs WHERE epoch = $1) ORDER BY partition", epoch))
            .ConfigureAwait(false);
        return await ReadRowsAsync(reader, epoch, session.CancellationToken).ConfigureAwait(false);
    }

    /// <summary>Raises the owner epoch of a partition, creating log and row if need be.</summary>
    /// <exception cref="LogMismatchException">The store belongs to another log; nothing was written.</exception>
    public static async Task<PartitionProgress> AcquireAsync(PostgresSession session, string database, LogIdentity log, int partition, DateTime now)
    {
        // Owners come one by one, as the first one decides on the log. The rows are locked, so that no flush comes between the look and what follows.
        await session.RunAsync(
            PostgresSession.Sql("SELECT pg_advisory_xact_lock(hashtext('adclick.logs'))"),
            PostgresSession.Sql("SELECT FROM progress WHERE log <> coalesce((SELECT log FROM logs WHERE epoch = $1), 0) FOR UPDATE", log.Epoch))
            .ConfigureAwait(false);
        var (stored, progress) = await ReadCurrentAsync(session).ConfigureAwait(false);
        if (stored is not null && LogRules.IsReplaced($"metrics database {database}", stored, log, progress))
        {
            // Nothing was ever read from that log: let go of it, and of whoever still believes to own a part of it.
            await session.RunAsync(
                PostgresSession.Sql("DELETE FROM archive_progress WHERE log = (SELECT log FROM logs WHERE epoch = $1)", stored.Epoch),
                PostgresSession.Sql("DELETE FROM lake_files WHERE log = (SELECT log FROM logs WHERE epoch = $1)", stored.Epoch),
                PostgresSession.Sql("DELETE FROM lake_gaps WHERE log = (SELECT log FROM logs WHERE epoch = $1)", stored.Epoch),
                PostgresSession.Sql("DELETE FROM lake_cuts WHERE log = (SELECT log FROM logs WHERE epoch = $1)", stored.Epoch),
                PostgresSession.Sql("DELETE FROM counting_terms WHERE log = (SELECT log FROM logs WHERE epoch = $1)", stored.Epoch),
                PostgresSession.Sql("DELETE FROM lake_removals WHERE log = (SELECT log FROM logs WHERE epoch = $1)", stored.Epoch),
                PostgresSession.Sql("DELETE FROM gateway_marks"),
                PostgresSession.Sql("DELETE FROM progress"),
                PostgresSession.Sql("DELETE FROM logs")).ConfigureAwait(false);
        }

        await session.RunAsync(
            PostgresSession.Sql(
                "INSERT INTO logs (epoch, partitions) SELECT $1, $2 WHERE NOT EXISTS (SELECT FROM logs WHERE epoch = $1)", log.Epoch, log.Partitions),
            PostgresSession.Sql(
                """
                INSERT INTO progress AS stored (log, partition, owner_epoch, acquired_at) SELECT log, $2, 1, $3 FROM logs WHERE epoch = $1
                ON CONFLICT (log, partition) DO UPDATE SET owner_epoch = stored.owner_epoch + 1, acquired_at = excluded.acquired_at
                """,
                log.Epoch, partition, now)).ConfigureAwait(false);
        return (await ReadAsync(session, log.Epoch).ConfigureAwait(false)).First(row => row.Partition == partition);
    }

    /// <summary>Says who has paused a partition; null for nobody. False if there is no such row.</summary>
    public static async Task<bool> SetPausedAsync(PostgresSession session, Guid epoch, int partition, string? by) =>
        await session.RunAsync(PostgresSession.Sql(
            "UPDATE progress SET paused_by = $3 WHERE log = (SELECT log FROM logs WHERE epoch = $1) AND partition = $2", epoch, partition, by)).ConfigureAwait(false) > 0;

    private static async Task<List<PartitionProgress>> ReadRowsAsync(NpgsqlDataReader reader, Guid epoch, CancellationToken cancellationToken)
    {
        var marks = new Dictionary<int, List<GatewayMark>>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (!marks.TryGetValue(reader.GetInt32(0), out var list))
            {
                marks.Add(reader.GetInt32(0), list = []);
            }

            list.Add(new GatewayMark(reader.GetString(1), reader.GetInt64(2), reader.GetInt64(3)));
        }

        await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
        var rows = new List<PartitionProgress>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            rows.Add(new PartitionProgress
            {
                LogEpoch = epoch,
                Partition = reader.GetInt32(0),
                OwnerEpoch = reader.GetInt64(1),
                FlushedOffset = reader.GetInt64(2),
                CheckpointOffset = reader.GetInt64(3),
                ClockMs = reader.GetInt64(4),
                AllowedLatenessMs = reader.GetInt64(5),
                PurgeBelow = reader.GetInt64(6),
                ContinuesAnotherLog = reader.GetBoolean(7),
                PausedBy = reader.IsDBNull(8) ? null : reader.GetString(8),
                Marks = marks.GetValueOrDefault(reader.GetInt32(0)) ?? [],
            });
        }

        return rows;
    }
}
