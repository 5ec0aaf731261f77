using System.Globalization;

namespace AdClick.Actors.Lake.Reconciling;

/// <summary>
/// The counting rule (docs/architecture.md) as questions about sets of raw clicks. Most impressions have one click, which is judged by itself. Those with more are
/// judged by windows over the clicks of an impression, in the order of the log.
/// </summary>
/// <remarks>
/// An impression's entry lives while the partition clock has not passed the end of its expiry by more than the allowed lateness; the clock only grows, so the clicks
/// that find it alive come first. Its nonces are the first nine different ones among them: a click is a repeat when its nonce came before and is one of those.
/// </remarks>
internal static class RecountSql
{
    private const int KeptNonces = 1 + Ads.ImpressionWindow.MaxFurtherNonces;

    /// <summary>The clicks of some files, one row each, as view <c>clicks</c>.</summary>
    /// <param name="files">Paths of the files.</param>
    /// <param name="rules">Other rules; a list of bots has been put into table <c>agents</c>.</param>
    /// <param name="latenessMs">Allowed lateness, in milliseconds.</param>
    /// <param name="limits">Log, number of the log, partition, and offset before which clicks count.</param>
    public static string Clicks(IEnumerable<string> files, RecountRules rules, long latenessMs, IReadOnlyList<(Guid Log, int LogNumber, int Partition, long EndOffset)> limits)
    {
        var expires = rules.ImpressionLifetime is { } lifetime
            ? Text($"CAST('0x' || substr(impression_id, 1, 8) || substr(impression_id, 10, 4) AS BIGINT) + {(long)lifetime.TotalMilliseconds}")
            : "epoch_ms(expires_at)";
        var verdict = rules.Bots is null
            ? "verdict"
            : $"CASE WHEN verdict = 'inactive_ad' THEN verdict WHEN epoch_ms(click_time) <= {expires} AND agents.is_bot THEN 'bot' ELSE 'valid' END";
        if (rules is { ImpressionLifetime: not null, Bots: null })
        {
            verdict = "CASE verdict WHEN 'expired' THEN 'valid' ELSE verdict END"; // whether it is comes from the other lifetime
        }

        var (order, within) = limits.Select(limit => limit.LogNumber).Distinct().Count() == 1 && limits.DistinctBy(limit => limit.Partition).Count() == 1
            ? ("0", Text($"\"offset\" < {limits[0].EndOffset}"))
            : ("limits.log_number", "\"offset\" < limits.end_offset");
        var join = order == "0"
            ? ""
            : $" JOIN (VALUES {string.Join(", ", limits.Select(limit => Text($"('{limit.Log}', {limit.LogNumber}, {limit.Partition}, {limit.EndOffset})")))}) AS limits (log, log_number, partition, end_offset) ON limits.log = file.log AND limits.partition = file.partition";
        var agents = rules.Bots is null ? "" : " LEFT JOIN agents ON agents.user_agent = coalesce(file.user_agent, '')";
        return Text(
            $"""
            CREATE OR REPLACE TEMP VIEW clicks AS
            SELECT *,
                clock_ms - (expires_ms + 299999) // 300000 * 300000 <= {latenessMs} AS is_alive,
                CASE verdict
                    WHEN 'bot' THEN 4 WHEN 'expired' THEN 5 WHEN 'inactive_ad' THEN 6
                    WHEN 'valid' THEN CASE WHEN click_ms > expires_ms THEN 5 WHEN clock_ms - effective_ms > {latenessMs} THEN 3 ELSE 0 END
                    ELSE error('unknown verdict ' || verdict) END AS judged
            FROM (
                SELECT hash(ad_id, sub_shard, impression_id) AS key, ad_id, sub_shard, impression_id, {order} AS log_number, "offset" AS position,
                    epoch_ms(clock) AS clock_ms, epoch_ms(effective_time) AS effective_ms, epoch_ms(click_time) AS click_ms, {expires} AS expires_ms,
                    nonce & 4294967295 AS nonce, {verdict} AS verdict
                FROM read_parquet([{string.Join(", ", files.Select(file => $"'{file.Replace("'", "''", StringComparison.Ordinal)}'"))}], hive_partitioning = false) AS file{join}{agents}
                WHERE {within})
            """);
    }

    /// <summary>
    /// Impressions by a hash, as table <c>impressions</c>: how many clicks each has, and the click itself of those that have one. Two that share a hash are taken for one with
    /// several, which are told apart where they are judged. <c>is_odd</c>: its tokens have expiries that differ, which the windows can't judge.
    /// </summary>
    public const string Impressions =
        """
        CREATE OR REPLACE TEMP TABLE impressions AS
        SELECT key, count(*) AS clicks, any_value(ad_id) AS ad_id, min(effective_ms) AS effective_ms, min(judged) AS judged, min(expires_ms) <> max(expires_ms) AS is_odd
        FROM clicks GROUP BY key
        """;

