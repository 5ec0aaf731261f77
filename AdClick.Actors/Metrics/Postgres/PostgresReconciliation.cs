using AdClick.Actors.Clicks;
using Npgsql;

namespace AdClick.Actors.Metrics.Postgres;

/// <summary>Reads what reconciliation needs, and its records. See <see cref="IReconciliationStore"/>.</summary>
internal static class PostgresReconciliation
{
    private const string RunColumns =
        "run, kind, requested_by, started_at_ms, finished_at_ms, first_hour, end_hour, state, reason, rules, cells, clicks, mismatches, settled, files";

    /// <summary>What tells the hours of a range whose answers are re-counted ones, for a batch with others.</summary>
    public static NpgsqlBatchCommand SelectReconciled(AlignedRange range)
    {
        var (first, end) = ReconciledHours.HoursOf(range);
        return PostgresSession.Sql("SELECT hour FROM reconciliation_hours WHERE hour >= $1 AND hour < $2 AND state < 2 AND NOT is_stale ORDER BY hour", first, end);
    }

    /// <summary>See <see cref="IReconciliationStore.ReadBasisAsync"/>.</summary>
    public static async Task ReadBasisAsync(PostgresSession session, HourRange hours, HourRange files, Func<ReconciliationBasis, IStreamedCounts?> begin)
    {
        if (begin(await BasisOfAsync(session, files).ConfigureAwait(false)) is { } counts)
        {
            await ReadStreamedAsync(session, hours, counts).ConfigureAwait(false);
        }
    }

