using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;

namespace AdClick.Actors.Metrics.Sqlite;

/// <summary>Reads what reconciliation needs, and keeps its records. See <see cref="IReconciliationStore"/>.</summary>
internal static class SqliteReconciliation
{
    /// <summary>See <see cref="IReconciliationStore.ReadBasisAsync"/>.</summary>
    public static void ReadBasis(
        SqliteDatabase database, HourRange hours, HourRange files, Func<ReconciliationBasis, IStreamedCounts?> begin, CancellationToken cancellationToken)
    {
        var epochs = new Dictionary<long, Guid>();
        Each(database.Prepare("SELECT log, epoch FROM logs"), row => epochs[row.Int64(0)] = new Guid(row.Blob(1), bigEndian: true));
        if (begin(BasisOf(database, files, epochs)) is { } counts)
        {
            ReadStreamed(database, hours, epochs, counts, cancellationToken);
        }
    }

    /// <summary>See <see cref="IReconciliationStore.ReadVerdictsAsync"/>.</summary>
    public static IReadOnlyList<HourVerdict> ReadVerdicts(SqliteDatabase database, HourRange hours)
    {
        var verdicts = new List<HourVerdict>();
        Each(
            database.Prepare(
                """
                SELECT hour, run, hours.state, is_stale, is_settled, has_rules, finished_at_ms
                FROM reconciliation_hours AS hours JOIN reconciliation_runs USING (run) WHERE hour >= ?1 AND hour < ?2 ORDER BY hour
                """).Bind(1, hours.First).Bind(2, hours.End),
            row => verdicts.Add(new HourVerdict(
                row.Int32(0), row.Int64(1), (RunState)row.Int32(2), row.Int32(3) != 0, row.Int32(4) != 0, row.Int32(5) != 0,
                DateTimeOffset.FromUnixTimeMilliseconds(row.Int64(6)))));
        return verdicts;
    }

    /// <summary>The hours of a range whose answers are re-counted ones.</summary>
    public static ReconciledHours ReadReconciled(SqliteDatabase database, AlignedRange range)
    {
        var (first, end) = ReconciledHours.HoursOf(range);
        var hours = new List<int>();
        Each(
            database.Prepare("SELECT hour FROM reconciliation_hours WHERE hour >= ?1 AND hour < ?2 AND state < 2 AND is_stale = 0 ORDER BY hour").Bind(1, first).Bind(2, end),
            row => hours.Add(row.Int32(0)));
        return new ReconciledHours(hours);
    }

    /// <summary>See <see cref="IReconciliationStore.FindFirstLakeHourAsync"/>.</summary>
    public static int? FindFirstLakeHour(SqliteDatabase database)
    {
        int? first = null;
        Each(database.Prepare("SELECT hour FROM lake_files ORDER BY hour LIMIT 1"), row => first = row.Int32(0));
        return first;
    }

    /// <summary>See <see cref="IReconciliationStore.ListRunsAsync"/>.</summary>
    public static IReadOnlyList<RunRecord> ListRuns(SqliteDatabase database, int limit)
    {
        var runs = new List<RunRecord>();
        Each(database.Prepare($"SELECT {RunColumns} FROM reconciliation_runs ORDER BY run DESC LIMIT ?1").Bind(1, limit), row => runs.Add(RunOf(row)));
        return runs;
    }

