using DotNet.Testcontainers.Builders;
using DotNet.Testcontainers.Configurations;
using Testcontainers.PostgreSql;

namespace AdClick.Tests.Support;

/// <summary>A server in a container, for tests that the environment names none for. It is started when the first test needs it, and ends with the process.</summary>
internal sealed class DatabaseContainer
{
    private static readonly Lazy<string?> Missing = new(FindWhatIsMissing);

    private readonly Lazy<string> _connectionString;

    /// <summary>A server of an image.</summary>
    public DatabaseContainer(string image) => _connectionString = new Lazy<string>(() => Task.Run(() => StartAsync(image)).GetAwaiter().GetResult());

    /// <summary>Why there can be no container; null if there can.</summary>
    public static string? IsMissing => Missing.Value;

    /// <summary>Npgsql connection string of a user who may create databases; the first one who asks waits for the server.</summary>
    public string ConnectionString => _connectionString.Value;

    private static string? FindWhatIsMissing()
    {
        try
        {
            return TestcontainersSettings.OS.DockerEndpointAuthConfig is null ? "no container engine answers" : null;
        }
        catch (Exception e) when (e is DockerUnavailableException or InvalidOperationException or ArgumentException)
        {
            return $"no container engine answers ({e.Message})";
        }
    }

    private static async Task<string> StartAsync(string image)
    {
        // Many test classes run side by side, each with pools of its own.
        var container = new PostgreSqlBuilder(image).WithCommand("-c", "max_connections=500").Build();
        await container.StartAsync();
        return $"{container.GetConnectionString()};Include Error Detail=true";
    }
}
