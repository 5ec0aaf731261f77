using System.Diagnostics;
using Npgsql;

namespace AdClick.Tests.Support;

/// <summary>Client programs of a server's version, as an administrator runs them.</summary>
internal static class PostgresClient
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Runs one on a database.</summary>
    /// <param name="kind">Whose programs.</param>
    /// <param name="database">The database.</param>
    /// <param name="input">What it reads from standard input; null for nothing.</param>
    /// <param name="program">Its name and its arguments, but for where the database is.</param>
    /// <returns>What it has written to standard output.</returns>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public static async Task<byte[]> RunAsync(StoreKind kind, TestDatabase database, byte[]? input, params string[] program)
    {
        var where = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        var start = new ProcessStartInfo(
            TestDatabases.PostgresControl!,
            [
                "client", kind == StoreKind.Timescale ? "timescale" : "plain", program[0], "-h", where.Host!, "-p", $"{where.Port}", "-U", where.Username!,
                "-d", where.Database!, .. program[1..],
            ])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var output = new MemoryStream();
        var (reading, error) = (process.StandardOutput.BaseStream.CopyToAsync(output), process.StandardError.ReadToEndAsync());
        try
        {
            await process.StandardInput.BaseStream.WriteAsync(input ?? []);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended before it read all; its exit code says why.
        }

        await Task.WhenAll(reading, process.WaitForExitAsync()).WaitAsync(Patience);
        return process.ExitCode == 0
            ? output.ToArray()
            : throw new InvalidOperationException($"{string.Join(' ', program)} ended with {process.ExitCode}: {await error}");
    }
}
