namespace AdClick.Actors.Metrics.Sqlite;

/// <summary>Removals, rewritten files and erasures, inside the writer's transaction.</summary>
internal static class SqliteLakeUpkeep
{
    /// <summary>Rows that are looked at in one transaction, so that a flush waits no longer than for a step of the rollups.</summary>
    private const int RowsAtOnce = 50_000;

    /// <summary>See <see cref="ILakeUpkeepStore.TryTakeTurnAsync"/>.</summary>
    public static long? TryTakeTurn(SqliteDatabase database, TimeSpan length, long nowMs)
    {
        database.Prepare("UPDATE lake_upkeep SET turn = turn + 1, until_ms = ?1 WHERE until_ms <= ?2")
            .Bind(1, nowMs + (long)length.TotalMilliseconds).Bind(2, nowMs).Run();
        return database.Changes == 0 ? null : database.ReadInt64("SELECT turn FROM lake_upkeep");
    }

    /// <summary>See <see cref="ILakeUpkeepStore.EndTurnAsync"/>.</summary>
    public static void EndTurn(SqliteDatabase database, long turn) =>
        database.Prepare("UPDATE lake_upkeep SET until_ms = 0 WHERE turn = ?1").Bind(1, turn).Run();

    /// <summary>See <see cref="ILakeUpkeepStore.LetGoOfHoursAsync"/>.</summary>
    public static int LetGoOfHours(SqliteDatabase database, long turn, int firstHour, long nowMs)
    {
        Fence(database, turn, nowMs);
        database.Prepare("UPDATE lake_upkeep SET first_hour = max(first_hour, ?1)").Bind(1, firstHour).Run();
        var files = new List<(long Log, int Partition, long FirstOffset, string Name)>();
        var read = database.Prepare("SELECT log, partition, first_offset, name FROM lake_files WHERE hour < ?1 ORDER BY hour LIMIT ?2")
            .Bind(1, firstHour).Bind(2, LakeUpkeepRules.FilesAtOnce);
        while (read.Step())
        {
            files.Add((read.Int64(0), read.Int32(1), read.Int64(2), read.Text(3)));
        }

        read.Reset();
        foreach (var (log, partition, firstOffset, name) in files)
        {
            Remove(database, log, partition, firstOffset, name);
        }

        return files.Count;
    }

    /// <summary>See <see cref="ILakeUpkeepStore.ListRemovalsAsync"/>.</summary>
    public static IReadOnlyList<string> ListRemovals(SqliteDatabase database, long turn, long nowMs)
    {
        Fence(database, turn, nowMs);
        var read = database.Prepare("SELECT name FROM lake_removals LIMIT ?1").Bind(1, LakeUpkeepRules.FilesAtOnce);
        var names = new List<string>();
        while (read.Step())
        {
            names.Add(read.Text(0));
        }

        read.Reset();
        return names;
    }

    /// <summary>See <see cref="ILakeUpkeepStore.EndRemovalsAsync"/>.</summary>
    public static void EndRemovals(SqliteDatabase database, long turn, IReadOnlyList<string> names, long nowMs)
    {
        Fence(database, turn, nowMs);
        foreach (var name in names)
        {
            database.Prepare("DELETE FROM lake_removals WHERE name = ?1").Bind(1, name).Run();
        }
    }

    /// <summary>See <see cref="ILakeUpkeepStore.BeginRewriteAsync"/>.</summary>
    public static void BeginRewrite(SqliteDatabase database, long turn, NotedLakeFile file, string name, long nowMs)
    {
        Fence(database, turn, nowMs);
        database.Prepare("INSERT INTO lake_removals VALUES (?1, ?2, ?3)")
            .Bind(1, ProgressRows.FindLog(database, file.LogEpoch)).Bind(2, file.Partition).Bind(3, name).Run();
    }

