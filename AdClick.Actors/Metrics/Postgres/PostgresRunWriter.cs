using System.Globalization;

namespace AdClick.Actors.Metrics.Postgres;

/// <summary>Puts a run on record inside a transaction.</summary>
internal static class PostgresRunWriter
{
    private const int RowsAtOnce = 20_000;

    // Whoever settles hours comes one by one; the frontier can't be moved meanwhile.
    private const string Lock = "SELECT pg_advisory_xact_lock(hashtext('adclick.reconciliation'))";

    /// <summary>See <see cref="IReconciliationStore.CommitRunAsync"/>.</summary>
    public static async Task<long> CommitAsync(PostgresSession session, ReconciliationRun run)
    {
        await session.RunAsync(PostgresSession.Sql(Lock), PostgresSession.Sql(RollupFrontier.SharedLock)).ConfigureAwait(false);
        var frontier = await RollupFrontier.ReadAsync(session).ConfigureAwait(false);
        if (run.State != RunState.Unproven && run.Hours.FirstMinute < frontier.FirstMinute)
        {
            throw new MinutesNotKeptException(string.Create(
                CultureInfo.InvariantCulture,
                $"Clicks by minute are kept from {BucketAlignment.TimeOf(frontier.FirstMinute):yyyy-MM-ddTHH:mm}Z on: the run of {run.Hours} comes too late."));
        }

        var number = await WriteRunAsync(session, run).ConfigureAwait(false);
        await WriteEvidenceAsync(session, number, run).ConfigureAwait(false);
        if (run.State != RunState.Unproven)
        {
            await ReplaceAsync(session, number, run, frontier).ConfigureAwait(false);
        }

        await WriteVerdictsAsync(session, number, run).ConfigureAwait(false);
        return number;
    }

    private static async Task<long> WriteRunAsync(PostgresSession session, ReconciliationRun run) => (long)(await session.ReadValueAsync(
        """
        INSERT INTO reconciliation_runs (
            kind, requested_by, started_at_ms, finished_at_ms, first_hour, end_hour, state, reason, rules, cells, clicks, mismatches, settled, files)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING run
        """,
        (short)run.Kind, run.RequestedBy, run.StartedAt.ToUnixTimeMilliseconds(), run.FinishedAt.ToUnixTimeMilliseconds(), run.Hours.First, run.Hours.End, (short)run.State,
        RunRules.ReasonOf(run), run.Rules, run.Cells, run.Clicks, run.Mismatches, run.Settled, run.FilesRead).ConfigureAwait(false))!;

    private static async Task WriteEvidenceAsync(PostgresSession session, long number, ReconciliationRun run)
    {
        await session.RunAsync(
            PostgresSession.Sql(
                """
                INSERT INTO reconciliation_offsets
                SELECT $1, log, partition, first_offset, end_offset FROM unnest($2, $3, $4, $5) AS covered (epoch, partition, first_offset, end_offset) JOIN logs USING (epoch)
                """,
                number, run.Covered.Select(covered => covered.LogEpoch).ToArray(), run.Covered.Select(covered => covered.Partition).ToArray(),
                run.Covered.Select(covered => covered.FirstOffset).ToArray(), run.Covered.Select(covered => covered.EndOffset).ToArray()),
            PostgresSession.Sql(
                """
                INSERT INTO reconciliation_files
                SELECT $1, name, hour, bytes, sha256, problem FROM unnest($2, $3, $4, $5, $6) AS file (name, hour, bytes, sha256, problem)
                """,
                number, run.Files.Select(file => file.Name).ToArray(), run.Files.Select(file => file.Hour).ToArray(), run.Files.Select(file => file.Bytes).ToArray(),
                run.Files.Select(file => file.Sha256).ToArray(), run.Files.Select(file => file.Problem).ToArray())).ConfigureAwait(false);
    }

