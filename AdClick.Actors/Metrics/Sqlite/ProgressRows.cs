using AdClick.Actors.ClickLog;

namespace AdClick.Actors.Metrics.Sqlite;

/// <summary>Reads, acquires and moves progress rows.</summary>
internal static class ProgressRows
{
    /// <summary>Number of a log epoch, or 0.</summary>
    public static long FindLog(SqliteDatabase database, Guid epoch)
    {
        Span<byte> bytes = stackalloc byte[16];
        epoch.TryWriteBytes(bytes, bigEndian: true, out _);
        var find = database.Prepare("SELECT log FROM logs WHERE epoch = ?1").Bind(1, bytes);
        var log = find.Step() ? find.Int64(0) : 0;
        find.Reset();
        return log;
    }

    /// <summary>The log that the store belongs to, or null while no partition was ever acquired.</summary>
    public static LogIdentity? CurrentLog(SqliteDatabase database)
    {
        var read = database.Prepare("SELECT epoch, partitions FROM logs ORDER BY log DESC LIMIT 1");
        var log = read.Step() ? new LogIdentity(new Guid(read.Blob(0), bigEndian: true), read.Int32(1)) : null;
        read.Reset();
        return log;
    }

    /// <summary>All rows of a log, by partition.</summary>
    public static List<PartitionProgress> Read(SqliteDatabase database, Guid epoch)
    {
        var log = FindLog(database, epoch);
        var marks = new Dictionary<int, List<GatewayMark>>();
        var readMarks = database.Prepare("SELECT partition, gateway, time_ms, open_from_ms FROM gateway_marks WHERE log = ?1").Bind(1, log);
        while (readMarks.Step())
        {
            if (!marks.TryGetValue(readMarks.Int32(0), out var list))
            {
                marks.Add(readMarks.Int32(0), list = []);
            }

            list.Add(new GatewayMark(readMarks.Text(1), readMarks.Int64(2), readMarks.Int64(3)));
        }

        readMarks.Reset();
        var continuesAnotherLog = ContinuesAnotherLog(database, log);
        var rows = new List<PartitionProgress>();
        var read = database.Prepare(
            """
            SELECT partition, owner_epoch, flushed_offset, checkpoint_offset, clock_ms, allowed_lateness_ms, purge_below, paused_by
            FROM progress WHERE log = ?1 ORDER BY partition
            """).Bind(1, log);
        while (read.Step())
        {
            rows.Add(new PartitionProgress
            {
                LogEpoch = epoch,
                Partition = read.Int32(0),
                OwnerEpoch = read.Int64(1),
                FlushedOffset = read.Int64(2),
                CheckpointOffset = read.Int64(3),
                ClockMs = read.Int64(4),
                AllowedLatenessMs = read.Int64(5),
                PurgeBelow = read.Int64(6),
                ContinuesAnotherLog = continuesAnotherLog,
                PausedBy = read.TextOrNull(7),
                Marks = marks.GetValueOrDefault(read.Int32(0)) ?? [],
            });
        }

        read.Reset();
        return rows;
    }

    /// <summary>Raises the owner epoch of a partition, creating log and row if need be.</summary>
    /// <exception cref="LogMismatchException">The store belongs to another log; nothing was written.</exception>
    public static PartitionProgress Acquire(SqliteDatabase database, LogIdentity log, int partition, long nowMs)
    {
        RefuseOtherLog(database, log);
        database.Prepare("INSERT OR IGNORE INTO logs (epoch, partitions) VALUES (?1, ?2)")
            .Bind(1, log.Epoch.ToByteArray(bigEndian: true)).Bind(2, log.Partitions).Run();
        database.Prepare(
            """
            INSERT INTO progress (log, partition, owner_epoch, acquired_at_ms) VALUES (?1, ?2, 1, ?3)
            ON CONFLICT DO UPDATE SET owner_epoch = owner_epoch + 1, acquired_at_ms = excluded.acquired_at_ms
            """)
            .Bind(1, FindLog(database, log.Epoch)).Bind(2, partition).Bind(3, nowMs).Run();
        return Read(database, log.Epoch).First(row => row.Partition == partition);
    }

