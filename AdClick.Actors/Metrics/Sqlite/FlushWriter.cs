using System.Buffers;
using AdClick.Actors.Clicks;

namespace AdClick.Actors.Metrics.Sqlite;

/// <summary>Writes a partition's flush inside the writer's transaction.</summary>
internal static class FlushWriter
{
    /// <summary>Writes all of it.</summary>
    /// <exception cref="StaleOwnerException">The owner epoch is not the stored one; nothing was written.</exception>
    public static void Write(SqliteDatabase database, AdNumbers ads, PartitionFlush flush, long nowMs)
    {
        var log = WriteProgress(database, flush.Progress);
        WriteMarks(database, log, flush.Progress);
        var frontier = RollupFrontier.Read(database);
        WriteCounts(database, ads, flush.Counts, frontier);
        WriteLateClicks(database, ads, log, flush, frontier);
        WriteRejected(database, log, flush, nowMs);
    }

    // The fence comes first: with no row under our epoch, there is a newer owner.
    private static long WriteProgress(SqliteDatabase database, PartitionProgress progress)
    {
        var log = ProgressRows.FindLog(database, progress.LogEpoch);
        NoteTerms(database, log, progress);
        database.Prepare(
            """
            UPDATE progress SET
                flushed_offset = max(flushed_offset, ?4), checkpoint_offset = max(checkpoint_offset, ?5), clock_ms = max(clock_ms, ?6),
                allowed_lateness_ms = ?7, purge_below = max(purge_below, ?8)
            WHERE log = ?1 AND partition = ?2 AND owner_epoch = ?3
            """)
            .Bind(1, log).Bind(2, progress.Partition).Bind(3, progress.OwnerEpoch)
            .Bind(4, progress.FlushedOffset).Bind(5, progress.CheckpointOffset).Bind(6, progress.ClockMs)
            .Bind(7, progress.AllowedLatenessMs).Bind(8, progress.PurgeBelow).Run();
        if (database.Changes == 0)
        {
            var stored = ProgressRows.Read(database, progress.LogEpoch).FirstOrDefault(row => row.Partition == progress.Partition)?.OwnerEpoch;
            throw FlushRules.Stale(progress, stored);
        }

        return log;
    }

    // The first flush behind the checkpoint at which the allowed lateness changed tells of it. An owner that is none any more finds no row either.
    private static void NoteTerms(SqliteDatabase database, long log, PartitionProgress progress) => database.Prepare(
        """
        INSERT OR IGNORE INTO counting_terms
        SELECT log, partition, 0, allowed_lateness_ms FROM progress
        WHERE log = ?1 AND partition = ?2 AND owner_epoch = ?3 AND allowed_lateness_ms NOT IN (0, ?5) AND ?4 > 0
            AND NOT EXISTS (SELECT 1 FROM counting_terms AS known WHERE known.log = ?1 AND known.partition = ?2)
        UNION ALL
        SELECT log, partition, ?4, ?5 FROM progress WHERE log = ?1 AND partition = ?2 AND owner_epoch = ?3 AND allowed_lateness_ms <> ?5
        """)
        .Bind(1, log).Bind(2, progress.Partition).Bind(3, progress.OwnerEpoch).Bind(4, progress.CheckpointOffset).Bind(5, progress.AllowedLatenessMs).Run();

    private static void WriteMarks(SqliteDatabase database, long log, PartitionProgress progress)
    {
        // A replay brings marks that are older than the stored ones.
        var upsert = database.Prepare(
            """
            INSERT INTO gateway_marks VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT DO UPDATE SET time_ms = excluded.time_ms, open_from_ms = excluded.open_from_ms WHERE excluded.time_ms >= time_ms
            """);
        foreach (var mark in progress.Marks)
        {
            upsert.Bind(1, log).Bind(2, progress.Partition).Bind(3, mark.Gateway).Bind(4, mark.TimeMs).Bind(5, mark.OpenFromMs).Run();
        }
    }