    /// <summary>See <see cref="IReconciliationStore.ReadProofAsync"/>.</summary>
    public static AdProof ReadProof(SqliteDatabase database, string adId, HourRange hours, CancellationToken cancellationToken)
    {
        var streamed = new List<(int, ClickOutcome, long)>();
        var corrections = new List<Correction>();
        var ad = AdNumbers.Find(database, adId);
        if (ad > 0)
        {
            var cells = database.Prepare("SELECT cell, clicks FROM minute_cells WHERE cell BETWEEN ?1 AND ?2");
            for (var minute = hours.FirstMinute; minute < hours.EndMinute; minute++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Each(
                    cells.Bind(1, StoreKeys.FirstCell(minute, ad)).Bind(2, StoreKeys.LastCell(minute, ad)),
                    row => streamed.Add((StoreKeys.MinuteOfCell(row.Int64(0)), StoreKeys.OutcomeOfCell(row.Int64(0)), row.Int64(1))));
            }

            Each(
                database.Prepare("SELECT minute, outcome, count(*) FROM late_clicks WHERE ad = ?1 AND minute >= ?2 AND minute < ?3 GROUP BY minute, outcome")
                    .Bind(1, ad).Bind(2, hours.FirstMinute).Bind(3, hours.EndMinute),
                row => streamed.Add((row.Int32(0), (ClickOutcome)row.Int32(1), row.Int64(2))));
            Each(
                database.Prepare(
                    "SELECT minute, outcome, streamed, recounted, settled FROM corrections WHERE is_current = 1 AND ad = ?1 AND minute >= ?2 AND minute < ?3")
                    .Bind(1, ad).Bind(2, hours.FirstMinute).Bind(3, hours.EndMinute),
                row => corrections.Add(new Correction(adId, row.Int32(0), (ClickOutcome)row.Int32(1), row.Int64(2), row.Int64(3), row.Int64(4))));
        }

        var verdicts = ReadVerdicts(database, hours);
        var log = ProgressRows.CurrentLog(database);
        return new AdProof
        {
            Streamed = streamed,
            Corrections = corrections,
            Verdicts = verdicts,
            Runs = [.. verdicts.Select(verdict => verdict.Run).Distinct().Order().Select(run => EvidenceOf(database, run))],
            FinalBeforeMs = Completeness.Of(log, log is null ? [] : ProgressRows.Read(database, log.Epoch)).FinalBeforeMs,
        };
    }

    private static ReconciliationBasis BasisOf(SqliteDatabase database, HourRange files, Dictionary<long, Guid> epochs)
    {
        var partitions = new List<ArchivedPartition>();
        Each(
            database.Prepare(
                """
                SELECT log, partition, archived_offset, archive_progress.clock_ms, flushed_offset, progress.clock_ms, allowed_lateness_ms,
                    (SELECT first_offset FROM lake_cuts WHERE lake_cuts.log = archive_progress.log AND lake_cuts.partition = archive_progress.partition ORDER BY first_offset LIMIT 1),
                    (SELECT begin_clock_ms FROM lake_cuts WHERE lake_cuts.log = archive_progress.log AND lake_cuts.partition = archive_progress.partition ORDER BY first_offset LIMIT 1)
                FROM archive_progress LEFT JOIN progress USING (log, partition) ORDER BY log, partition
                """),
            row =>
            {
                var (hasCut, isCurrent) = (row.Int32OrNull(7) is not null, row.Int32OrNull(4) is not null);
                partitions.Add(new ArchivedPartition(
                    row.Int32(0), epochs[row.Int64(0)], row.Int32(1), hasCut ? row.Int64(7) : row.Int64(2), hasCut ? row.Int64(8) : row.Int64(3), row.Int64(2), row.Int64(3),
                    isCurrent ? row.Int64(4) : null, isCurrent ? row.Int64(5) : null, isCurrent ? row.Int64(6) : null));
            });
        var cuts = new List<LakeCut>();
        Each(
            database.Prepare(
                """
                SELECT log, partition, first_offset, end_offset, begin_clock_ms, end_clock_ms, hour_rows, is_lost
                FROM lake_cuts WHERE end_clock_ms >= ?1 OR is_lost = 1 ORDER BY log, partition, first_offset
                """).Bind(1, files.StartMs),
            row => cuts.Add(new LakeCut(
                epochs[row.Int64(0)], row.Int32(1), row.Int64(2), row.Int64(3), row.Int64(4), row.Int64(5), ArchiveRules.ReadHourRows(row.Text(6)), row.Int32(7) != 0)));
        var listed = new List<ListedFile>();
        Each(
            database.Prepare(
                "SELECT log, partition, first_offset, end_offset, name, hour, \"rows\", bytes, sha256 FROM lake_files WHERE hour >= ?1 AND hour < ?2 ORDER BY log, partition, first_offset, name")
                .Bind(1, files.First).Bind(2, files.End),
            row =>
            {
                var file = new LakeFile(row.Text(4), row.Int32(5), row.Int32(6), row.Int64(7), row.Blob(8));
                if (ArchiveRules.IsClicks(file))
                {
                    listed.Add(new ListedFile(epochs[row.Int64(0)], row.Int32(1), row.Int64(2), row.Int64(3), file));
                }
            });
        var lateness = new List<LatenessChange>();
        Each(
            database.Prepare("SELECT log, partition, from_offset, allowed_lateness_ms FROM counting_terms ORDER BY log, partition, from_offset"),
            row => lateness.Add(new LatenessChange(epochs[row.Int64(0)], row.Int32(1), row.Int64(2), row.Int64(3))));
        return new ReconciliationBasis
        {
            Log = ProgressRows.CurrentLog(database),
            Partitions = partitions,
            Cuts = cuts,
            Files = listed,
            Lateness = lateness,
            FirstKeptMinute = 0,
            FirstKeptHour = (int)database.ReadInt64("SELECT first_hour FROM lake_upkeep"),
            IsErasing = database.ReadInt64("SELECT EXISTS (SELECT 1 FROM erasures WHERE ended_at_ms IS NULL AND files_rewritten + files_removed > 0)") != 0,
        };
    }