    /// <summary>See <see cref="IReconciliationStore.ReadVerdictsAsync"/>.</summary>
    public static async Task<IReadOnlyList<HourVerdict>> ReadVerdictsAsync(PostgresSession session, HourRange hours)
    {
        var verdicts = new List<HourVerdict>();
        await EachAsync(
            session,
            PostgresSession.Sql(
                """
                SELECT hour, run, hours.state, is_stale, is_settled, has_rules, finished_at_ms
                FROM reconciliation_hours AS hours JOIN reconciliation_runs USING (run) WHERE hour >= $1 AND hour < $2 ORDER BY hour
                """,
                hours.First, hours.End),
            row => verdicts.Add(new HourVerdict(
                row.GetInt32(0), row.GetInt64(1), (RunState)row.GetInt16(2), row.GetBoolean(3), row.GetBoolean(4), row.GetBoolean(5),
                DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(6))))).ConfigureAwait(false);
        return verdicts;
    }

    /// <summary>See <see cref="IReconciliationStore.FindFirstLakeHourAsync"/>.</summary>
    public static async Task<int?> FindFirstLakeHourAsync(PostgresSession session) =>
        await session.ReadValueAsync("SELECT min(hour) FROM lake_files").ConfigureAwait(false) as int?;

    /// <summary>See <see cref="IReconciliationStore.ListRunsAsync"/>.</summary>
    public static async Task<IReadOnlyList<RunRecord>> ListRunsAsync(PostgresSession session, int limit)
    {
        var runs = new List<RunRecord>();
        await EachAsync(session, PostgresSession.Sql($"SELECT {RunColumns} FROM reconciliation_runs ORDER BY run DESC LIMIT $1", limit), row => runs.Add(RunOf(row)))
            .ConfigureAwait(false);
        return runs;
    }

    /// <summary>See <see cref="IReconciliationStore.ReadProofAsync"/>.</summary>
    public static async Task<AdProof> ReadProofAsync(PostgresSession session, string adId, HourRange hours)
    {
        var streamed = new List<(int, ClickOutcome, long)>();
        var corrections = new List<Correction>();
        if (await session.ReadValueAsync("SELECT ad FROM ad_ids WHERE ad_id = $1", adId).ConfigureAwait(false) is int ad)
        {
            await EachAsync(
                session,
                PostgresSession.Sql(
                    """
                    SELECT minute, outcome, clicks FROM click_minute WHERE ad = $1 AND minute >= $2 AND minute < $3
                    UNION ALL SELECT minute, outcome, count(*) FROM late_clicks WHERE ad = $1 AND minute >= $2 AND minute < $3 GROUP BY minute, outcome
                    """,
                    ad, hours.FirstMinute, hours.EndMinute),
                row => streamed.Add((row.GetInt32(0), (ClickOutcome)row.GetInt16(1), row.GetInt64(2)))).ConfigureAwait(false);
            await EachAsync(
                session,
                PostgresSession.Sql(
                    "SELECT minute, outcome, streamed, recounted, settled FROM corrections WHERE is_current AND ad = $1 AND minute >= $2 AND minute < $3",
                    ad, hours.FirstMinute, hours.EndMinute),
                row => corrections.Add(new Correction(adId, row.GetInt32(0), (ClickOutcome)row.GetInt16(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4))))
                .ConfigureAwait(false);
        }

        var verdicts = await ReadVerdictsAsync(session, hours).ConfigureAwait(false);
        var runs = new List<RunEvidence>();
        foreach (var run in verdicts.Select(verdict => verdict.Run).Distinct().Order())
        {
            runs.Add(await EvidenceOfAsync(session, run).ConfigureAwait(false));
        }

        var (log, partitions) = await PostgresProgress.ReadCurrentAsync(session).ConfigureAwait(false);
        return new AdProof
        {
            Streamed = streamed,
            Corrections = corrections,
            Verdicts = verdicts,
            Runs = runs,
            FinalBeforeMs = Completeness.Of(log, partitions).FinalBeforeMs,
        };
    }

    private static async Task<ReconciliationBasis> BasisOfAsync(PostgresSession session, HourRange files)
    {
        var partitions = new List<ArchivedPartition>();
        await EachAsync(
            session,
            PostgresSession.Sql(
                """
                SELECT log, epoch, partition, coalesce(first_offset, archived_offset), coalesce(begin_clock_ms, archive.clock_ms), archived_offset, archive.clock_ms,
                    flushed_offset, progress.clock_ms, allowed_lateness_ms
                FROM archive_progress AS archive JOIN logs USING (log) LEFT JOIN progress USING (log, partition)
                LEFT JOIN LATERAL (
                    SELECT first_offset, begin_clock_ms FROM lake_cuts WHERE lake_cuts.log = archive.log AND lake_cuts.partition = archive.partition
                    ORDER BY first_offset LIMIT 1) AS first_cut ON true
                ORDER BY log, partition
                """),
            row => partitions.Add(new ArchivedPartition(
                row.GetInt32(0), row.GetGuid(1), row.GetInt32(2), row.GetInt64(3), row.GetInt64(4), row.GetInt64(5), row.GetInt64(6), Number(row, 7), Number(row, 8), Number(row, 9))))
            .ConfigureAwait(false);
        var cuts = new List<LakeCut>();
        await EachAsync(
            session,
            PostgresSession.Sql(
                """
                SELECT epoch, partition, first_offset, end_offset, begin_clock_ms, end_clock_ms, hour_rows, is_lost
                FROM lake_cuts JOIN logs USING (log) WHERE end_clock_ms >= $1 OR is_lost ORDER BY log, partition, first_offset
                """,
                files.StartMs),
            row => cuts.Add(new LakeCut(
                row.GetGuid(0), row.GetInt32(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), row.GetInt64(5), ArchiveRules.ReadHourRows(row.GetString(6)), row.GetBoolean(7))))
            .ConfigureAwait(false);
        var listed = new List<ListedFile>();
        await EachAsync(
            session,
            PostgresSession.Sql(
                """
                SELECT epoch, partition, first_offset, end_offset, name, hour, rows, bytes, sha256
                FROM lake_files JOIN logs USING (log) WHERE hour >= $1 AND hour < $2 ORDER BY log, partition, first_offset, name
                """,
                files.First, files.End),
            row =>
            {
                var file = new LakeFile(row.GetString(4), row.GetInt32(5), row.GetInt32(6), row.GetInt64(7), row.GetFieldValue<byte[]>(8));
                if (ArchiveRules.IsClicks(file))
                {
                    listed.Add(new ListedFile(row.GetGuid(0), row.GetInt32(1), row.GetInt64(2), row.GetInt64(3), file));
                }
            }).ConfigureAwait(false);
        var lateness = new List<LatenessChange>();
        await EachAsync(
            session,
            PostgresSession.Sql("SELECT epoch, partition, from_offset, allowed_lateness_ms FROM counting_terms JOIN logs USING (log) ORDER BY log, partition, from_offset"),
            row => lateness.Add(new LatenessChange(row.GetGuid(0), row.GetInt32(1), row.GetInt64(2), row.GetInt64(3)))).ConfigureAwait(false);
        return new ReconciliationBasis
        {
            Log = (await PostgresProgress.ReadCurrentAsync(session).ConfigureAwait(false)).Log,
            Partitions = partitions,
            Cuts = cuts,
            Files = listed,
            Lateness = lateness,
            FirstKeptMinute = (await RollupFrontier.ReadAsync(session).ConfigureAwait(false)).FirstMinute,
            FirstKeptHour = (int)(await session.ReadValueAsync("SELECT first_hour FROM lake_upkeep").ConfigureAwait(false))!,
            IsErasing = await session.ReadValueAsync(
                "SELECT EXISTS (SELECT FROM erasures WHERE ended_at_ms IS NULL AND files_rewritten + files_removed > 0)").ConfigureAwait(false) is true,
        };
    }

    // An hour at a time, so that none of the statements takes long.
    private static async Task ReadStreamedAsync(PostgresSession session, HourRange hours, IStreamedCounts counts)
    {
        for (var hour = hours.First; hour < hours.End; hour++)
        {
            var (first, end) = (hour * StoredTime.MinutesPerHour, (hour + 1) * StoredTime.MinutesPerHour);
            await EachAsync(
                session,
                PostgresSession.Sql("SELECT ad_id, minute, outcome, clicks FROM click_minute JOIN ad_ids USING (ad) WHERE minute >= $1 AND minute < $2", first, end),
                row => counts.Take(row.GetString(0), row.GetInt32(1), (ClickOutcome)row.GetInt16(2), row.GetInt64(3))).ConfigureAwait(false);
            await EachAsync(
                session,
                PostgresSession.Sql(
                    """
                    SELECT epoch, partition, "offset", ad_id, minute, outcome FROM late_clicks JOIN logs USING (log) JOIN ad_ids USING (ad)
                    WHERE minute >= $1 AND minute < $2
                    """,
                    first, end),
                row =>
                {
                    if (counts.Covers(row.GetGuid(0), row.GetInt32(1), row.GetInt64(2)))
                    {
                        counts.Take(row.GetString(3), row.GetInt32(4), (ClickOutcome)row.GetInt16(5), 1);
                    }
                }).ConfigureAwait(false);
        }
    }

    private static RunRecord RunOf(NpgsqlDataReader row) => new(
        row.GetInt64(0), (RunKind)row.GetInt16(1), row.GetString(2), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(3)),
        DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(4)), new HourRange(row.GetInt32(5), row.GetInt32(6)), (RunState)row.GetInt16(7), row.GetString(8), row.GetString(9),
        row.GetInt64(10), row.GetInt64(11), row.GetInt64(12), row.GetInt64(13), row.GetInt32(14));

    private static async Task<RunEvidence> EvidenceOfAsync(PostgresSession session, long run)
    {
        RunRecord? record = null;
        await EachAsync(session, PostgresSession.Sql($"SELECT {RunColumns} FROM reconciliation_runs WHERE run = $1", run), row => record = RunOf(row)).ConfigureAwait(false);
        var covered = new List<CoveredOffsets>();
        await EachAsync(
            session,
            PostgresSession.Sql("SELECT epoch, partition, first_offset, end_offset FROM reconciliation_offsets JOIN logs USING (log) WHERE run = $1 ORDER BY log, partition", run),
            row => covered.Add(new CoveredOffsets(row.GetGuid(0), row.GetInt32(1), row.GetInt64(2), row.GetInt64(3)))).ConfigureAwait(false);
        var files = new List<ReadFile>();
        await EachAsync(
            session,
            PostgresSession.Sql("SELECT name, hour, bytes, sha256, problem FROM reconciliation_files WHERE run = $1 ORDER BY name", run),
            row => files.Add(new ReadFile(row.GetString(0), row.GetInt32(1), row.GetInt64(2), row.GetFieldValue<byte[]>(3), row.GetString(4)))).ConfigureAwait(false);
        return new RunEvidence(record!, covered, files);
    }

    private static long? Number(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt64(column);

    private static async Task EachAsync(PostgresSession session, NpgsqlBatchCommand statement, Action<NpgsqlDataReader> take)
    {
        await using var reader = await session.ReadAsync(statement).ConfigureAwait(false);
        while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
        {
            take(reader);
        }
    }
}