    private static void WriteCounts(SqliteDatabase database, AdNumbers ads, IReadOnlyList<MinuteCount> counts, RollupFrontier frontier)
    {
        var cells = ArrayPool<long>.Shared.Rent(counts.Count);
        var clicks = ArrayPool<long>.Shared.Rent(counts.Count);
        var (adId, ad) = ("", 0);
        for (var i = 0; i < counts.Count; i++)
        {
            var count = counts[i];
            if (!ReferenceEquals(count.AdId, adId))
            {
                (adId, ad) = (count.AdId, ads.Of(database, count.AdId)); // the counters of an ad come one after the other
            }

            cells[i] = StoreKeys.Cell(count.Minute, ad, count.SubShard, count.Outcome);
            clicks[i] = count.Clicks;
        }

        // In the order of the table, neighbours are written to the same page while it is at hand.
        Array.Sort(cells, clicks, 0, counts.Count);
        var upsert = database.Prepare(
            "INSERT INTO minute_cells VALUES (?1, ?2) ON CONFLICT DO UPDATE SET clicks = excluded.clicks WHERE excluded.clicks > clicks");
        for (var i = 0; i < counts.Count; i++)
        {
            upsert.Bind(1, cells[i]).Bind(2, clicks[i]).Run();
            var quarter = StoreKeys.MinuteOfCell(cells[i]) / StoredTime.MinutesPerQuarter;
            if (quarter <= frontier.Quarter && database.Changes > 0)
            {
                MarkRolledUp(database, quarter, StoreKeys.AdOfCell(cells[i]), frontier);
            }
        }

        ArrayPool<long>.Shared.Return(cells);
        ArrayPool<long>.Shared.Return(clicks);
    }

    private static void WriteLateClicks(SqliteDatabase database, AdNumbers ads, long log, PartitionFlush flush, RollupFrontier frontier)
    {
        var insert = database.Prepare("INSERT OR IGNORE INTO late_clicks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
        var makeStale = database.Prepare("UPDATE reconciliation_hours SET is_stale = 1 WHERE hour = ?1 AND is_stale = 0");
        Span<byte> impression = stackalloc byte[ImpressionId.ByteLength];
        foreach (var late in flush.LateClicks)
        {
            var ad = ads.Of(database, late.AdId);
            late.Impression.Write(impression);
            insert.Bind(1, log).Bind(2, flush.Progress.Partition).Bind(3, late.Offset)
                .Bind(4, ad).Bind(5, late.SubShard).Bind(6, late.Minute).Bind(7, (long)late.Outcome)
                .Bind(8, impression).Bind(9, late.ClickTimeMs).Run();
            if (database.Changes > 0)
            {
                MarkRolledUp(database, late.Minute / StoredTime.MinutesPerQuarter, ad, frontier);
                makeStale.Bind(1, late.Minute / StoredTime.MinutesPerHour).Run();
            }
        }
    }

    private static void WriteRejected(SqliteDatabase database, long log, PartitionFlush flush, long nowMs)
    {
        var insert = database.Prepare("INSERT OR IGNORE INTO rejected VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
        foreach (var rejected in flush.Rejected)
        {
            insert.Bind(1, log).Bind(2, flush.Progress.Partition).Bind(3, rejected.Offset)
                .Bind(4, rejected.Reason).Bind(5, rejected.Record).Bind(6, nowMs).Run();
        }
    }

    // What is not rolled up yet needs no mark: questions read its minutes.
    private static void MarkRolledUp(SqliteDatabase database, int quarter, int ad, RollupFrontier frontier)
    {
        if (quarter < frontier.QuarterOf(ad))
        {
            database.Prepare("INSERT OR IGNORE INTO rollup_marks VALUES (?1)").Bind(1, StoreKeys.Mark(quarter, ad)).Run();
        }
    }
}
