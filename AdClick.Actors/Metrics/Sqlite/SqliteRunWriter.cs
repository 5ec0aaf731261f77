namespace AdClick.Actors.Metrics.Sqlite;

/// <summary>Puts a run on record inside the writer's transaction.</summary>
internal static class SqliteRunWriter
{
    /// <summary>See <see cref="IReconciliationStore.CommitRunAsync"/>.</summary>
    public static long Commit(SqliteDatabase database, AdNumbers ads, ReconciliationRun run)
    {
        var number = WriteRun(database, run);
        WriteEvidence(database, number, run);
        if (run.State != RunState.Unproven)
        {
            Replace(database, ads, number, run);
        }

        WriteVerdicts(database, number, run);
        return number;
    }

    private static long WriteRun(SqliteDatabase database, ReconciliationRun run)
    {
        var insert = database.Prepare(
            """
            INSERT INTO reconciliation_runs (
                kind, requested_by, started_at_ms, finished_at_ms, first_hour, end_hour, state, reason, rules, cells, clicks, mismatches, settled, files)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) RETURNING run
            """)
            .Bind(1, (long)run.Kind).Bind(2, run.RequestedBy).Bind(3, run.StartedAt.ToUnixTimeMilliseconds()).Bind(4, run.FinishedAt.ToUnixTimeMilliseconds())
            .Bind(5, run.Hours.First).Bind(6, run.Hours.End).Bind(7, (long)run.State).Bind(8, RunRules.ReasonOf(run)).Bind(9, run.Rules).Bind(10, run.Cells)
            .Bind(11, run.Clicks).Bind(12, run.Mismatches).Bind(13, run.Settled).Bind(14, run.FilesRead);
        insert.Step();
        var number = insert.Int64(0);
        insert.Step();
        insert.Reset();
        return number;
    }

    private static void WriteEvidence(SqliteDatabase database, long number, ReconciliationRun run)
    {
        var offsets = database.Prepare("INSERT INTO reconciliation_offsets SELECT ?1, log, ?3, ?4, ?5 FROM logs WHERE epoch = ?2");
        foreach (var covered in run.Covered)
        {
            offsets.Bind(1, number).Bind(2, covered.LogEpoch.ToByteArray(bigEndian: true)).Bind(3, covered.Partition).Bind(4, covered.FirstOffset).Bind(5, covered.EndOffset).Run();
        }

        var files = database.Prepare("INSERT INTO reconciliation_files VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
        foreach (var file in run.Files)
        {
            files.Bind(1, number).Bind(2, file.Name).Bind(3, file.Hour).Bind(4, file.Bytes).Bind(5, file.Sha256).Bind(6, file.Problem).Run();
        }
    }

    // Rollups hold corrections as well: what changes behind their frontier is marked.
    private static void Replace(SqliteDatabase database, AdNumbers ads, long number, ReconciliationRun run)
    {
        var frontier = RollupFrontier.Read(database);
        var changed = new HashSet<(int Ad, int Quarter)>();
        var former = database.Prepare("SELECT DISTINCT ad, minute / 15 FROM corrections WHERE is_current = 1 AND minute >= ?1 AND minute < ?2")
            .Bind(1, run.Hours.FirstMinute).Bind(2, run.Hours.EndMinute);
        while (former.Step())
        {
            changed.Add((former.Int32(0), former.Int32(1)));
        }

        former.Reset();
        database.Prepare("UPDATE corrections SET is_current = 0 WHERE is_current = 1 AND minute >= ?1 AND minute < ?2")
            .Bind(1, run.Hours.FirstMinute).Bind(2, run.Hours.EndMinute).Run();
        var insert = database.Prepare("INSERT INTO corrections VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1)");
        foreach (var cell in run.Corrections)
        {
            var ad = ads.Of(database, cell.AdId);
            insert.Bind(1, number).Bind(2, ad).Bind(3, cell.Minute).Bind(4, (long)cell.Outcome).Bind(5, cell.Streamed).Bind(6, cell.Recounted).Bind(7, cell.Settled).Run();
            changed.Add((ad, cell.Minute / StoredTime.MinutesPerQuarter));
        }

        var mark = database.Prepare("INSERT OR IGNORE INTO rollup_marks VALUES (?1)");
        foreach (var (ad, quarter) in changed)
        {
            if (quarter < frontier.QuarterOf(ad))
            {
                mark.Bind(1, StoreKeys.Mark(quarter, ad)).Run();
            }
        }
    }

    // What was proven stays so when a later run finds a file gone.
    private static void WriteVerdicts(SqliteDatabase database, long number, ReconciliationRun run)
    {
        var stale = FindStale(database, run);
        var put = database.Prepare(
            """
            INSERT INTO reconciliation_hours VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT DO UPDATE SET run = excluded.run, state = excluded.state, is_stale = excluded.is_stale, is_settled = excluded.is_settled, has_rules = excluded.has_rules
            WHERE excluded.state < 2 OR state = 2
            """);
        foreach (var verdict in RunRules.VerdictsOf(number, run))
        {
            put.Bind(1, verdict.Hour).Bind(2, number).Bind(3, (long)verdict.State).Bind(4, stale.Contains(verdict.Hour) ? 1 : 0)
                .Bind(5, verdict.IsSettled ? 1 : 0).Bind(6, verdict.HasRules ? 1 : 0).Run();
        }
    }

    private static HashSet<int> FindStale(SqliteDatabase database, ReconciliationRun run)
    {
        var covered = run.Covered.ToDictionary(offsets => (offsets.LogEpoch, offsets.Partition), offsets => offsets.EndOffset);
        var stale = new HashSet<int>();
        var late = database.Prepare(
            """
            SELECT epoch, partition, minute / 60, max("offset") FROM late_clicks JOIN logs USING (log) WHERE minute >= ?1 AND minute < ?2
            GROUP BY epoch, partition, minute / 60
            """).Bind(1, run.Hours.FirstMinute).Bind(2, run.Hours.EndMinute);
        while (late.Step())
        {
            if (late.Int64(3) >= covered.GetValueOrDefault((new Guid(late.Blob(0), bigEndian: true), late.Int32(1))))
            {
                stale.Add(late.Int32(2));
            }
        }

        late.Reset();
        return stale;
    }
}
