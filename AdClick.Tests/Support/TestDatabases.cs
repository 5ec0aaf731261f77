using Npgsql;

namespace AdClick.Tests.Support;

/// <summary>
/// The servers that tests may use, as the environment names them: Npgsql connection strings of a user who may create databases. <c>.ci/postgres</c> starts
/// such servers.
/// </summary>
public static class TestDatabases
{
    /// <summary>A plain PostgreSQL; null where there is none.</summary>
    public static string? Postgres { get; } = Read("ADCLICK_TEST_POSTGRES");

    /// <summary>A PostgreSQL with TimescaleDB; null where there is none.</summary>
    public static string? Timescale { get; } = Read("ADCLICK_TEST_TIMESCALE");

    /// <summary>The command that starts and stops servers: <c>.ci/postgres</c>; null where tests may not start any.</summary>
    public static string? PostgresControl { get; } = Read("ADCLICK_TEST_POSTGRES_CONTROL");

    /// <summary>Why a test of PostgreSQL is skipped; null if it isn't.</summary>
    public static string? PostgresIsMissing => Missing(Postgres, "ADCLICK_TEST_POSTGRES", "plain");

    /// <summary>Why a test of TimescaleDB is skipped; null if it isn't.</summary>
    public static string? TimescaleIsMissing => Missing(Timescale, "ADCLICK_TEST_TIMESCALE", "timescale");

    /// <summary>Why a test that needs a server of its own is skipped; null if it isn't.</summary>
    public static string? ControlIsMissing => PostgresControl is null
        ? "ADCLICK_TEST_POSTGRES_CONTROL does not name .ci/postgres, which starts and stops the server of this test."
        : null;

    private static string? Read(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? value : null;

    private static string? Missing(string? value, string variable, string kind) =>
        value is null ? $"{variable} names no server; \".ci/postgres start {kind}\" starts one and prints what to set it to." : null;
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
