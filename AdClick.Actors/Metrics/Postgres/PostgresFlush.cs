using AdClick.Actors.Clicks;
using Npgsql;
using NpgsqlTypes;

namespace AdClick.Actors.Metrics.Postgres;

/// <summary>
/// Writes a partition's flush: a fixed number of round trips, however many rows. Whatever two flushes could both touch is locked in one order (ads,
/// days, counts by key), so that they can't wait for each other in a circle.
/// </summary>
internal sealed class PostgresFlush
{
    // The first flush behind the checkpoint at which the allowed lateness changed tells of it. The row is locked first, as by all who write it.
    private const string NoteTerms =
        """
        WITH owned AS (
            SELECT progress.log, partition, allowed_lateness_ms FROM progress JOIN logs USING (log)
            WHERE epoch = $1 AND partition = $2 AND owner_epoch = $3 AND allowed_lateness_ms <> $5 FOR UPDATE OF progress)
        INSERT INTO counting_terms
        SELECT log, partition, 0, allowed_lateness_ms FROM owned
        WHERE allowed_lateness_ms > 0 AND $4 > 0 AND NOT EXISTS (SELECT FROM counting_terms AS known WHERE known.log = owned.log AND known.partition = owned.partition)
        UNION ALL SELECT log, partition, $4, $5 FROM owned
        ON CONFLICT DO NOTHING
        """;

    private const string WriteProgress =
        """
        UPDATE progress SET
            flushed_offset = greatest(flushed_offset, $4), checkpoint_offset = greatest(checkpoint_offset, $5), clock_ms = greatest(clock_ms, $6),
            allowed_lateness_ms = $7, purge_below = greatest(purge_below, $8)
        FROM logs
        WHERE logs.epoch = $1 AND progress.log = logs.log AND partition = $2 AND owner_epoch = $3
        RETURNING progress.log
        """;

    // They stay with the connection, so most flushes only find them.
    private const string CountsTable =
        """
        CREATE TEMPORARY TABLE IF NOT EXISTS flush_counts (
            clicks bigint NOT NULL, ad int NOT NULL, minute int NOT NULL, sub_shard smallint NOT NULL, outcome smallint NOT NULL)
        ON COMMIT DELETE ROWS
        """;

    private const string LateTable =
        """
        CREATE TEMPORARY TABLE IF NOT EXISTS flush_late (
            "offset" bigint NOT NULL, click_time_ms bigint NOT NULL, impression uuid NOT NULL, ad int NOT NULL, minute int NOT NULL,
            sub_shard smallint NOT NULL, outcome smallint NOT NULL) ON COMMIT DELETE ROWS
        """;

    // A count that has not grown is not written, and not marked.
    private const string WriteCounts =
        """
        WITH changed AS (
            INSERT INTO click_minute AS stored (clicks, ad, minute, sub_shard, outcome)
            SELECT clicks, ad, minute, sub_shard, outcome FROM flush_counts ORDER BY ad, minute, sub_shard, outcome
            ON CONFLICT (ad, minute, sub_shard, outcome) DO UPDATE SET clicks = excluded.clicks WHERE excluded.clicks > stored.clicks
            RETURNING stored.ad, stored.minute)
        INSERT INTO rollup_marks (ad, quarter) SELECT DISTINCT ad, minute / 15 FROM changed WHERE minute / 15 < $1
        """;

