using Npgsql;

namespace AdClick.Actors.Metrics.Postgres;

/// <summary>How far the rollups have come, but for what is in rollup_marks.</summary>
/// <param name="ClosedQuarter">Whatever changes in a quarter before this one is marked.</param>
/// <param name="Quarter">Quarters before this one are rolled up.</param>
/// <param name="Day">UTC days before this one are rolled up.</param>
/// <param name="FirstDay">Of UTC days before this one only the rollups are kept, which then take late clicks directly.</param>
internal readonly record struct RollupFrontier(int ClosedQuarter, int Quarter, int Day, int FirstDay)
{
    /// <summary>Reads it.</summary>
    public const string Select = "SELECT closed_quarter, quarter, day, first_day FROM rollup_frontier";

    /// <summary>
    /// Held shared by a flush from before it reads the frontier until it has committed, and exclusively by whoever moves closed_quarter or first_day:
    /// so every flush has either been seen by what follows the move, or knows of it.
    /// </summary>
    public const string SharedLock = "SELECT pg_advisory_xact_lock_shared(hashtext('adclick.frontier'))";

    /// <inheritdoc cref="SharedLock"/>
    public const string ExclusiveLock = "SELECT pg_advisory_xact_lock(hashtext('adclick.frontier'))";

    /// <summary>First minute that is kept.</summary>
    public int FirstMinute => FirstDay * StoredTime.MinutesPerDay;

    public static RollupFrontier Of(NpgsqlDataReader row) => new(row.GetInt32(0), row.GetInt32(1), row.GetInt32(2), row.GetInt32(3));

    public static async Task<RollupFrontier> ReadAsync(PostgresSession session)
    {
        await using var reader = await session.ReadAsync(PostgresSession.Sql(Select)).ConfigureAwait(false);
        await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false);
        return Of(reader);
    }
}
