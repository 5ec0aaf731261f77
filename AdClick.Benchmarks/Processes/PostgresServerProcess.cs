using System.Diagnostics;

namespace AdClick.Benchmarks.Processes;

/// <summary>
/// A database server of a run's own, started by <c>.ci/postgres</c> in a folder of the run; at the end stopped, and gone with its data unless they are to be kept.
/// </summary>
internal sealed class PostgresServerProcess : IAsyncDisposable
{
    private readonly string _control;
    private readonly string _kind;
    private readonly string _folder;
    private readonly string _settings;
    private readonly bool _isKept;

    private PostgresServerProcess(string control, string kind, string folder, string settings, bool isKept) =>
        (_control, _kind, _folder, _settings, _isKept) = (control, kind, folder, settings, isKept);

    /// <summary>Npgsql connection string; the same after each start.</summary>
    public string ConnectionString { get; private set; } = "";

    /// <summary>Starts one, on the data that the folder has.</summary>
    /// <param name="kind">Which: plain or timescale.</param>
    /// <param name="folder">Folder for its data.</param>
    /// <param name="settings">Its settings where they are not those of a test server, <c>name=value</c> with spaces between them.</param>
    /// <param name="isKept">Whether its data stay.</param>
    /// <exception cref="InvalidOperationException">It can't be started here.</exception>
    public static async Task<PostgresServerProcess> StartNewAsync(string kind, string folder, string settings = "", bool isKept = false)
    {
        var server = new PostgresServerProcess(FindControl(), kind, folder, settings, isKept);
        if (!OperatingSystem.IsWindows())
        {
            // The server doesn't run as root, and has to find its folder.
            File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        }

        try
        {
            await server.StartAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it, on the data of the time before.</summary>
    public async Task StartAsync()
    {
        var connectionString = await RunAsync("start");
        ConnectionString = ConnectionString is "" || ConnectionString == connectionString
            ? connectionString
            : throw new InvalidOperationException("The database server's port was taken while it was stopped.");
    }

    /// <summary>Stops it.</summary>
    public Task StopAsync() => RunAsync("stop");

    /// <summary>Ends it at once.</summary>
    public Task CrashAsync() => RunAsync("crash");

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await RunAsync(_isKept ? "stop" : "discard");

    private static string FindControl()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var control = Path.Combine(folder.FullName, ".ci", "postgres");
            if (File.Exists(control))
            {
                return control;
            }
        }

        throw new FileNotFoundException($"There is no .ci/postgres above {AppContext.BaseDirectory}, which starts the database server: run the program from its checkout.");
    }

    private async Task<string> RunAsync(string command)
    {
        var start = new ProcessStartInfo(_control, [command, _kind]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["ADCLICK_CACHE"] = _folder;
        start.Environment["ADCLICK_POSTGRES_SETTINGS"] = _settings;
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? (await output).Trim()
            : throw new InvalidOperationException($".ci/postgres {command} {_kind} failed: {(await error).Trim()}");
    }
}