    private const string WriteLate =
        $"""
        WITH added AS (
            INSERT INTO late_clicks (log, partition, "offset", click_time_ms, impression, ad, minute, sub_shard, outcome)
            SELECT $1, $2, "offset", click_time_ms, impression, ad, minute, sub_shard, outcome FROM flush_late ORDER BY "offset"
            ON CONFLICT (log, partition, "offset") DO NOTHING
            RETURNING ad, minute, outcome),
        marked AS (
            INSERT INTO rollup_marks (ad, quarter) SELECT DISTINCT ad, minute / 15 FROM added WHERE minute / 15 < $3 AND minute >= $4),
        reconciled AS (
            SELECT hour FROM reconciliation_hours WHERE NOT is_stale AND hour IN (SELECT minute / 60 FROM added) ORDER BY hour FOR UPDATE),
        stale AS (
            UPDATE reconciliation_hours SET is_stale = true WHERE hour IN (SELECT hour FROM reconciled)),
        frozen AS (
            SELECT ad, minute / 15 AS quarter, minute / 1440 AS day,
                CASE outcome WHEN 0 THEN 1::bigint END AS clicks, CASE outcome WHEN 1 THEN 1::bigint END AS duplicates, CASE outcome WHEN 3 THEN 1::bigint END AS late,
                CASE outcome WHEN 4 THEN 1::bigint END AS bot, CASE outcome WHEN 5 THEN 1::bigint END AS expired, CASE outcome WHEN 6 THEN 1::bigint END AS inactive_ad
            FROM added WHERE minute < $4 AND outcome <> 2),
        quarters AS (
            INSERT INTO quarter_clicks AS stored
            SELECT ad, quarter, {RollupColumns.Sums} FROM frozen GROUP BY ad, quarter ORDER BY ad, quarter
            ON CONFLICT (ad, quarter) {RollupColumns.Add}),
        days AS (
            INSERT INTO day_clicks AS stored
            SELECT ad, day, {RollupColumns.Sums} FROM frozen GROUP BY ad, day ORDER BY ad, day
            ON CONFLICT (ad, day) {RollupColumns.Add}),
        advertiser_quarters AS (
            INSERT INTO advertiser_quarter_clicks AS stored
            SELECT advertiser_id, quarter, {RollupColumns.Sums} FROM frozen JOIN ads USING (ad) GROUP BY 1, 2 ORDER BY 1, 2
            ON CONFLICT (advertiser_id, quarter) {RollupColumns.Add})
        INSERT INTO advertiser_day_clicks AS stored
        SELECT advertiser_id, day, {RollupColumns.Sums} FROM frozen JOIN ads USING (ad) GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (advertiser_id, day) {RollupColumns.Add}
        """;

    // A replay brings marks that are older than the stored ones.
    private const string WriteMarks =
        """
        INSERT INTO gateway_marks AS stored
        SELECT $1, $2, gateway, time_ms, open_from_ms FROM unnest($3, $4, $5) AS mark (gateway, time_ms, open_from_ms)
        ON CONFLICT (log, partition, gateway) DO UPDATE SET time_ms = excluded.time_ms, open_from_ms = excluded.open_from_ms
        WHERE excluded.time_ms >= stored.time_ms
        """;

    private const string WriteRejected =
        """
        INSERT INTO rejected SELECT $1, $2, "offset", reason, record, $6 FROM unnest($3, $4, $5) AS record ("offset", reason, record)
        ON CONFLICT (log, partition, "offset") DO NOTHING
        """;

    private readonly PostgresSession _session;
    private readonly PartitionFlush _flush;
    private readonly Dictionary<string, int> _ads = [];
    private int _log;
    private RollupFrontier _frontier;

    private PostgresFlush(PostgresSession session, PartitionFlush flush) => (_session, _flush) = (session, flush);

    /// <summary>Writes all of it.</summary>
    /// <exception cref="StaleOwnerException">The owner epoch is not the stored one; nothing was written.</exception>
    public static async Task WriteAsync(PostgresSession session, PartitionFlush flush, DateTime now)
    {
        var writer = new PostgresFlush(session, flush);
        await writer.BeginAsync().ConfigureAwait(false);
        await writer.CopyCountsAsync().ConfigureAwait(false);
        await writer.CopyLateClicksAsync().ConfigureAwait(false);
        await writer.FinishAsync(now).ConfigureAwait(false);
    }

