using AdClick.Actors.ClickLog;

namespace AdClick.Actors.Metrics.Sqlite;

/// <summary>Reads and acquires progress rows.</summary>
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
        var rows = new List<PartitionProgress>();
        var read = database.Prepare(
            """
            SELECT partition, owner_epoch, flushed_offset, checkpoint_offset, clock_ms, allowed_lateness_ms, purge_below
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

    private static void RefuseOtherLog(SqliteDatabase database, LogIdentity log)
    {
        if (CurrentLog(database) is { } stored && LogRules.IsReplaced($"metrics database {database.File}", stored, log, Read(database, stored.Epoch)))
        {
            // Nothing was ever read from that log: let go of it, and of whoever still believes to own a part of it.
            database.Execute("DELETE FROM gateway_marks; DELETE FROM progress; DELETE FROM logs");
        }
    }
}