    /// <summary>See <see cref="ILakeUpkeepStore.EndRewriteAsync"/>.</summary>
    public static void EndRewrite(SqliteDatabase database, long turn, NotedLakeFile file, LakeFile? replacement, int erasure, long nowMs)
    {
        Fence(database, turn, nowMs);
        var log = ProgressRows.FindLog(database, file.LogEpoch);
        if (!Remove(database, log, file.Partition, file.FirstOffset, file.File.Name))
        {
            throw LakeUpkeepRules.NotThere(file);
        }

        if (replacement is not null)
        {
            database.Prepare("DELETE FROM lake_removals WHERE log = ?1 AND partition = ?2 AND name = ?3")
                .Bind(1, log).Bind(2, file.Partition).Bind(3, replacement.Name).Run();
            database.Prepare("INSERT INTO lake_files VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")
                .Bind(1, log).Bind(2, file.Partition).Bind(3, file.FirstOffset).Bind(4, file.EndOffset).Bind(5, replacement.Name)
                .Bind(6, replacement.Hour).Bind(7, replacement.Rows).Bind(8, replacement.Bytes).Bind(9, replacement.Sha256).Run();
        }

        TakeRowsOutOfCut(database, log, file, file.File.Rows - (replacement?.Rows ?? 0));
        database.Prepare(
            "UPDATE erasures SET files_rewritten = files_rewritten + ?2, files_removed = files_removed + ?3, clicks = clicks + ?4 WHERE erasure = ?1")
            .Bind(1, erasure).Bind(2, replacement is null ? 0L : 1).Bind(3, replacement is null ? 1L : 0).Bind(4, (long)file.File.Rows - (replacement?.Rows ?? 0)).Run();
    }

    // A re-count compares what a cut had of an hour with what is listed.
    private static void TakeRowsOutOfCut(SqliteDatabase database, long log, NotedLakeFile file, int rows)
    {
        var cut = database.Prepare("SELECT first_offset, hour_rows FROM lake_cuts WHERE log = ?1 AND partition = ?2 AND first_offset <= ?3 AND end_offset >= ?4")
            .Bind(1, log).Bind(2, file.Partition).Bind(3, file.FirstOffset).Bind(4, file.EndOffset);
        cut.Step();
        var (firstOffset, hourRows) = (cut.Int64(0), ArchiveRules.WithoutRows(cut.Text(1), file.File.Hour, rows));
        cut.Reset();
        database.Prepare("UPDATE lake_cuts SET hour_rows = ?4 WHERE log = ?1 AND partition = ?2 AND first_offset = ?3")
            .Bind(1, log).Bind(2, file.Partition).Bind(3, firstOffset).Bind(4, hourRows).Run();
    }

    /// <summary>See <see cref="ILakeUpkeepStore.RequestErasureAsync"/>.</summary>
    public static Erasure RequestErasure(SqliteDatabase database, string advertiserId, string requestedBy, long nowMs)
    {
        if (ListErasures(database, advertiserId).FirstOrDefault(erasure => erasure.EndedAtMs is null) is { } waiting)
        {
            return waiting;
        }

        database.Prepare("INSERT INTO erasures (advertiser_id, requested_by, requested_at_ms) VALUES (?1, ?2, ?3)")
            .Bind(1, advertiserId).Bind(2, requestedBy).Bind(3, nowMs).Run();
        return ListErasures(database, advertiserId)[^1];
    }

    /// <summary>See <see cref="ILakeUpkeepStore.ListErasuresAsync"/>.</summary>
    public static IReadOnlyList<Erasure> ListErasures(SqliteDatabase database, string? advertiserId)
    {
        var read = database.Prepare(
            """
            SELECT erasure, advertiser_id, requested_by, requested_at_ms, ended_at_ms IS NOT NULL, ended_at_ms, files_rewritten, files_removed, clicks, counts
            FROM erasures WHERE ?1 IS NULL OR advertiser_id = ?1 ORDER BY erasure
            """).Bind(1, advertiserId);
        var erasures = new List<Erasure>();
        while (read.Step())
        {
            erasures.Add(new Erasure
            {
                Number = read.Int32(0),
                AdvertiserId = read.Text(1),
                RequestedBy = read.Text(2),
                RequestedAtMs = read.Int64(3),
                EndedAtMs = read.Int32(4) == 0 ? null : read.Int64(5),
                FilesRewritten = read.Int64(6),
                FilesRemoved = read.Int64(7),
                Clicks = read.Int64(8),
                Counts = read.Int64(9),
            });
        }

        read.Reset();
        return erasures;
    }

