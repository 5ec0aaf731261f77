using System.Data;
using System.Globalization;
using Npgsql;

namespace AdClick.Actors.Metrics.Postgres;

/// <summary>
/// Brings a database to the schema of this program: all scripts (<c>Migrations/NNNN_what.sql</c>) that it has not had yet, in one transaction with
/// their rows in <c>adclick_schema_version</c>, under a lock, as several nodes may start at once.
/// </summary>
internal static class PostgresMigrations
{
    // Room for an index over years of minutes; also the longest wait for another node that is at it.
    private static readonly TimeSpan Timeout = TimeSpan.FromHours(1);

    private static readonly IReadOnlyList<MigrationScript> Scripts = MigrationScript.InFolder("Metrics.Postgres.Migrations");

    /// <summary>Version of the newest script.</summary>
    public static int NewestVersion => Scripts[^1].Version;

    /// <summary>Runs what is missing; returns the version that was found.</summary>
    /// <exception cref="MetricsStoreDamagedException">The database was written by a newer program; nothing was changed.</exception>
    public static async Task<int> ApplyAsync(NpgsqlDataSource source, string database, TimeProvider time)
    {
        await using var connection = await source.OpenConnectionAsync().ConfigureAwait(false);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted).ConfigureAwait(false);
        var session = new PostgresSession(connection, Timeout, CancellationToken.None);
        await session.RunAsync(
            PostgresSession.Sql("SELECT set_config('client_min_messages', 'warning', true)"),
            PostgresSession.Sql("SELECT set_config('lock_timeout', '0', true), set_config('statement_timeout', '0', true)"),
            PostgresSession.Sql("SELECT pg_advisory_xact_lock(hashtext('adclick.migrations'))")).ConfigureAwait(false);
        var stored = 0;
        if (await session.ReadValueAsync("SELECT to_regclass('adclick_schema_version')::text").ConfigureAwait(false) is string)
        {
            stored = (int)(await session.ReadValueAsync("SELECT coalesce(max(version), 0) FROM adclick_schema_version").ConfigureAwait(false))!;
        }

        if (stored > NewestVersion)
        {
            throw new MetricsStoreDamagedException(string.Create(
                CultureInfo.InvariantCulture,
                $"The metrics database {database} has schema version {stored}, this program knows versions up to {NewestVersion}: it was written by "
                + $"a newer AdClick. Nothing was changed. Start that version again, or restore the database from a backup that was made before the "
                + $"upgrade."));
        }

        if (stored == NewestVersion)
        {
            return stored;
        }

        await session.RunAsync(PostgresSession.Sql(
            "CREATE TABLE IF NOT EXISTS adclick_schema_version (version int PRIMARY KEY, script text NOT NULL, applied_at timestamptz NOT NULL)"))
            .ConfigureAwait(false);
        foreach (var script in Scripts.Where(script => script.Version > stored))
        {
            await using var run = new NpgsqlCommand(script.Read(), connection) { CommandTimeout = (int)Timeout.TotalSeconds };
            await run.ExecuteNonQueryAsync().ConfigureAwait(false);
            await session.RunAsync(PostgresSession.Sql(
                "INSERT INTO adclick_schema_version VALUES ($1, $2, $3)", script.Version, script.Name, time.GetUtcNow().UtcDateTime))
                .ConfigureAwait(false);
        }

        await transaction.CommitAsync().ConfigureAwait(false);
        return stored;
    }
}
