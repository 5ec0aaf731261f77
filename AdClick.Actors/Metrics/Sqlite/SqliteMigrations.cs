using System.Globalization;

namespace AdClick.Actors.Metrics.Sqlite;

/// <summary>
/// Brings a database to the schema of this program. Each script (<c>Migrations/NNNN_what.sql</c>) runs once, in one transaction with its row in
/// <c>schema_version</c>.
/// </summary>
internal static class SqliteMigrations
{
    private static readonly IReadOnlyList<MigrationScript> Scripts = MigrationScript.InFolder("Metrics.Sqlite.Migrations");

    /// <summary>Version of the newest script.</summary>
    public static int NewestVersion => Scripts[^1].Version;

    /// <summary>Refuses a database that this program can't use, without changing it.</summary>
    /// <exception cref="MetricsStoreDamagedException">The database was written by a newer program, or isn't one of ours.</exception>
    public static void Check(SqliteDatabase database)
    {
        if (!HasVersions(database) && database.ReadInt64("SELECT count(*) FROM sqlite_schema") > 0)
        {
            throw new MetricsStoreDamagedException(
                $"{database.File} is a SQLite database, but not a metrics database of AdClick: it has tables and no schema_version. Nothing was "
                + "changed. Point AdClick:Data to another folder, or move the file away.");
        }

        var stored = Version(database);
        if (stored > NewestVersion)
        {
            throw new MetricsStoreDamagedException(
                $"The metrics database {database.File} has schema version {stored}, this program knows versions up to {NewestVersion}: it was "
                + "written by a newer AdClick. Nothing was changed. Start that version again, or restore the data folder from a backup that was made "
                + "before the upgrade.");
        }
    }

    /// <summary>Runs the scripts that the database has not had yet.</summary>
    public static void Apply(SqliteDatabase database, TimeProvider time)
    {
        database.Execute(
            "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, script TEXT NOT NULL, applied_at TEXT NOT NULL) STRICT");
        var stored = Version(database);
        foreach (var script in Scripts)
        {
            if (script.Version <= stored)
            {
                continue;
            }

            database.Execute("BEGIN IMMEDIATE");
            database.Execute(script.Read());
            database.Prepare("INSERT INTO schema_version VALUES (?1, ?2, ?3)")
                .Bind(1, script.Version)
                .Bind(2, script.Name)
                .Bind(3, time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture))
                .Run();
            database.Execute("COMMIT");
        }
    }

    private static bool HasVersions(SqliteDatabase database) =>
        database.ReadInt64("SELECT count(*) FROM sqlite_schema WHERE name = 'schema_version'") > 0;

    private static long Version(SqliteDatabase database) => HasVersions(database) ? database.ReadInt64("SELECT max(version) FROM schema_version") : 0;
}