    /// <summary>
    /// See <see cref="ILakeUpkeepStore.EraseCountsAsync"/>. Minutes lie together in this store, not ads: so what is in a day is looked through, a part of it at a time.
    /// </summary>
    /// <param name="database">Database.</param>
    /// <param name="turn">Turn.</param>
    /// <param name="erasure">Erasure.</param>
    /// <param name="adIds">Its ads.</param>
    /// <param name="position">Where to go on: the key of a minute cell.</param>
    /// <param name="nowMs">Now.</param>
    /// <returns>Where the next part begins; null when no minutes are left, and rollups and late clicks are gone, too.</returns>
    public static long? EraseCounts(SqliteDatabase database, long turn, Erasure erasure, IReadOnlyCollection<string> adIds, long position, long nowMs)
    {
        Fence(database, turn, nowMs);
        var ads = adIds.Select(adId => AdNumbers.Find(database, adId)).Where(ad => ad > 0).ToHashSet();
        var endMinute = erasure.BeforeMs / 60_000;
        var read = database.Prepare("SELECT cell FROM minute_cells WHERE cell >= ?1 AND cell < ?2 ORDER BY cell LIMIT ?3")
            .Bind(1, position).Bind(2, StoreKeys.FirstCell(endMinute, 0)).Bind(3, RowsAtOnce);
        var (seen, last, theirs) = (0, position, new List<long>());
        while (read.Step())
        {
            seen++;
            last = read.Int64(0);
            if (ads.Contains(StoreKeys.AdOfCell(last)))
            {
                theirs.Add(last);
            }
        }

        read.Reset();
        foreach (var cell in theirs)
        {
            database.Prepare("DELETE FROM minute_cells WHERE cell = ?1").Bind(1, cell).Run();
        }

        long deleted = theirs.Count;
        if (seen < RowsAtOnce)
        {
            foreach (var ad in ads)
            {
                deleted += EraseRollups(database, ad, (int)endMinute);
            }

            EraseAdvertiser(database, erasure.AdvertiserId, ads, (int)endMinute);
        }

        database.Prepare("UPDATE erasures SET counts = counts + ?2 WHERE erasure = ?1").Bind(1, erasure.Number).Bind(2, deleted).Run();
        return seen < RowsAtOnce ? null : last + 1;
    }

    /// <summary>See <see cref="ILakeUpkeepStore.EndErasureAsync"/>.</summary>
    public static void EndErasure(SqliteDatabase database, long turn, int erasure, long nowMs)
    {
        Fence(database, turn, nowMs);
        database.Prepare("UPDATE erasures SET ended_at_ms = ?2 WHERE erasure = ?1").Bind(1, erasure).Bind(2, nowMs).Run();
    }

