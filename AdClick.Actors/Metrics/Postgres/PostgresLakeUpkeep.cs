using Npgsql;

namespace AdClick.Actors.Metrics.Postgres;

/// <summary>Removals, rewritten files and erasures.</summary>
internal static class PostgresLakeUpkeep
{
    private const string NumberOfLog = "(SELECT log FROM logs WHERE epoch = $1)";

    /// <summary>See <see cref="ILakeUpkeepStore.TryTakeTurnAsync"/>.</summary>
    public static async Task<long?> TryTakeTurnAsync(PostgresSession session, TimeSpan length, long nowMs) => (long?)await session.ReadValueAsync(
        "UPDATE lake_upkeep SET turn = turn + 1, until_ms = $1 WHERE until_ms <= $2 RETURNING turn", nowMs + (long)length.TotalMilliseconds, nowMs).ConfigureAwait(false);

    /// <summary>See <see cref="ILakeUpkeepStore.EndTurnAsync"/>.</summary>
    public static Task EndTurnAsync(PostgresSession session, long turn) =>
        session.RunAsync(PostgresSession.Sql("UPDATE lake_upkeep SET until_ms = 0 WHERE turn = $1", turn));

    /// <summary>See <see cref="ILakeUpkeepStore.LetGoOfHoursAsync"/>.</summary>
    public static async Task<int> LetGoOfHoursAsync(PostgresSession session, long turn, int firstHour, long nowMs)
    {
        await FenceAsync(session, turn, nowMs).ConfigureAwait(false);
        await session.RunAsync(PostgresSession.Sql("UPDATE lake_upkeep SET first_hour = greatest(first_hour, $1)", firstHour)).ConfigureAwait(false);
        return await session.RunAsync(PostgresSession.Sql(
            """
            WITH gone AS (
                DELETE FROM lake_files WHERE (log, partition, first_offset, name) IN (
                    SELECT log, partition, first_offset, name FROM lake_files WHERE hour < $1 ORDER BY hour LIMIT $2)
                RETURNING log, partition, name)
            INSERT INTO lake_removals SELECT log, partition, name FROM gone
            """,
            firstHour, LakeUpkeepRules.FilesAtOnce)).ConfigureAwait(false);
    }

    /// <summary>See <see cref="ILakeUpkeepStore.ListRemovalsAsync"/>.</summary>
    public static async Task<IReadOnlyList<string>> ListRemovalsAsync(PostgresSession session, long turn, long nowMs)
    {
        await FenceAsync(session, turn, nowMs).ConfigureAwait(false);
        await using var reader = await session.ReadAsync(PostgresSession.Sql("SELECT name FROM lake_removals LIMIT $1", LakeUpkeepRules.FilesAtOnce))
            .ConfigureAwait(false);
        var names = new List<string>();
        while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
        {
            names.Add(reader.GetString(0));
        }

        return names;
    }

    /// <summary>See <see cref="ILakeUpkeepStore.EndRemovalsAsync"/>.</summary>
    public static async Task EndRemovalsAsync(PostgresSession session, long turn, IReadOnlyList<string> names, long nowMs)
    {
        await FenceAsync(session, turn, nowMs).ConfigureAwait(false);
        await session.RunAsync(PostgresSession.Sql("DELETE FROM lake_removals WHERE name = ANY ($1)", (object)names.ToArray())).ConfigureAwait(false);
    }

    /// <summary>See <see cref="ILakeUpkeepStore.BeginRewriteAsync"/>.</summary>
    public static async Task BeginRewriteAsync(PostgresSession session, long turn, NotedLakeFile file, string name, long nowMs)
    {
        await FenceAsync(session, turn, nowMs).ConfigureAwait(false);
        await session.RunAsync(PostgresSession.Sql($"INSERT INTO lake_removals VALUES ({NumberOfLog}, $2, $3)", file.LogEpoch, file.Partition, name))
            .ConfigureAwait(false);
    }

