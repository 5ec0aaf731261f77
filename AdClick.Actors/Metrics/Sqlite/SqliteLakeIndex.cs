using AdClick.Actors.ClickLog;

namespace AdClick.Actors.Metrics.Sqlite;

/// <summary>What is known of the lake, inside a reader's transaction.</summary>
internal static class SqliteLakeIndex
{
    /// <summary>See <see cref="ILakeIndex.ListArchivedLogsAsync"/>.</summary>
    public static IReadOnlyList<ArchivedLog> ListLogs(SqliteDatabase database)
    {
        var logs = new List<(long Number, LogIdentity Log, Dictionary<int, ArchiveProgress> Progress)>();
        var read = database.Prepare("SELECT log, epoch, partitions FROM logs ORDER BY log");
        while (read.Step())
        {
            logs.Add((read.Int64(0), new LogIdentity(new Guid(read.Blob(1), bigEndian: true), read.Int32(2)), []));
        }

        read.Reset();
        foreach (var (number, _, progress) in logs)
        {
            read = database.Prepare("SELECT partition, archived_offset, clock_ms FROM archive_progress WHERE log = ?1").Bind(1, number);
            while (read.Step())
            {
                progress.Add(read.Int32(0), new ArchiveProgress(read.Int64(1), read.Int64(2)));
            }

            read.Reset();
        }

        return [.. logs.Select(log => new ArchivedLog(log.Log, log.Progress))];
    }

    /// <summary>See <see cref="ILakeIndex.FindLakeFilesAsync"/>.</summary>
    public static IReadOnlyList<NotedLakeFile> FindFiles(
        SqliteDatabase database, Guid logEpoch, IReadOnlyCollection<int>? partitions, int firstHour, int endHour)
    {
        var read = database.Prepare(
            """
            SELECT partition, first_offset, end_offset, name, hour, "rows", bytes, sha256 FROM lake_files
            WHERE log = ?1 AND hour >= ?2 AND hour < ?3 ORDER BY partition, first_offset, name
            """)
            .Bind(1, ProgressRows.FindLog(database, logEpoch)).Bind(2, firstHour).Bind(3, endHour);
        var files = new List<NotedLakeFile>();
        while (read.Step())
        {
            if (partitions?.Contains(read.Int32(0)) != false)
            {
                files.Add(new NotedLakeFile(
                    logEpoch, read.Int32(0), read.Int64(1), read.Int64(2),
                    new LakeFile(read.Text(3), read.Int32(4), read.Int32(5), read.Int64(6), read.Blob(7))));
            }
        }

        read.Reset();
        return files;
    }

    /// <summary>See <see cref="ILakeIndex.ListLakeGapsAsync"/>.</summary>
    public static IReadOnlyList<LakeGap> ListGaps(SqliteDatabase database, Guid logEpoch)
    {
        var read = database.Prepare("SELECT partition, first_offset, end_offset FROM lake_gaps WHERE log = ?1 ORDER BY partition, first_offset")
            .Bind(1, ProgressRows.FindLog(database, logEpoch));
        var gaps = new List<LakeGap>();
        while (read.Step())
        {
            gaps.Add(new LakeGap(read.Int32(0), read.Int64(1), read.Int64(2)));
        }

        read.Reset();
        return gaps;
    }

    /// <summary>See <see cref="IRepeatStore.FindRepeatsAsync"/>.</summary>
    public static IReadOnlyList<(int Minute, long Clicks)> FindRepeats(
        SqliteDatabase database, string adId, int firstMinute, int endMinute, CancellationToken cancellationToken)
    {
        var repeats = new SortedDictionary<int, long>();
        var ad = AdNumbers.Find(database, adId);
        if (ad == 0)
        {
            return [];
        }

        // Repeats are rare, and their cells lie among all ads' of their minute: each minute is a seek, and those without any clicks are jumped over.
        var next = database.Prepare("SELECT cell FROM minute_cells WHERE cell >= ?1 ORDER BY cell LIMIT 1");
        var cells = database.Prepare("SELECT cell, clicks FROM minute_cells WHERE cell BETWEEN ?1 AND ?2");
        for (var minute = firstMinute; minute < endMinute; minute++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            next.Bind(1, StoreKeys.FirstCell(minute, 0));
            minute = next.Step() ? StoreKeys.MinuteOfCell(next.Int64(0)) : int.MaxValue - 1;
            next.Reset();
            if (minute >= endMinute)
            {
                break;
            }

            cells.Bind(1, StoreKeys.FirstCell(minute, ad)).Bind(2, StoreKeys.LastCell(minute, ad));
            while (cells.Step())
            {
                if (StoreKeys.OutcomeOfCell(cells.Int64(0)) == Clicks.ClickOutcome.Repeat)
                {
                    repeats[minute] = repeats.GetValueOrDefault(minute) + cells.Int64(1);
                }
            }

            cells.Reset();
        }

        var late = database.Prepare("SELECT minute, count(*) FROM late_clicks WHERE ad = ?1 AND minute >= ?2 AND minute < ?3 AND outcome = ?4 GROUP BY minute")
            .Bind(1, ad).Bind(2, firstMinute).Bind(3, endMinute).Bind(4, (long)Clicks.ClickOutcome.Repeat);
        while (late.Step())
        {
            repeats[late.Int32(0)] = repeats.GetValueOrDefault(late.Int32(0)) + late.Int64(1);
        }

        late.Reset();
        return [.. repeats.Select(repeat => (repeat.Key, repeat.Value))];
    }
}
