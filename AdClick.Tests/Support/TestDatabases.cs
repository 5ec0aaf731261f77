using Npgsql;

namespace AdClick.Tests.Support;

/// <summary>
/// The servers that tests may use: those that the environment names, by Npgsql connection strings of a user who may create databases (<c>.ci/postgres</c> starts
/// such servers), else containers where an engine answers.
/// </summary>
public static class TestDatabases
{
    private const string PostgresVariable = "ADCLICK_TEST_POSTGRES";
    private const string TimescaleVariable = "ADCLICK_TEST_TIMESCALE";

    private static readonly DatabaseContainer PostgresContainer = new("postgres:17");
    private static readonly DatabaseContainer TimescaleContainer = new("timescale/timescaledb:2.17.2-pg17");

    /// <summary>A plain PostgreSQL; null where there is none.</summary>
    public static string? Postgres => Find(PostgresVariable, PostgresContainer);

    /// <summary>A PostgreSQL with TimescaleDB; null where there is none.</summary>
    public static string? Timescale => Find(TimescaleVariable, TimescaleContainer);

    /// <summary>The command that starts and stops servers: <c>.ci/postgres</c>; null where tests may not start any.</summary>
    public static string? PostgresControl { get; } = Read("ADCLICK_TEST_POSTGRES_CONTROL");

    /// <summary>Why a test of PostgreSQL is skipped; null if it isn't.</summary>
    public static string? PostgresIsMissing => Missing(PostgresVariable, "plain");

    /// <summary>Why a test of TimescaleDB is skipped; null if it isn't.</summary>
    public static string? TimescaleIsMissing => Missing(TimescaleVariable, "timescale");

    /// <summary>Why a test that needs a server of its own is skipped; null if it isn't.</summary>
    public static string? ControlIsMissing => PostgresControl is null
        ? "ADCLICK_TEST_POSTGRES_CONTROL does not name .ci/postgres, which starts and stops the server of this test."
        : null;

    private static string? Read(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? value : null;

    private static string? Find(string variable, DatabaseContainer container) =>
        Read(variable) ?? (DatabaseContainer.IsMissing is null ? container.ConnectionString : null);

    // Asking for the container's connection string would start it.
    private static string? Missing(string variable, string kind) => Read(variable) is null && DatabaseContainer.IsMissing is { } missing
        ? $"{variable} names no server, and {missing}; \".ci/postgres start {kind}\" starts a server and prints what to set it to."
        : null;
}

/// <summary>A database of a test's own on one of the servers; dropped at the end, whoever is still connected.</summary>
public sealed class TestDatabase : IAsyncDisposable
{
    private readonly string _server;

    private TestDatabase(string server, string name)
    {
        _server = server;
        Name = name;
        ConnectionString = new NpgsqlConnectionStringBuilder(server) { Database = name }.ConnectionString;
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Npgsql connection string.</summary>
    public string ConnectionString { get; }

    /// <summary>Creates an empty database.</summary>
    /// <param name="server">Npgsql connection string of the server; <see cref="TestDatabases.Postgres"/>, say.</param>
    public static async Task<TestDatabase> CreateAsync(string server)
    {
        var database = new TestDatabase(server, $"adclick_test_{Guid.NewGuid():N}");
        await database.RunOnServerAsync($"CREATE DATABASE {database.Name}");
        return database;
    }

    /// <summary>Runs a statement in the database, on a connection of its own; returns the first value of the first row.</summary>
    public Task<object?> RunAsync(string sql) => RunAsync(ConnectionString, sql);

    /// <summary>Drops it.</summary>
    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearPool(new NpgsqlConnection(ConnectionString));
        await RunOnServerAsync($"DROP DATABASE IF EXISTS {Name} WITH (FORCE)");
    }

    private Task<object?> RunOnServerAsync(string sql) => RunAsync(_server, sql);

    private static async Task<object?> RunAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