    /// <summary>See <see cref="ILakeUpkeepStore.EndRewriteAsync"/>.</summary>
    public static async Task EndRewriteAsync(PostgresSession session, long turn, NotedLakeFile file, LakeFile? replacement, int erasure, long nowMs)
    {
        await FenceAsync(session, turn, nowMs).ConfigureAwait(false);
        var removed = await session.RunAsync(PostgresSession.Sql(
            $"""
            WITH gone AS (
                DELETE FROM lake_files WHERE log = {NumberOfLog} AND partition = $2 AND first_offset = $3 AND name = $4 RETURNING log, partition, name)
            INSERT INTO lake_removals SELECT log, partition, name FROM gone
            """,
            file.LogEpoch, file.Partition, file.FirstOffset, file.File.Name)).ConfigureAwait(false);
        if (removed == 0)
        {
            throw LakeUpkeepRules.NotThere(file);
        }

        if (replacement is not null)
        {
            await session.RunAsync(
                PostgresSession.Sql($"DELETE FROM lake_removals WHERE log = {NumberOfLog} AND partition = $2 AND name = $3", file.LogEpoch, file.Partition, replacement.Name),
                PostgresSession.Sql(
                    $"INSERT INTO lake_files VALUES ({NumberOfLog}, $2, $3, $4, $5, $6, $7, $8, $9)",
                    file.LogEpoch, file.Partition, file.FirstOffset, file.EndOffset, replacement.Name, replacement.Hour, replacement.Rows, replacement.Bytes,
                    replacement.Sha256)).ConfigureAwait(false);
        }

        await TakeRowsOutOfCutAsync(session, file, file.File.Rows - (replacement?.Rows ?? 0)).ConfigureAwait(false);
        await session.RunAsync(PostgresSession.Sql(
            "UPDATE erasures SET files_rewritten = files_rewritten + $2, files_removed = files_removed + $3, clicks = clicks + $4 WHERE erasure = $1",
            erasure, replacement is null ? 0 : 1, replacement is null ? 1 : 0, file.File.Rows - (replacement?.Rows ?? 0))).ConfigureAwait(false);
    }

    // A re-count compares what a cut had of an hour with what is listed.
    private static async Task TakeRowsOutOfCutAsync(PostgresSession session, NotedLakeFile file, int rows)
    {
        var cut = $"FROM lake_cuts WHERE log = {NumberOfLog} AND partition = $2 AND first_offset <= $3 AND end_offset >= $4";
        var hourRows = (string)(await session.ReadValueAsync($"SELECT hour_rows {cut}", file.LogEpoch, file.Partition, file.FirstOffset, file.EndOffset).ConfigureAwait(false))!;
        await session.RunAsync(PostgresSession.Sql(
            $"UPDATE lake_cuts SET hour_rows = $5 WHERE (log, partition, first_offset) = (SELECT log, partition, first_offset {cut})",
            file.LogEpoch, file.Partition, file.FirstOffset, file.EndOffset, ArchiveRules.WithoutRows(hourRows, file.File.Hour, rows))).ConfigureAwait(false);
    }

    /// <summary>See <see cref="ILakeUpkeepStore.RequestErasureAsync"/>.</summary>
    public static async Task<Erasure> RequestErasureAsync(PostgresSession session, string advertiserId, string requestedBy, long nowMs)
    {
        await session.RunAsync(PostgresSession.Sql("SELECT pg_advisory_xact_lock(hashtext('adclick.erasures'))")).ConfigureAwait(false);
        var known = await ListErasuresAsync(session, advertiserId).ConfigureAwait(false);
        if (known.FirstOrDefault(erasure => erasure.EndedAtMs is null) is { } waiting)
        {
            return waiting;
        }

        await session.RunAsync(PostgresSession.Sql(
            "INSERT INTO erasures (advertiser_id, requested_by, requested_at_ms) VALUES ($1, $2, $3)", advertiserId, requestedBy, nowMs)).ConfigureAwait(false);
        return (await ListErasuresAsync(session, advertiserId).ConfigureAwait(false))[^1];
    }

    /// <summary>See <see cref="ILakeUpkeepStore.ListErasuresAsync"/>.</summary>
    public static async Task<IReadOnlyList<Erasure>> ListErasuresAsync(PostgresSession session, string? advertiserId)
    {
        await using var reader = await session.ReadAsync(PostgresSession.Sql(
            """
            SELECT erasure, advertiser_id, requested_by, requested_at_ms, ended_at_ms, files_rewritten, files_removed, clicks, counts
            FROM erasures WHERE $1::text IS NULL OR advertiser_id = $1 ORDER BY erasure
            """,
            advertiserId)).ConfigureAwait(false);
        var erasures = new List<Erasure>();
        while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
        {
            erasures.Add(new Erasure
            {
                Number = reader.GetInt32(0),
                AdvertiserId = reader.GetString(1),
                RequestedBy = reader.GetString(2),
                RequestedAtMs = reader.GetInt64(3),
                EndedAtMs = reader.IsDBNull(4) ? null : reader.GetInt64(4),
                FilesRewritten = reader.GetInt64(5),
                FilesRemoved = reader.GetInt64(6),
                Clicks = reader.GetInt64(7),
                Counts = reader.GetInt64(8),
            });
        }

        return erasures;
    }