    private static void ReadStreamed(
        SqliteDatabase database, HourRange hours, Dictionary<long, Guid> epochs, IStreamedCounts counts, CancellationToken cancellationToken)
    {
        var names = new Dictionary<int, string>();
        var find = database.Prepare("SELECT ad_id FROM ad_ids WHERE ad = ?1");
        for (var hour = hours.First; hour < hours.End; hour++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Each(
                database.Prepare("SELECT cell, clicks FROM minute_cells WHERE cell BETWEEN ?1 AND ?2")
                    .Bind(1, StoreKeys.FirstCell(hour * StoredTime.MinutesPerHour, 0)).Bind(2, StoreKeys.FirstCell((hour + 1) * StoredTime.MinutesPerHour, 0) - 1),
                row =>
                {
                    var cell = row.Int64(0);
                    counts.Take(NameOf(StoreKeys.AdOfCell(cell)), StoreKeys.MinuteOfCell(cell), StoreKeys.OutcomeOfCell(cell), row.Int64(1));
                });
        }

        Each(
            database.Prepare("SELECT log, partition, \"offset\", ad, minute, outcome FROM late_clicks WHERE minute >= ?1 AND minute < ?2")
                .Bind(1, hours.FirstMinute).Bind(2, hours.EndMinute),
            row =>
            {
                if (counts.Covers(epochs[row.Int64(0)], row.Int32(1), row.Int64(2)))
                {
                    counts.Take(NameOf(row.Int32(3)), row.Int32(4), (ClickOutcome)row.Int32(5), 1);
                }
            });

        string NameOf(int ad)
        {
            if (!names.TryGetValue(ad, out var name))
            {
                find.Bind(1, ad).Step();
                names.Add(ad, name = find.Text(0));
                find.Reset();
            }

            return name;
        }
    }

    private const string RunColumns =
        "run, kind, requested_by, started_at_ms, finished_at_ms, first_hour, end_hour, state, reason, rules, cells, clicks, mismatches, settled, files";

    private static RunRecord RunOf(SqliteStatement row) => new(
        row.Int64(0), (RunKind)row.Int32(1), row.Text(2), DateTimeOffset.FromUnixTimeMilliseconds(row.Int64(3)), DateTimeOffset.FromUnixTimeMilliseconds(row.Int64(4)),
        new HourRange(row.Int32(5), row.Int32(6)), (RunState)row.Int32(7), row.Text(8), row.Text(9), row.Int64(10), row.Int64(11), row.Int64(12), row.Int64(13), row.Int32(14));

    private static RunEvidence EvidenceOf(SqliteDatabase database, long run)
    {
        RunRecord? record = null;
        Each(database.Prepare($"SELECT {RunColumns} FROM reconciliation_runs WHERE run = ?1").Bind(1, run), row => record = RunOf(row));
        var covered = new List<CoveredOffsets>();
        Each(
            database.Prepare("SELECT epoch, partition, first_offset, end_offset FROM reconciliation_offsets JOIN logs USING (log) WHERE run = ?1 ORDER BY log, partition").Bind(1, run),
            row => covered.Add(new CoveredOffsets(new Guid(row.Blob(0), bigEndian: true), row.Int32(1), row.Int64(2), row.Int64(3))));
        var files = new List<ReadFile>();
        Each(
            database.Prepare("SELECT name, hour, bytes, sha256, problem FROM reconciliation_files WHERE run = ?1 ORDER BY name").Bind(1, run),
            row => files.Add(new ReadFile(row.Text(0), row.Int32(1), row.Int64(2), row.Blob(3), row.Text(4))));
        return new RunEvidence(record!, covered, files);
    }

    private static void Each(SqliteStatement statement, Action<SqliteStatement> take)
    {
        while (statement.Step())
        {
            take(statement);
        }

        statement.Reset();
    }
}
