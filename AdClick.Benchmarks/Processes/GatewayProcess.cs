using System.Globalization;

namespace AdClick.Benchmarks.Processes;

/// <summary>A gateway of ours on a data folder of its own, which can be killed and started again on the same data.</summary>
internal sealed class GatewayProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _assembly;
    private readonly Dictionary<string, string> _environment;
    private readonly string _outputFile;
    private ChildProcess _process;
    private TimeSpan _formerProcessorTime;

    /// <summary>Starts a gateway on a free port of loopback.</summary>
    /// <param name="assembly">Path of <c>AdClick.Gateway.dll</c>.</param>
    /// <param name="folder">Folder for data and output.</param>
    /// <param name="keys">Keys that it is to accept.</param>
    /// <param name="lifetime">Lifetime of impressions.</param>
    /// <param name="settings">Further settings, <c>AdClick:Name=value</c>.</param>
    public GatewayProcess(string assembly, string folder, BenchmarkKeys keys, TimeSpan lifetime, IEnumerable<string> settings)
    {
        _assembly = assembly;
        Url = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ChildProcess.FreePort()}");
        Data = Path.Combine(folder, "data");
        _outputFile = Path.Combine(folder, "gateway.log");
        _environment = new Dictionary<string, string>
        {
            ["AdClick__Data"] = Data,
            ["AdClick__AdminKey"] = keys.AdminKey,
            [$"AdClick__SigningKeys__{keys.SigningKeyId}"] = Convert.ToBase64String(keys.Secret),
            ["AdClick__SigningKeyId"] = keys.SigningKeyId,
            ["AdClick__ImpressionLifetime"] = lifetime.ToString("c", CultureInfo.InvariantCulture),
            ["AdClick__RequestsPerSecondPerKey"] = "1000000", // the load sets up a hundred thousand ads under one key
            ["Logging__LogLevel__Default"] = "Warning",
        };
        foreach (var setting in settings)
        {
            var parts = setting.Split('=', 2);
            _environment[parts[0].Replace(":", "__", StringComparison.Ordinal)] = parts.Length == 2
                ? parts[1]
                : throw new ArgumentException($"The setting '{setting}' must be written NAME=VALUE.", nameof(settings));
        }

        _process = Start();
    }

    /// <summary>Base URL.</summary>
    public string Url { get; }

    /// <summary>Data folder.</summary>
    public string Data { get; }

    /// <summary>The system's number for it.</summary>
    public int ProcessId => _process.Id;

    /// <summary>Memory that it holds, in bytes.</summary>
    public long WorkingSet => _process.WorkingSet;

    /// <summary>Processor time of it and of those before it that were killed.</summary>
    public TimeSpan ProcessorTime => _formerProcessorTime + _process.ProcessorTime;

    /// <summary>Path of the gateway's dll: as given, or where the build of this solution puts it.</summary>
    /// <exception cref="FileNotFoundException">It is at none of these places.</exception>
    public static string Find(string? given)
    {
        if (given is not null)
        {
            return File.Exists(given) ? Path.GetFullPath(given) : throw new FileNotFoundException($"There is no gateway at {Path.GetFullPath(given)}.");
        }

        // AdClick.Benchmarks/bin/CONFIGURATION/FRAMEWORK/ → AdClick.Gateway/bin/CONFIGURATION/FRAMEWORK/
        var here = new DirectoryInfo(AppContext.BaseDirectory);
        string[] places =
        [
            Path.Combine(here.FullName, "AdClick.Gateway.dll"),
            Path.Combine(
                here.FullName, "..", "..", "..", "..", "AdClick.Gateway", "bin", here.Parent?.Name ?? "", here.Name, "AdClick.Gateway.dll"),
        ];
        return Array.Find(places, File.Exists) is { } found
            ? Path.GetFullPath(found)
            : throw new FileNotFoundException(
                $"There is no AdClick.Gateway.dll at {string.Join(" or ", places.Select(Path.GetFullPath))}. Build the solution in the same configuration, or give --gateway PATH.");
    }

    /// <summary>Waits until it takes requests; returns the time since its start.</summary>
    public Task<TimeSpan> WaitUntilLiveAsync(HttpClient http) => _process.WaitForAsync(http, Url + "/healthz/live", Patience);

    /// <summary>Waits until it can do all that it is for; returns the time since its start.</summary>
    public Task<TimeSpan> WaitUntilReadyAsync(HttpClient http) => _process.WaitForAsync(http, Url + "/healthz/ready", Patience);

    /// <summary>Kills it with SIGKILL.</summary>
    public void Kill()
    {
        _formerProcessorTime += _process.ProcessorTime;
        _process.Dispose();
    }

    /// <summary>Starts it again after <see cref="Kill"/>, on the same data and port.</summary>
    public void Restart() => _process = Start();

    /// <inheritdoc/>
    public void Dispose() => _process.Dispose();

    private ChildProcess Start() => ChildProcess.Start(_assembly, ["--urls", Url], _environment, _outputFile);
}
