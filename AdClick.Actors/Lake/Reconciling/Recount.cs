using System.Globalization;
using AdClick.Actors.Ads;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using DuckDB.NET.Data;

namespace AdClick.Actors.Lake.Reconciling;

/// <summary>
/// A DuckDB database in memory that counts raw clicks by the counting rule and compares the numbers with the streamed ones. Its calls block: use it on a thread of its own.
/// </summary>
internal sealed class Recount : IDisposable
{
    private readonly DuckDBConnection _connection = new("DataSource=:memory:");
    private readonly CancellationToken _cancellationToken;
    private readonly RecountRules _rules;
    private DuckDBAppender? _streamed;

    /// <summary>A re-count of nothing yet.</summary>
    /// <param name="settings">What it may take.</param>
    /// <param name="folder">Folder for what does not fit into memory.</param>
    /// <param name="rules">Other rules.</param>
    /// <param name="cancellationToken">Interrupts it.</param>
    public Recount(RecountSettings settings, string folder, RecountRules rules, CancellationToken cancellationToken)
    {
        _cancellationToken = cancellationToken;
        _rules = rules;
        _connection.Open();
        Run(string.Create(CultureInfo.InvariantCulture, $"SET memory_limit = '{settings.MemoryLimit / 1024}KiB'"));
        Run(string.Create(CultureInfo.InvariantCulture, $"SET threads = {settings.Threads}"));
        Run($"SET temp_directory = '{folder.Replace("'", "''", StringComparison.Ordinal)}'");
        Run("SET preserve_insertion_order = false");
        Run("SET autoinstall_known_extensions = false");
        Run("CREATE TABLE streamed (ad_id VARCHAR, minute INTEGER, outcome INTEGER, clicks BIGINT)");
        Run("CREATE TABLE recounted (ad_id VARCHAR, minute INTEGER, outcome INTEGER, clicks BIGINT)");
        Run("CREATE TABLE settled (ad_id VARCHAR, minute INTEGER, clicks BIGINT)");
        Run("CREATE TABLE agents (user_agent VARCHAR, is_bot BOOLEAN)");
    }

    /// <summary>Takes streamed clicks.</summary>
    public void TakeStreamed(string adId, int minute, ClickOutcome outcome, long clicks)
    {
        _streamed ??= _connection.CreateAppender("streamed");
        _streamed.CreateRow().AppendValue(adId).AppendValue(minute).AppendValue((int)outcome).AppendValue(clicks).EndRow();
    }

    /// <summary>Ends the streamed clicks.</summary>
    public void CompleteStreamed()
    {
        _streamed?.Dispose();
        _streamed = null;
    }

    /// <summary>Judges the clicks of the hours in question. Whatever an impression may have met must be among the files.</summary>
    /// <param name="clicks">The clicks.</param>
    /// <param name="hours">The hours in question.</param>
    public void Count(SliceClicks clicks, HourRange hours)
    {
        if (!Look(clicks))
        {
            return;
        }

        Run(RecountSql.Impressions);
        Run(RecountSql.CountSingle, hours.StartMs, hours.EndMs);
        Run(RecountSql.CountSeveral, hours.StartMs, hours.EndMs);
        CountOdd(clicks, hours);
    }

    /// <summary>Settles the late clicks of the hours in question.</summary>
    /// <param name="clicks">The clicks, up to the end of every impression that the hours may have met.</param>
    /// <param name="hours">The hours in question.</param>
    /// <param name="closedMs">Partition clock less the allowed lateness: nothing is accepted before it any more.</param>
    public void Settle(SliceClicks clicks, HourRange hours, long closedMs)
    {
        if (!Look(clicks))
        {
            return;
        }

        Run(RecountSql.Impressions);
        Run(RecountSql.Late, hours.StartMs, hours.EndMs);
        if (ReadNumber("SELECT count(*) FROM late") > 0)
        {
            Run(RecountSql.Settle, hours.StartMs, hours.EndMs, closedMs);
        }
    }

    /// <summary>Whether there is a late click among those that were counted.</summary>
    public bool HasLate => ReadNumber("SELECT count(*) FROM recounted WHERE outcome = 3") > 0;

    /// <summary>Compares both sides; gives the number of cells, re-counted clicks and settled clicks.</summary>
    public (long Cells, long Clicks, long Settled) Compare()
    {
        Run(RecountSql.Compare);
        return (
            ReadNumber("SELECT count(*) FROM compared"), ReadNumber("SELECT CAST(coalesce(sum(recounted), 0) AS BIGINT) FROM compared"),
            ReadNumber("SELECT CAST(coalesce(sum(clicks), 0) AS BIGINT) FROM settled"));
    }

    /// <summary>The cells that differ or were settled, by ad and minute.</summary>
    public List<Correction> Corrections()
    {
        var corrections = new List<Correction>();
        Read(
            "SELECT ad_id, minute, outcome, streamed, recounted, settled FROM compared WHERE streamed <> recounted OR settled <> 0 ORDER BY ad_id, minute, outcome",
            row => corrections.Add(new Correction(
                row.GetString(0), row.GetInt32(1), (ClickOutcome)row.GetInt32(2), row.GetInt64(3), row.GetInt64(4), row.GetInt64(5))));
        return corrections;
    }

    /// <summary>Clicks by outcome, streamed and re-counted, and by ad for those whose accepted clicks differ most.</summary>
    public (IReadOnlyList<(ClickOutcome Outcome, long Streamed, long Recounted)> Outcomes, IReadOnlyList<(string AdId, long Streamed, long Recounted)> Ads) Summarize(int ads)
    {
        var outcomes = new List<(ClickOutcome, long, long)>();
        Read(
            "SELECT outcome, CAST(sum(streamed) AS BIGINT), CAST(sum(recounted + settled) AS BIGINT) FROM compared GROUP BY outcome ORDER BY outcome",
            row => outcomes.Add(((ClickOutcome)row.GetInt32(0), row.GetInt64(1), row.GetInt64(2))));
        var largest = new List<(string, long, long)>();
        Read(
            string.Create(
                CultureInfo.InvariantCulture,
                $"""
                SELECT ad_id, CAST(sum(streamed) AS BIGINT) AS s, CAST(sum(recounted + settled) AS BIGINT) AS r FROM compared WHERE outcome = 0
                GROUP BY ad_id HAVING s <> r ORDER BY abs(s - r) DESC, ad_id LIMIT {ads}
                """),
            row => largest.Add((row.GetString(0), row.GetInt64(1), row.GetInt64(2))));
        return (outcomes, largest);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _streamed?.Dispose();
        _connection.Dispose();
    }

    /// <summary>The issue time of the oldest impression that was clicked in the hours in question, Unix milliseconds; null when none was.</summary>
    public long? FindOldestIssue(SliceClicks clicks, HourRange hours)
    {
        if (!Look(clicks))
        {
            return null;
        }

        long? oldest = null;
        Read(
            string.Create(
                CultureInfo.InvariantCulture,
                $"SELECT min(impression_id) FROM clicks WHERE effective_ms >= {hours.StartMs} AND effective_ms < {hours.EndMs} AND judged IN (0, 3)"),
            row => oldest = !row.IsDBNull(0) && ImpressionId.TryParse(row.GetString(0), out var id) ? id.IssuedAtMs : null);
        return oldest;
    }

    private bool Look(SliceClicks clicks)
    {
        if (clicks.Paths.Count == 0)
        {
            return false;
        }

        if (_rules.Bots is { } bots)
        {
            JudgeAgents(clicks, bots);
        }

        Run(RecountSql.Clicks(clicks.Paths, _rules, clicks.LatenessMs, clicks.Limits));
        return true;
    }

    private void JudgeAgents(SliceClicks clicks, DeclaredBots bots)
    {
        Run("DELETE FROM agents");
        var agents = new List<string>();
        Read(
            $"SELECT DISTINCT coalesce(user_agent, '') FROM read_parquet([{string.Join(", ", clicks.Paths.Select(path => $"'{path.Replace("'", "''", StringComparison.Ordinal)}'"))}])",
            row => agents.Add(row.GetString(0)));
        using var appender = _connection.CreateAppender("agents");
        foreach (var agent in agents)
        {
            appender.CreateRow().AppendValue(agent).AppendValue(bots.IsBot(agent)).EndRow();
        }
    }

    // Tokens of one impression with several expiries: what the windows can't say, the rule itself does.
    private void CountOdd(SliceClicks clicks, HourRange hours)
    {
        var counts = new Dictionary<(string AdId, int Minute, ClickOutcome Outcome), long>();
        AdState? state = null;
        var impression = default(ImpressionId);
        var terms = new CountingTerms(clicks.LatenessMs, 0);
        Read(RecountSql.Odd, row =>
        {
            var key = new AdKey(row.GetString(0), row.GetInt32(1));
            if (!ImpressionId.TryParse(row.GetString(2), out var id))
            {
                throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"'{row.GetString(2)}' at offset {row.GetInt64(3)} is no impression ID."));
            }

            if (state is null || state.Key != key || impression != id)
            {
                (state, impression) = (new AdState(key), id);
            }

            var effectiveMs = row.GetInt64(5);
            var outcome = state.Apply(
                new LoggedClick
                {
                    Offset = row.GetInt64(3),
                    Nonce = (ulong)row.GetInt64(8),
                    Impression = id,
                    ExpiresAtMs = row.GetInt64(7),
                    ClickTimeMs = row.GetInt64(6),
                    EffectiveTimeMs = effectiveMs,
                    ClockMs = row.GetInt64(4),
                    Verdict = VerdictOf(row.GetString(9)),
                },
                terms,
                out _);
            if (effectiveMs >= hours.StartMs && effectiveMs < hours.EndMs)
            {
                var cell = (key.AdId, (int)(effectiveMs / 60_000), outcome);
                counts[cell] = counts.GetValueOrDefault(cell) + 1;
            }
        });
        if (counts.Count == 0)
        {
            return;
        }

        using var appender = _connection.CreateAppender("recounted");
        foreach (var ((adId, minute, outcome), number) in counts)
        {
            appender.CreateRow().AppendValue(adId).AppendValue(minute).AppendValue((int)outcome).AppendValue(number).EndRow();
        }
    }

    private static ClickVerdict VerdictOf(string verdict) => verdict switch
    {
        "bot" => ClickVerdict.Bot,
        "expired" => ClickVerdict.Expired,
        "inactive_ad" => ClickVerdict.InactiveAd,
        _ => ClickVerdict.Valid,
    };

    private void Run(string sql, params ReadOnlySpan<long> parameters)
    {
        _cancellationToken.ThrowIfCancellationRequested();
        using var command = Command(sql, parameters);
        using var registration = _cancellationToken.UnsafeRegister(static command => ((DuckDBCommand)command!).Cancel(), command);
        Guard(() => command.ExecuteNonQuery());
    }

    private long ReadNumber(string sql)
    {
        var number = 0L;
        Read(sql, row => number = row.GetInt64(0));
        return number;
    }

    private void Read(string sql, Action<DuckDBDataReader> take)
    {
        _cancellationToken.ThrowIfCancellationRequested();
        using var command = Command(sql, []);
        using var registration = _cancellationToken.UnsafeRegister(static command => ((DuckDBCommand)command!).Cancel(), command);
        Guard(() =>
        {
            command.UseStreamingMode = true;
            using var reader = command.ExecuteReader();
            while (reader.Read())
            {
                take(reader);
            }
        });
    }

    private DuckDBCommand Command(string sql, ReadOnlySpan<long> parameters)
    {
        var command = _connection.CreateCommand();
        command.CommandText = sql;
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new DuckDBParameter(parameter));
        }

        return command;
    }

    private void Guard(Action work)
    {
        try
        {
            work();
        }
        catch (DuckDBException) when (_cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(_cancellationToken);
        }
    }
}

/// <summary>Files of clicks that are judged together.</summary>
/// <param name="Paths">Paths of the files.</param>
/// <param name="LatenessMs">Allowed lateness.</param>
/// <param name="Limits">Log, number of the log, partition, and offset before which clicks count.</param>
internal sealed record SliceClicks(
    IReadOnlyList<string> Paths, long LatenessMs, IReadOnlyList<(Guid Log, int LogNumber, int Partition, long EndOffset)> Limits);