    /// <summary>Says who has paused a partition; null for nobody. False if there is no such row.</summary>
    public static bool SetPaused(SqliteDatabase database, Guid epoch, int partition, string? by)
    {
        database.Prepare("UPDATE progress SET paused_by = ?3 WHERE log = ?1 AND partition = ?2")
            .Bind(1, FindLog(database, epoch)).Bind(2, partition).Bind(3, by).Run();
        return database.Changes > 0;
    }

    /// <summary>Makes another log the current one, with its first progress.</summary>
    /// <exception cref="LogMismatchException">The store is not at these logs; nothing was written.</exception>
    /// <exception cref="StaleOwnerException">A partition was acquired or flushed since it was read; nothing was written.</exception>
    public static void MoveTo(
        SqliteDatabase database, IReadOnlyList<PartitionProgress> from, LogIdentity to, IReadOnlyList<PartitionProgress> progress, long nowMs)
    {
        var current = CurrentLog(database);
        var stored = current is null ? [] : Read(database, current.Epoch);
        LogRules.RefuseMove($"metrics database {database.File}", current, stored, from, to, FindLog(database, to.Epoch) != 0);
        var old = FindLog(database, from[0].LogEpoch);
        database.Prepare("DELETE FROM gateway_marks WHERE log = ?1").Bind(1, old).Run();
        database.Prepare("DELETE FROM progress WHERE log = ?1").Bind(1, old).Run();
        database.Prepare("INSERT INTO logs (epoch, partitions) VALUES (?1, ?2)").Bind(1, to.Epoch.ToByteArray(bigEndian: true)).Bind(2, to.Partitions).Run();
        var log = FindLog(database, to.Epoch);
        var insert = database.Prepare(
            """
            INSERT INTO progress (log, partition, owner_epoch, flushed_offset, checkpoint_offset, clock_ms, allowed_lateness_ms, purge_below, acquired_at_ms)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            """);
        foreach (var row in progress)
        {
            insert.Bind(1, log).Bind(2, row.Partition).Bind(3, row.OwnerEpoch).Bind(4, row.FlushedOffset).Bind(5, row.CheckpointOffset)
                .Bind(6, row.ClockMs).Bind(7, row.AllowedLatenessMs).Bind(8, row.PurgeBelow).Bind(9, nowMs).Run();
            foreach (var mark in row.Marks)
            {
                database.Prepare("INSERT INTO gateway_marks VALUES (?1, ?2, ?3, ?4, ?5)")
                    .Bind(1, log).Bind(2, row.Partition).Bind(3, mark.Gateway).Bind(4, mark.TimeMs).Bind(5, mark.OpenFromMs).Run();
            }
        }
    }

    private static bool ContinuesAnotherLog(SqliteDatabase database, long log)
    {
        var find = database.Prepare("SELECT 1 FROM logs WHERE log < ?1 LIMIT 1").Bind(1, log);
        var found = find.Step();
        find.Reset();
        return found;
    }

    private static void RefuseOtherLog(SqliteDatabase database, LogIdentity log)
    {
        if (CurrentLog(database) is { } stored && LogRules.IsReplaced($"metrics database {database.File}", stored, log, Read(database, stored.Epoch)))
        {
            // Nothing was ever read from that log: let go of it, and of whoever still believes to own a part of it.
            var former = FindLog(database, stored.Epoch);
            foreach (var table in (string[])["archive_progress", "lake_files", "lake_gaps", "lake_cuts", "lake_removals", "counting_terms", "gateway_marks", "progress", "logs"])
            {
                database.Prepare($"DELETE FROM {table} WHERE log = ?1").Bind(1, former).Run();
            }
        }
    }
}
