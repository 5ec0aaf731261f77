using Npgsql;

namespace AdClick.Tests.Support;

/// <summary>The servers that the environment names, and databases on them.</summary>
public static class PostgresServer
{
    public static string Variable(StoreKind kind) => kind == StoreKind.Timescale ? "ADCLICK_TEST_TIMESCALE" : "ADCLICK_TEST_POSTGRES";

    /// <summary>Connection string of a server, or null.</summary>
    public static string? Find(StoreKind kind) =>
        Environment.GetEnvironmentVariable(Variable(kind)) is { Length: > 0 } connectionString ? connectionString : null;

    /// <summary>Connection string of a database that is not there yet.</summary>
    public static string NewDatabase(StoreKind kind) =>
        new NpgsqlConnectionStringBuilder(Find(kind)) { Database = $"adclick_test_{Guid.NewGuid():N}", MaxPoolSize = 20 }.ConnectionString;

    public static Task CreateAsync(StoreKind kind, string database) => RunAsync(kind, $"CREATE DATABASE {Name(database)} TEMPLATE template0");

    public static Task DropAsync(StoreKind kind, string database) => RunAsync(kind, $"DROP DATABASE IF EXISTS {Name(database)} WITH (FORCE)");

    private static string Name(string connectionString) => new NpgsqlConnectionStringBuilder(connectionString).Database!;

    private static async Task RunAsync(StoreKind kind, string sql)
    {
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(Find(kind)) { Pooling = false });
        await using var command = source.CreateCommand(sql);
        command.CommandTimeout = 120;
        await command.ExecuteNonQueryAsync();
    }
}
