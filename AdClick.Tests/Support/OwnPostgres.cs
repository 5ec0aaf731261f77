using System.Diagnostics;

namespace AdClick.Tests.Support;

/// <summary>A server of a test's own, which nobody else misses when it is stopped; gone after the test.</summary>
internal sealed class OwnPostgres : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("adclick-postgres-");

    private OwnPostgres()
    {
        // The server doesn't run as root, and has to find its folder.
        if (!OperatingSystem.IsWindows())
        {
            _folder.UnixFileMode |= UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        }
    }

    /// <summary>Npgsql connection string; the same after each start.</summary>
    public string ConnectionString { get; private set; } = "";

    /// <summary>Makes a server and starts it.</summary>
    public static async Task<OwnPostgres> StartNewAsync()
    {
        var server = new OwnPostgres();
        try
        {
            server.ConnectionString = await server.RunAsync("start");
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it again.</summary>
    public async Task StartAsync()
    {
        var connectionString = await RunAsync("start");
        if (connectionString != ConnectionString)
        {
            throw new InvalidOperationException("The server's port was taken while it was stopped.");
        }
    }

    /// <summary>Stops it; its data stay.</summary>
    public Task StopAsync() => RunAsync("stop");

    /// <summary>Ends it as kill -9 would: nothing is written or said to anybody.</summary>
    public Task CrashAsync() => RunAsync("crash");

    public async ValueTask DisposeAsync()
    {
        await RunAsync("discard");
        _folder.Delete(recursive: true);
    }

    private async Task<string> RunAsync(string command)
    {
        var start = new ProcessStartInfo(TestDatabases.PostgresControl!, [command, "plain"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["ADCLICK_CACHE"] = _folder.FullName;
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(Deadline);
        return process.ExitCode == 0
            ? (await output.WaitAsync(Deadline)).Trim()
            : throw new InvalidOperationException($".ci/postgres {command}: {await error.WaitAsync(Deadline)}");
    }
}