    // Rollups hold corrections as well: what changes behind their frontier is marked.
    private static async Task ReplaceAsync(PostgresSession session, long number, ReconciliationRun run, RollupFrontier frontier)
    {
        await session.RunAsync(PostgresSession.Sql(
            """
            WITH former AS (UPDATE corrections SET is_current = false WHERE is_current AND minute >= $1 AND minute < $2 RETURNING ad, minute)
            INSERT INTO rollup_marks (ad, quarter) SELECT DISTINCT ad, minute / 15 FROM former WHERE minute / 15 < $3
            """,
            run.Hours.FirstMinute, run.Hours.EndMinute, frontier.ClosedQuarter)).ConfigureAwait(false);
        if (run.Corrections.Count == 0)
        {
            return;
        }

        // A question looks for clicks only in days of which there are some.
        await session.RunAsync(PostgresSession.Sql(
            "SELECT add_click_days($1)", run.Corrections.Select(cell => cell.Minute / StoredTime.MinutesPerDay).Distinct().ToArray())).ConfigureAwait(false);
        foreach (var cells in run.Corrections.Chunk(RowsAtOnce))
        {
            var ads = cells.Select(cell => cell.AdId).ToArray();
            await session.RunAsync(
                PostgresSession.Sql(
                    "INSERT INTO ad_ids (ad_id) SELECT DISTINCT ad_id FROM unnest($1) AS new (ad_id) WHERE NOT EXISTS (SELECT FROM ad_ids WHERE ad_ids.ad_id = new.ad_id) "
                    + "ORDER BY ad_id ON CONFLICT DO NOTHING",
                    (object)ads),
                PostgresSession.Sql(
                    """
                    WITH added AS (
                        INSERT INTO corrections
                        SELECT $1, ad, minute, outcome, streamed, recounted, settled, true
                        FROM unnest($2, $3, $4, $5, $6, $7) AS cell (ad_id, minute, outcome, streamed, recounted, settled) JOIN ad_ids USING (ad_id)
                        RETURNING ad, minute)
                    INSERT INTO rollup_marks (ad, quarter) SELECT DISTINCT ad, minute / 15 FROM added WHERE minute / 15 < $8
                    """,
                    number, ads, cells.Select(cell => cell.Minute).ToArray(), cells.Select(cell => (short)cell.Outcome).ToArray(),
                    cells.Select(cell => cell.Streamed).ToArray(), cells.Select(cell => cell.Recounted).ToArray(), cells.Select(cell => cell.Settled).ToArray(),
                    frontier.ClosedQuarter)).ConfigureAwait(false);
        }
    }

    // What was proven stays so when a later run finds a file gone. Rows are taken in one order, as by flushes.
    private static async Task WriteVerdictsAsync(PostgresSession session, long number, ReconciliationRun run)
    {
        HourVerdict[] verdicts = [.. RunRules.VerdictsOf(number, run)];
        await session.RunAsync(PostgresSession.Sql(
            """
            INSERT INTO reconciliation_hours AS stored
            SELECT hour, $1, state, EXISTS (
                SELECT FROM late_clicks JOIN logs USING (log) LEFT JOIN unnest($4, $5, $6) AS covered (epoch, partition, end_offset) USING (epoch, partition)
                WHERE minute >= hour * 60 AND minute < hour * 60 + 60 AND "offset" >= coalesce(end_offset, 0)), $7, $8
            FROM unnest($2, $3) AS verdict (hour, state) ORDER BY hour
            ON CONFLICT (hour) DO UPDATE SET
                run = excluded.run, state = excluded.state, is_stale = excluded.is_stale, is_settled = excluded.is_settled, has_rules = excluded.has_rules
            WHERE excluded.state < 2 OR stored.state = 2
            """,
            number, verdicts.Select(verdict => verdict.Hour).ToArray(), verdicts.Select(verdict => (short)verdict.State).ToArray(),
            run.Covered.Select(covered => covered.LogEpoch).ToArray(), run.Covered.Select(covered => covered.Partition).ToArray(),
            run.Covered.Select(covered => covered.EndOffset).ToArray(), run.IsSettled, run.Rules.Length > 0)).ConfigureAwait(false);
    }
}