    /// <summary>See <see cref="ILakeUpkeepStore.EraseCountsAsync"/>; a part is a UTC day.</summary>
    public static async Task<long?> EraseCountsAsync(
        PostgresSession session, long turn, Erasure erasure, IReadOnlyCollection<string> adIds, long position, long nowMs)
    {
        await FenceAsync(session, turn, nowMs).ConfigureAwait(false);
        var ads = new List<int>();
        await using (var reader = await session.ReadAsync(PostgresSession.Sql("SELECT ad FROM ad_ids WHERE ad_id = ANY ($1)", (object)adIds.ToArray())).ConfigureAwait(false))
        {
            while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
            {
                ads.Add(reader.GetInt32(0));
            }
        }

        var theirs = ads.ToArray();
        var endMinute = (int)(erasure.BeforeMs / 60_000);
        var day = await session.ReadValueAsync(
            """
            SELECT min(day) FROM (
                SELECT min(day) FROM click_days WHERE day >= $2
                UNION ALL
                SELECT min((SELECT min(quarter) / 96 FROM quarter_clicks WHERE quarter_clicks.ad = theirs.ad AND quarter >= $2 * 96)) FROM unnest($1) AS theirs (ad)
                UNION ALL
                SELECT min((SELECT min(minute) / 1440 FROM late_clicks WHERE late_clicks.ad = theirs.ad AND minute >= $2 * 1440)) FROM unnest($1) AS theirs (ad)
            ) AS found (day)
            """,
            theirs, (int)position).ConfigureAwait(false) as int?;
        if (day is not { } first || first * StoredTime.MinutesPerDay >= endMinute)
        {
            return null;
        }

        var (start, end) = (first * StoredTime.MinutesPerDay, Math.Min((first + 1) * StoredTime.MinutesPerDay, endMinute));
        var (startQuarter, endQuarter) = (start / StoredTime.MinutesPerQuarter, end / StoredTime.MinutesPerQuarter);
        NpgsqlBatchCommand[] deletions =
        [
            PostgresSession.Sql("DELETE FROM click_minute WHERE ad = ANY ($1) AND minute >= $2 AND minute < $3", theirs, start, end),
            PostgresSession.Sql("DELETE FROM late_clicks WHERE ad = ANY ($1) AND minute >= $2 AND minute < $3", theirs, start, end),
            PostgresSession.Sql("DELETE FROM quarter_clicks WHERE ad = ANY ($1) AND quarter >= $2 AND quarter < $3", theirs, startQuarter, endQuarter),
            PostgresSession.Sql("DELETE FROM day_clicks WHERE ad = ANY ($1) AND day = $2", theirs, first),
            PostgresSession.Sql("DELETE FROM corrections WHERE ad = ANY ($1) AND minute >= $2 AND minute < $3", theirs, start, end),
            PostgresSession.Sql(
                "DELETE FROM advertiser_quarter_clicks WHERE advertiser_id = $1 AND quarter >= $2 AND quarter < $3", erasure.AdvertiserId, startQuarter, endQuarter),
            PostgresSession.Sql("DELETE FROM advertiser_day_clicks WHERE advertiser_id = $1 AND day = $2", erasure.AdvertiserId, first),
        ];
        var deleted = await session.RunAsync(deletions).ConfigureAwait(false);

        // What is left of the last day is summed up anew, if it was before.
        await session.RunAsync(
            PostgresSession.Sql(
                """
                INSERT INTO day_clicks
                SELECT ad, $2, click_sum(clicks), click_sum(duplicates), click_sum(late), click_sum(bot), click_sum(expired), click_sum(inactive_ad)
                FROM quarter_clicks WHERE ad = ANY ($1) AND quarter >= $2 * 96 AND quarter < $2 * 96 + 96 AND $2 < (SELECT day FROM rollup_frontier) GROUP BY ad
                """,
                theirs, first),
            PostgresSession.Sql(
                $"""
                INSERT INTO advertiser_day_clicks
                SELECT $3, $2, {RollupColumns.Sums} FROM day_clicks WHERE ad = ANY ($1) AND day = $2 HAVING count(*) > 0
                """,
                theirs, first, erasure.AdvertiserId),
            PostgresSession.Sql("UPDATE erasures SET counts = counts + $2 WHERE erasure = $1", erasure.Number, (long)deleted)).ConfigureAwait(false);
        return first + 1;
    }

    /// <summary>See <see cref="ILakeUpkeepStore.EndErasureAsync"/>.</summary>
    public static async Task EndErasureAsync(PostgresSession session, long turn, int erasure, long nowMs)
    {
        await FenceAsync(session, turn, nowMs).ConfigureAwait(false);
        await session.RunAsync(PostgresSession.Sql("UPDATE erasures SET ended_at_ms = $2 WHERE erasure = $1", erasure, nowMs)).ConfigureAwait(false);
    }

    // The row stays locked to the end, so that nobody takes the next turn in between.
    private static async Task FenceAsync(PostgresSession session, long turn, long nowMs)
    {
        if (await session.RunAsync(PostgresSession.Sql(
            "UPDATE lake_upkeep SET until_ms = $2 WHERE turn = $1 AND until_ms > 0", turn, nowMs + LakeUpkeepRules.TurnMs)).ConfigureAwait(false) == 0)
        {
            throw LakeUpkeepRules.Over(turn);
        }
    }
}
