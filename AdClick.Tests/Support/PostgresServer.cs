using Npgsql;

namespace AdClick.Tests.Support;

/// <summary>Databases on a server.</summary>
/// <param name="server">Npgsql connection string of a user who may create databases.</param>
public sealed class PostgresServer(string server)
{
    /// <summary>The server for a kind of store; the test is skipped where there is none.</summary>
    public static PostgresServer Of(StoreKind kind) => new((kind == StoreKind.Timescale ? TestDatabases.Timescale : TestDatabases.Postgres)!);

    /// <summary>Connection string of a database that is not there yet.</summary>
    public string NewDatabase() =>
        new NpgsqlConnectionStringBuilder(server) { Database = $"adclick_test_{Guid.NewGuid():N}", MaxPoolSize = 20 }.ConnectionString;

    /// <summary>Creates it.</summary>
    public Task CreateAsync(string database, string options = "") => RunAsync($"CREATE DATABASE {Name(database)} TEMPLATE template0 {options}");

    /// <summary>Drops it, whoever is connected.</summary>
    public Task DropAsync(string database) => RunAsync($"DROP DATABASE IF EXISTS {Name(database)} WITH (FORCE)");

    /// <summary>Runs a statement on a connection of its own.</summary>
    public async Task RunAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(server) { Pooling = false });
        await using var command = source.CreateCommand(sql);
        command.CommandTimeout = 120;
        await command.ExecuteNonQueryAsync();
    }

    private static string Name(string connectionString) => new NpgsqlConnectionStringBuilder(connectionString).Database!;
}