    /// <summary>Takes the progress row, which is the fence, and gets the numbers that the rows are written with.</summary>
    private async Task BeginAsync()
    {
        var progress = _flush.Progress;
        string[] adIds = [.. _flush.Counts.Select(count => count.AdId).Concat(_flush.LateClicks.Select(late => late.AdId)).Distinct()];
        HashSet<int> days =
        [
            .. _flush.Counts.Select(count => count.Minute / StoredTime.MinutesPerDay),
            .. _flush.LateClicks.Select(late => late.Minute / StoredTime.MinutesPerDay),
        ];
        var findAds = PostgresSession.Sql("SELECT ad_id, ad FROM ad_ids WHERE ad_id = ANY ($1)", (object)adIds);
        await using (var reader = await _session.ReadAsync(
            PostgresSession.Sql(NoteTerms, progress.LogEpoch, progress.Partition, progress.OwnerEpoch, progress.CheckpointOffset, progress.AllowedLatenessMs),
            PostgresSession.Sql(
                WriteProgress, progress.LogEpoch, progress.Partition, progress.OwnerEpoch, progress.FlushedOffset, progress.CheckpointOffset,
                progress.ClockMs, progress.AllowedLatenessMs, progress.PurgeBelow),
            PostgresSession.Sql(RollupFrontier.SharedLock),
            PostgresSession.Sql(RollupFrontier.Select),
            findAds,
            PostgresSession.Sql("SELECT day FROM click_days WHERE day = ANY ($1)", days.ToArray()),
            PostgresSession.Sql(CountsTable),
            PostgresSession.Sql(LateTable)).ConfigureAwait(false))
        {
            if (!await reader.ReadAsync(_session.CancellationToken).ConfigureAwait(false))
            {
                await reader.DisposeAsync().ConfigureAwait(false);
                throw FlushRules.Stale(progress, await StoredEpochAsync().ConfigureAwait(false));
            }

            _log = reader.GetInt32(0);
            await reader.NextResultAsync(_session.CancellationToken).ConfigureAwait(false); // the lock
            await reader.NextResultAsync(_session.CancellationToken).ConfigureAwait(false);
            await reader.ReadAsync(_session.CancellationToken).ConfigureAwait(false);
            _frontier = RollupFrontier.Of(reader);
            await reader.NextResultAsync(_session.CancellationToken).ConfigureAwait(false);
            await NoteAdsAsync(reader).ConfigureAwait(false);
            await reader.NextResultAsync(_session.CancellationToken).ConfigureAwait(false);
            while (await reader.ReadAsync(_session.CancellationToken).ConfigureAwait(false))
            {
                days.Remove(reader.GetInt32(0));
            }
        }

        days.RemoveWhere(day => day < _frontier.FirstDay);
        if (_ads.Count < adIds.Length)
        {
            await AddAdsAsync([.. adIds.Where(adId => !_ads.ContainsKey(adId))]).ConfigureAwait(false);
        }

        if (days.Count > 0)
        {
            await _session.RunAsync(PostgresSession.Sql("SELECT add_click_days($1)", days.ToArray())).ConfigureAwait(false);
        }
    }

    private async Task AddAdsAsync(string[] adIds)
    {
        await using var reader = await _session.ReadAsync(
            PostgresSession.Sql(
                "INSERT INTO ad_ids (ad_id) SELECT ad_id FROM unnest($1) AS new (ad_id) ORDER BY ad_id ON CONFLICT DO NOTHING", (object)adIds),
            PostgresSession.Sql("SELECT ad_id, ad FROM ad_ids WHERE ad_id = ANY ($1)", (object)adIds)).ConfigureAwait(false);
        await NoteAdsAsync(reader).ConfigureAwait(false);
    }

    private async Task NoteAdsAsync(NpgsqlDataReader reader)
    {
        while (await reader.ReadAsync(_session.CancellationToken).ConfigureAwait(false))
        {
            _ads[reader.GetString(0)] = reader.GetInt32(1);
        }
    }

    private async Task<long?> StoredEpochAsync() => (long?)await _session.ReadValueAsync(
        "SELECT owner_epoch FROM progress JOIN logs USING (log) WHERE epoch = $1 AND partition = $2",
        _flush.Progress.LogEpoch, _flush.Progress.Partition).ConfigureAwait(false);

    private async Task CopyCountsAsync()
    {
        if (_flush.Counts.Count == 0)
        {
            return;
        }

        var importer = await _session.Connection.BeginBinaryImportAsync(
            "COPY flush_counts (clicks, ad, minute, sub_shard, outcome) FROM STDIN (FORMAT BINARY)",
            _session.CancellationToken).ConfigureAwait(false);
        await using (importer.ConfigureAwait(false))
        {
            foreach (var count in _flush.Counts)
            {
                // What is older than the minutes that are kept was counted before they were dropped (PostgresUpkeep): this is a replay.
                if (count.Minute < _frontier.FirstMinute)
                {
                    continue;
                }

                await importer.StartRowAsync(_session.CancellationToken).ConfigureAwait(false);
                await importer.WriteAsync(count.Clicks, NpgsqlDbType.Bigint, _session.CancellationToken).ConfigureAwait(false);
                await importer.WriteAsync(_ads[count.AdId], NpgsqlDbType.Integer, _session.CancellationToken).ConfigureAwait(false);
                await importer.WriteAsync(count.Minute, NpgsqlDbType.Integer, _session.CancellationToken).ConfigureAwait(false);
                await importer.WriteAsync((short)count.SubShard, NpgsqlDbType.Smallint, _session.CancellationToken).ConfigureAwait(false);
                await importer.WriteAsync((short)count.Outcome, NpgsqlDbType.Smallint, _session.CancellationToken).ConfigureAwait(false);
            }

            await importer.CompleteAsync(_session.CancellationToken).ConfigureAwait(false);
        }
    }

