using System.Globalization;

namespace AdClick.Actors.Metrics.Postgres;

/// <summary>Makes days ahead of time, compresses old ones, and lets go of minutes that are no longer kept.</summary>
internal static class PostgresUpkeep
{
    /// <summary>Days that are ready before anybody clicks in them.</summary>
    private const int DaysAhead = 2;

    /// <summary>
    /// Minutes are compressed after a week: long after the impression window (a day), the allowed lateness (an hour) and any replay, as writing into
    /// compressed chunks is slow.
    /// </summary>
    private const int CompressAfterMinutes = 7 * StoredTime.MinutesPerDay;

    private static readonly string Compress = string.Create(
        CultureInfo.InvariantCulture,
        $"""
        DO $$
        BEGIN
            IF current_setting('timescaledb.license', true) IS DISTINCT FROM 'timescale'
                OR (SELECT relkind FROM pg_class WHERE oid = 'click_minute'::regclass) <> 'r'
            THEN
                RETURN; -- what follows does not exist there
            END IF;
            IF NOT EXISTS (
                SELECT FROM timescaledb_information.jobs WHERE proc_name = 'policy_compression' AND hypertable_name = 'click_minute')
            THEN
                CREATE OR REPLACE FUNCTION click_minute_now() RETURNS int LANGUAGE sql STABLE AS
                    'SELECT (extract(epoch FROM now()) / 60)::int';
                PERFORM set_integer_now_func('click_minute', 'click_minute_now');
                ALTER TABLE click_minute SET (
                    timescaledb.compress, timescaledb.compress_segmentby = 'ad', timescaledb.compress_orderby = 'minute, sub_shard, outcome');
                PERFORM add_compression_policy('click_minute', compress_after => {CompressAfterMinutes});
            END IF;
        END
        $$
        """);

    /// <summary>Makes sure of the days around now. Days of other times are made when they are first clicked in.</summary>
    public static Task<int> AddDaysAsync(PostgresSession session, DateTimeOffset now)
    {
        var today = (int)(now.ToUnixTimeSeconds() / 60 / StoredTime.MinutesPerDay);
        return session.RunAsync(PostgresSession.Sql("SELECT add_click_days($1)", Enumerable.Range(today, DaysAhead + 1).ToArray()));
    }

    /// <summary>Has TimescaleDB compress old minutes, where its edition can.</summary>
    public static Task<int> SetCompressionAsync(PostgresSession session) =>
        session.RunAsync(
            PostgresSession.Sql("SELECT pg_advisory_xact_lock(hashtext('adclick.compression'))"), // several nodes may come at once to the first time
            PostgresSession.Sql(Compress));

    /// <summary>
    /// Drops the days that the last run has let go of: no question that still counted on them is under way any more. Returns how many.
    /// </summary>
    public static async Task<int> DropAsync(PostgresSession session, TimeSpan longestWait)
    {
        var firstDay = (await RollupFrontier.ReadAsync(session).ConfigureAwait(false)).FirstDay;
        if (await session.ReadValueAsync("SELECT count(*) FROM click_days WHERE day < $1", firstDay).ConfigureAwait(false) is 0L)
        {
            return 0;
        }

        // Who waits for a question to end makes everybody behind him wait.
        await session.RunAsync(PostgresSession.Limit("lock_timeout", longestWait)).ConfigureAwait(false);
        return (int)(await session.ReadValueAsync("SELECT drop_click_days($1)", firstDay).ConfigureAwait(false))!;
    }

    /// <summary>
    /// Lets go of the minutes before a time that lies the retention before the slowest partition's clock: so nothing but replays and late clicks can
    /// still come for them. They must be rolled up, with nothing marked.
    /// </summary>
    public static async Task LetGoAsync(PostgresSession session, TimeSpan retention, TimeSpan longestWait)
    {
        var (log, partitions) = await PostgresProgress.ReadCurrentAsync(session).ConfigureAwait(false);
        if (log is null || partitions.Count < log.Partitions)
        {
            return;
        }

        var keptFromMs = partitions.Min(RollupRules.ClosedMs) - (long)retention.TotalMilliseconds;
        var day = (int)Math.Max(0, keptFromMs / 60_000 / StoredTime.MinutesPerDay);
        if (day <= (await RollupFrontier.ReadAsync(session).ConfigureAwait(false)).FirstDay)
        {
            return;
        }

        await session.RunAsync(
            PostgresSession.Limit("lock_timeout", longestWait),
            PostgresSession.Sql(RollupFrontier.ExclusiveLock),
            PostgresSession.Sql(
                """
                UPDATE rollup_frontier SET first_day = greatest(first_day, least($1, day))
                WHERE NOT EXISTS (SELECT FROM rollup_marks WHERE quarter < $1 * 96)
                """,
                day)).ConfigureAwait(false);
    }
}