    /// <summary>Adds the clicks from $1 to before $2 (milliseconds) of impressions with one click to table <c>recounted</c>.</summary>
    public const string CountSingle =
        """
        INSERT INTO recounted
        SELECT ad_id, CAST(effective_ms // 60000 AS INTEGER), judged, count(*)
        FROM impressions
        WHERE clicks = 1 AND effective_ms >= $1 AND effective_ms < $2
        GROUP BY ALL
        """;

    /// <summary>The same for impressions with several.</summary>
    public static readonly string CountSeveral =
        $"""
        INSERT INTO recounted
        SELECT ad_id, CAST(effective_ms // 60000 AS INTEGER), outcome, count(*)
        FROM ({Judged("SELECT clicks.* FROM clicks SEMI JOIN (SELECT key FROM impressions WHERE clicks > 1 AND NOT is_odd) AS regular USING (key)")})
        WHERE effective_ms >= $1 AND effective_ms < $2
        GROUP BY ALL
        """;

    /// <summary>Clicks of the others, impression by impression in the order of the log.</summary>
    public const string Odd =
        """
        SELECT ad_id, sub_shard, impression_id, position, clock_ms, effective_ms, click_ms, expires_ms, nonce, verdict
        FROM clicks SEMI JOIN (SELECT key FROM impressions WHERE is_odd) AS odd USING (key)
        ORDER BY ad_id, sub_shard, impression_id, log_number, position
        """;

    /// <summary>
    /// Impressions that have a late click from $1 to before $2 (milliseconds), as table <c>late</c>. Those with several expiries stay late: who signs two tokens for one
    /// impression can't be told when it ends.
    /// </summary>
    public const string Late =
        """
        CREATE OR REPLACE TEMP TABLE late AS
        SELECT DISTINCT key FROM clicks ANTI JOIN (SELECT key FROM impressions WHERE is_odd) AS odd USING (key)
        WHERE judged = 3 AND effective_ms >= $1 AND effective_ms < $2
        """;

    /// <summary>
    /// The second pass: late clicks from $1 to before $2 that are accepted after all, added to table <c>settled</c>: the first of its impression, where none of its clicks was
    /// accepted, and where the clock has gone so far ($3) that none can be any more.
    /// </summary>
    public static readonly string Settle =
        $"""
        INSERT INTO settled
        SELECT ad_id, CAST(effective_ms // 60000 AS INTEGER), count(*)
        FROM (
            SELECT *, bool_or(outcome = 0) OVER impression AS is_accepted, max(expires_ms) OVER impression AS ends_ms,
                row_number() OVER (PARTITION BY ad_id, sub_shard, impression_id, outcome ORDER BY log_number, position) AS nth
            FROM ({Judged("SELECT clicks.* FROM clicks SEMI JOIN late USING (key)")})
            WINDOW impression AS (PARTITION BY ad_id, sub_shard, impression_id))
        WHERE outcome = 3 AND nth = 1 AND NOT is_accepted AND ends_ms + 300000 < $3 AND effective_ms >= $1 AND effective_ms < $2
        GROUP BY ALL
        """;

    /// <summary>Both sides of every (ad, minute, outcome), as table <c>compared</c>.</summary>
    public const string Compare =
        """
        CREATE OR REPLACE TEMP TABLE compared AS
        SELECT ad_id, minute, outcome, CAST(sum(streamed) AS BIGINT) AS streamed, CAST(sum(recounted) AS BIGINT) AS recounted, CAST(sum(settled) AS BIGINT) AS settled
        FROM (
            SELECT ad_id, minute, outcome, clicks AS streamed, 0 AS recounted, 0 AS settled FROM streamed
            UNION ALL SELECT ad_id, minute, outcome, 0, clicks, 0 FROM recounted
            UNION ALL SELECT ad_id, minute, 0, 0, 0, clicks FROM settled
            UNION ALL SELECT ad_id, minute, 3, 0, 0, -clicks FROM settled)
        GROUP BY ALL
        """;

    // Outcomes are numbers, as in ClickOutcome.
    private static string Judged(string rows) =>
        $"""
        SELECT *,
            CASE WHEN first_look = 0 AND row_number() OVER (PARTITION BY ad_id, sub_shard, impression_id, first_look ORDER BY log_number, position) > 1 THEN 1 ELSE first_look END AS outcome
        FROM (
            SELECT *,
                CASE
                    WHEN is_alive AND copy > 1 AND min(nonces) OVER (PARTITION BY ad_id, sub_shard, impression_id, is_alive, nonce) <= {KeptNonces} THEN 2
                    ELSE judged END AS first_look
            FROM (
                SELECT *,
                    sum(CASE WHEN is_alive AND copy = 1 THEN 1 ELSE 0 END)
                        OVER (PARTITION BY ad_id, sub_shard, impression_id ORDER BY log_number, position ROWS UNBOUNDED PRECEDING) AS nonces
                FROM (
                    SELECT *, row_number() OVER (PARTITION BY ad_id, sub_shard, impression_id, is_alive, nonce ORDER BY log_number, position) AS copy
                    FROM ({rows}))))
        """;

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