    private async Task CopyLateClicksAsync()
    {
        if (_flush.LateClicks.Count == 0)
        {
            return;
        }

        var importer = await _session.Connection.BeginBinaryImportAsync(
            "COPY flush_late (\"offset\", click_time_ms, impression, ad, minute, sub_shard, outcome) FROM STDIN (FORMAT BINARY)",
            _session.CancellationToken).ConfigureAwait(false);
        await using (importer.ConfigureAwait(false))
        {
            var impression = new byte[ImpressionId.ByteLength];
            foreach (var late in _flush.LateClicks)
            {
                late.Impression.Write(impression);
                await importer.StartRowAsync(_session.CancellationToken).ConfigureAwait(false);
                await importer.WriteAsync(late.Offset, NpgsqlDbType.Bigint, _session.CancellationToken).ConfigureAwait(false);
                await importer.WriteAsync(late.ClickTimeMs, NpgsqlDbType.Bigint, _session.CancellationToken).ConfigureAwait(false);
                await importer.WriteAsync(new Guid(impression, bigEndian: true), NpgsqlDbType.Uuid, _session.CancellationToken).ConfigureAwait(false);
                await importer.WriteAsync(_ads[late.AdId], NpgsqlDbType.Integer, _session.CancellationToken).ConfigureAwait(false);
                await importer.WriteAsync(late.Minute, NpgsqlDbType.Integer, _session.CancellationToken).ConfigureAwait(false);
                await importer.WriteAsync((short)late.SubShard, NpgsqlDbType.Smallint, _session.CancellationToken).ConfigureAwait(false);
                await importer.WriteAsync((short)late.Outcome, NpgsqlDbType.Smallint, _session.CancellationToken).ConfigureAwait(false);
            }

            await importer.CompleteAsync(_session.CancellationToken).ConfigureAwait(false);
        }
    }

    private async Task FinishAsync(DateTime now)
    {
        var partition = _flush.Progress.Partition;
        var statements = new List<NpgsqlBatchCommand>();
        if (_flush.Counts.Count > 0)
        {
            statements.Add(PostgresSession.Sql(WriteCounts, _frontier.ClosedQuarter));
        }

        if (_flush.LateClicks.Count > 0)
        {
            statements.Add(PostgresSession.Sql(WriteLate, _log, partition, _frontier.ClosedQuarter, _frontier.FirstMinute));
        }

        if (_flush.Progress.Marks.Count > 0)
        {
            GatewayMark[] marks =
            [
                .. _flush.Progress.Marks.GroupBy(mark => mark.Gateway)
                    .Select(gateway => gateway.MaxBy(mark => mark.TimeMs)!).OrderBy(mark => mark.Gateway, StringComparer.Ordinal),
            ];
            statements.Add(PostgresSession.Sql(
                WriteMarks, _log, partition, marks.Select(mark => mark.Gateway).ToArray(), marks.Select(mark => mark.TimeMs).ToArray(),
                marks.Select(mark => mark.OpenFromMs).ToArray()));
        }

        if (_flush.Rejected.Count > 0)
        {
            statements.Add(PostgresSession.Sql(
                WriteRejected, _log, partition, _flush.Rejected.Select(rejected => rejected.Offset).ToArray(),
                _flush.Rejected.Select(rejected => rejected.Reason).ToArray(), _flush.Rejected.Select(rejected => rejected.Record).ToArray(), now));
        }

        if (statements.Count > 0)
        {
            await _session.RunAsync(statements).ConfigureAwait(false);
        }
    }
}
