namespace AdClick.Actors.Metrics.Sqlite;

/// <summary>Archive progress and the files of the lake, inside the writer's transaction.</summary>
internal static class SqliteArchive
{
    /// <summary>See <see cref="IArchiveStore.StartArchiveAsync"/>.</summary>
    public static ArchiveProgress Start(SqliteDatabase database, ArchiveOwner owner, long firstOffset, long clockMs)
    {
        var log = Fence(database, owner);
        database.Prepare("INSERT OR IGNORE INTO archive_progress VALUES (?1, ?2, ?3, ?4)")
            .Bind(1, log).Bind(2, owner.Partition).Bind(3, firstOffset).Bind(4, clockMs).Run();
        var read = database.Prepare("SELECT archived_offset, clock_ms FROM archive_progress WHERE log = ?1 AND partition = ?2")
            .Bind(1, log).Bind(2, owner.Partition);
        read.Step();
        var progress = new ArchiveProgress(read.Int64(0), read.Int64(1));
        read.Reset();
        return progress;
    }

    /// <summary>See <see cref="IArchiveStore.ListLakeFilesAsync"/>.</summary>
    public static IReadOnlySet<string> ListFiles(SqliteDatabase database, ArchiveOwner owner)
    {
        var read = database.Prepare(
            "SELECT name FROM lake_files WHERE log = ?1 AND partition = ?2 UNION ALL SELECT name FROM lake_removals WHERE log = ?1 AND partition = ?2")
            .Bind(1, Fence(database, owner)).Bind(2, owner.Partition);
        var names = new HashSet<string>();
        while (read.Step())
        {
            names.Add(read.Text(0));
        }

        read.Reset();
        return names;
    }

    /// <summary>See <see cref="IArchiveStore.CommitCutAsync"/>.</summary>
    public static void Commit(SqliteDatabase database, ArchiveCut cut)
    {
        var log = Fence(database, cut.Owner);
        var partition = cut.Owner.Partition;
        database.Prepare(
            """
            INSERT INTO lake_cuts
            SELECT log, partition, archived_offset, ?4, clock_ms, ?5, ?6, ?7 FROM archive_progress WHERE log = ?1 AND partition = ?2 AND archived_offset = ?3
            """)
            .Bind(1, log).Bind(2, partition).Bind(3, cut.FirstOffset).Bind(4, cut.EndOffset).Bind(5, cut.ClockMs)
            .Bind(6, ArchiveRules.HourRows(cut)).Bind(7, cut.IsLost ? 1 : 0).Run();
        database.Prepare("UPDATE archive_progress SET archived_offset = ?4, clock_ms = ?5 WHERE log = ?1 AND partition = ?2 AND archived_offset = ?3")
            .Bind(1, log).Bind(2, partition).Bind(3, cut.FirstOffset).Bind(4, cut.EndOffset).Bind(5, cut.ClockMs).Run();
        if (database.Changes == 0)
        {
            throw ArchiveRules.NotNext(cut);
        }

        foreach (var file in cut.Files)
        {
            database.Prepare("INSERT INTO lake_files VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")
                .Bind(1, log).Bind(2, partition).Bind(3, cut.FirstOffset).Bind(4, cut.EndOffset).Bind(5, file.Name)
                .Bind(6, file.Hour).Bind(7, file.Rows).Bind(8, file.Bytes).Bind(9, file.Sha256).Run();
        }

        if (cut.IsLost)
        {
            database.Prepare("INSERT INTO lake_gaps VALUES (?1, ?2, ?3, ?4)")
                .Bind(1, log).Bind(2, partition).Bind(3, cut.FirstOffset).Bind(4, cut.EndOffset).Run();
        }
    }

    /// <summary>Refuses who is not the owner any more; gives the number of the log.</summary>
    private static long Fence(SqliteDatabase database, ArchiveOwner owner)
    {
        var log = ProgressRows.FindLog(database, owner.LogEpoch);
        var find = database.Prepare("SELECT owner_epoch FROM progress WHERE log = ?1 AND partition = ?2").Bind(1, log).Bind(2, owner.Partition);
        var stored = find.Step() ? find.Int64(0) : (long?)null;
        find.Reset();
        return stored == owner.OwnerEpoch ? log : throw ArchiveRules.Stale(owner, stored);
    }
}
