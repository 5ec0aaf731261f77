using System.Diagnostics;
using System.Text.RegularExpressions;
using AdClick.Actors.Lake.S3;
using Xunit;

namespace AdClick.Tests.Support;

/// <summary>A test that needs a server that speaks S3; skipped where <c>.ci/s3rver</c> has not installed one.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class S3FactAttribute : FactAttribute
{
    public S3FactAttribute() => Skip = S3Server.Program is null
        ? $"Needs s3rver: install it with .ci/s3rver (Node.js and npm), and set {S3Server.Variable} to the path that it prints."
        : null;
}

/// <summary>A server of its own that speaks S3, with one bucket, on a port that was free.</summary>
internal sealed partial class S3Server : IAsyncDisposable
{
    /// <summary>The variable that names its program.</summary>
    public const string Variable = "ADCLICK_TEST_S3RVER";

    public const string Bucket = "adclick";
    public const string Key = "S3RVER"; // its access key ID, and its secret, too

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly string _folder = Directory.CreateTempSubdirectory("adclick-s3-").FullName;
    private Process? _process;

    private S3Server() { }

    /// <summary>Path of the program; null where there is none.</summary>
    public static string? Program { get; } = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } path && File.Exists(path) ? path : null;

    public int Port { get; private set; }

    public Uri Endpoint => new($"http://127.0.0.1:{Port}");

    /// <summary>A lake in its bucket.</summary>
    public S3LakeOptions Options => new()
    {
        Bucket = Bucket,
        Prefix = "some/lake/",
        Endpoint = Endpoint,
        Region = "us-east-1",
        AccessKeyId = Key,
        SecretAccessKey = Key,
        PathStyle = true,
        PartBytes = 5 * 1024 * 1024,
    };

    /// <summary>The objects of the bucket, as its folder has them.</summary>
    public IReadOnlyList<string> Objects => [.. Directory.EnumerateFiles(Path.Combine(_folder, Bucket), "*._S3rver_object", SearchOption.AllDirectories)
        .Select(path => Path.GetRelativePath(Path.Combine(_folder, Bucket), path)[..^"._S3rver_object".Length]).Order(StringComparer.Ordinal)];

    public static async Task<S3Server> StartAsync()
    {
        var server = new S3Server();
        await server.StartAgainAsync();
        return server;
    }

    /// <summary>Starts it, on the port of the last time if there was one.</summary>
    public async Task StartAgainAsync()
    {
        var start = new ProcessStartInfo("node") { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] arguments = [Program!, "-d", _folder, "-a", "127.0.0.1", "-p", $"{Port}", "--no-vhost-buckets", "--configure-bucket", Bucket];
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        var listening = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        var process = new Process { StartInfo = start, EnableRaisingEvents = true };
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is not null && Listening().Match(line.Data) is { Success: true } match)
            {
                listening.TrySetResult(int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture));
            }
        };
        process.ErrorDataReceived += (_, _) => { };
        process.Exited += (_, _) => listening.TrySetException(new InvalidOperationException("s3rver has ended."));
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _process = process;
        Port = await listening.Task.WaitAsync(Patience);
    }

    /// <summary>Ends it at once.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            _process = null;
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [GeneratedRegex(@"listening on .*:(\d+)$")]
    private static partial Regex Listening();
}