    private static int EraseRollups(SqliteDatabase database, int ad, int endMinute)
    {
        var deleted = 0;
        int Delete(string sql, params ReadOnlySpan<long> values)
        {
            var statement = database.Prepare(sql);
            for (var i = 0; i < values.Length; i++)
            {
                statement.Bind(i + 1, values[i]);
            }

            statement.Run();
            return database.Changes;
        }

        // The days of the ad say where its quarters are; those that are not rolled up to days yet lie behind the frontier of days.
        var endQuarter = endMinute / StoredTime.MinutesPerQuarter;
        var endDay = endQuarter / StoredTime.QuartersPerDay;
        var days = new List<int>();
        var read = database.Prepare("SELECT bucket FROM day_clicks WHERE bucket BETWEEN ?1 AND ?2").Bind(1, StoreKeys.Day(0, ad)).Bind(2, StoreKeys.Day(endDay, ad));
        while (read.Step())
        {
            days.Add(StoreKeys.DayOfBucket(read.Int64(0)));
        }

        read.Reset();
        days.AddRange(Enumerable.Range(RollupFrontier.Read(database).Day, Math.Max(0, endDay + 1 - RollupFrontier.Read(database).Day)));
        foreach (var day in days.Distinct())
        {
            var end = day < endDay ? StoredTime.QuartersPerDay : endQuarter % StoredTime.QuartersPerDay;
            deleted += Delete(
                "DELETE FROM quarter_clicks WHERE bucket >= ?1 AND bucket < ?2", StoreKeys.QuarterOfDay(day, ad, 0), StoreKeys.QuarterOfDay(day, ad, 0) + end);
            deleted += Delete("DELETE FROM day_clicks WHERE bucket = ?1", StoreKeys.Day(day, ad));
        }

        // What is left of the last day is summed up anew, if it was before.
        Delete(
            """
            INSERT INTO day_clicks
            SELECT ?1, sum(clicks), sum(duplicates), sum(late), sum(bot), sum(expired), sum(inactive_ad) FROM quarter_clicks
            WHERE bucket BETWEEN ?2 AND ?3 HAVING count(*) > 0 AND ?4 < (SELECT day + (?5 < day_ad) FROM rollup_frontier)
            """,
            StoreKeys.Day(endDay, ad), StoreKeys.QuarterOfDay(endDay, ad, 0), StoreKeys.QuarterOfDay(endDay, ad, StoredTime.QuartersPerDay - 1), endDay, ad);
        deleted += Delete("DELETE FROM late_clicks WHERE ad = ?1 AND minute < ?2", ad, endMinute);
        deleted += Delete("DELETE FROM corrections WHERE ad = ?1 AND minute < ?2", ad, endMinute);
        Delete("DELETE FROM rollup_marks WHERE mark >= ?1 AND mark < ?2", StoreKeys.Mark(0, ad), StoreKeys.Mark(endQuarter, ad));
        return deleted;
    }

    // Of the last day, the sum of what is left of the ads.
    private static void EraseAdvertiser(SqliteDatabase database, string advertiserId, HashSet<int> ads, int endMinute)
    {
        var endQuarter = endMinute / StoredTime.MinutesPerQuarter;
        var endDay = endQuarter / StoredTime.QuartersPerDay;
        database.Prepare("DELETE FROM advertiser_quarter_clicks WHERE advertiser_id = ?1 AND quarter < ?2").Bind(1, advertiserId).Bind(2, endQuarter).Run();
        database.Prepare("DELETE FROM advertiser_day_clicks WHERE advertiser_id = ?1 AND day <= ?2").Bind(1, advertiserId).Bind(2, endDay).Run();
        var days = AdvertiserRollups.OfDays(database);
        var day = database.Prepare("SELECT clicks, duplicates, late, bot, expired, inactive_ad FROM day_clicks WHERE bucket = ?1");
        foreach (var ad in ads)
        {
            day.Bind(1, StoreKeys.Day(endDay, ad));
            if (day.Step())
            {
                days.Note(ad, endDay, default, RollupRow.Read(day, 0));
            }

            day.Reset();
        }

        days.Write();
    }

    private static bool Remove(SqliteDatabase database, long log, int partition, long firstOffset, string name)
    {
        database.Prepare("DELETE FROM lake_files WHERE log = ?1 AND partition = ?2 AND first_offset = ?3 AND name = ?4")
            .Bind(1, log).Bind(2, partition).Bind(3, firstOffset).Bind(4, name).Run();
        var wasThere = database.Changes > 0;
        database.Prepare("INSERT OR IGNORE INTO lake_removals SELECT ?1, ?2, ?3 WHERE ?4").Bind(1, log).Bind(2, partition).Bind(3, name).Bind(4, wasThere ? 1L : 0).Run();
        return wasThere;
    }

    private static void Fence(SqliteDatabase database, long turn, long nowMs)
    {
        database.Prepare("UPDATE lake_upkeep SET until_ms = ?2 WHERE turn = ?1 AND until_ms > 0").Bind(1, turn).Bind(2, nowMs + LakeUpkeepRules.TurnMs).Run();
        if (database.Changes == 0)
        {
            throw LakeUpkeepRules.Over(turn);
        }
    }
}
