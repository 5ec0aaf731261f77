using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using AdClick.Benchmarks.Load;

namespace AdClick.Benchmarks.Ceiling;

/// <summary>Drives a server with <c>wrk</c>, which costs less for each request than any load program on .NET.</summary>
internal sealed partial class WrkTool
{
    private readonly string _script;
    private readonly TimeSpan _duration;
    private readonly int _connections;

    private WrkTool(string script, TimeSpan duration, int connections)
    {
        _script = script;
        _duration = duration;
        _connections = connections;
    }

    /// <summary>Writes the paths and the script that goes around in them.</summary>
    /// <param name="folder">Folder for both.</param>
    /// <param name="paths">Paths of click URLs. So many that none comes again within ten seconds a hundred times, which the gateway takes for a flood.</param>
    /// <param name="duration">Time of one measurement.</param>
    /// <param name="connections">Number of connections.</param>
    public static WrkTool Prepare(string folder, IEnumerable<string> paths, TimeSpan duration, int connections)
    {
        var pathFile = Path.Combine(folder, "paths.txt");
        File.WriteAllLines(pathFile, paths);
        var script = Path.Combine(folder, "clicks.lua");
        File.WriteAllText(
            script,
            $$"""
            local paths = {}
            local at = 0
            wrk.headers["User-Agent"] = "{{ClickRequests.BrowserAgent}}"
            wrk.headers["Accept"] = "text/html"
            wrk.headers["Accept-Language"] = "en-GB,en;q=0.8"
            wrk.headers["Referer"] = "https://news.example/today"
            function init(args)
              for path in io.lines("{{pathFile}}") do
                paths[#paths + 1] = wrk.format("GET", path)
              end
              math.randomseed(os.time())
              at = math.random(#paths)
            end
            function request()
              at = at % #paths + 1
              return paths[at]
            end
            """);
        return new WrkTool(script, duration, connections);
    }

    /// <summary>Requests per second.</summary>
    /// <exception cref="InvalidOperationException">wrk failed, or not every answer was a redirect.</exception>
    public async Task<double> MeasureAsync(string url)
    {
        var info = new ProcessStartInfo("wrk")
        {
            ArgumentList =
            {
                "-t1",
                string.Create(CultureInfo.InvariantCulture, $"-c{_connections}"),
                string.Create(CultureInfo.InvariantCulture, $"-d{_duration.TotalSeconds:F0}s"),
                "-s", _script, url,
            },
            RedirectStandardOutput = true,
        };
        using var wrk = Process.Start(info)!;
        var output = await wrk.StandardOutput.ReadToEndAsync();
        await wrk.WaitForExitAsync();
        var rate = Rate().Match(output);
        return wrk.ExitCode == 0 && rate.Success && !output.Contains("Non-2xx", StringComparison.Ordinal)
            ? double.Parse(rate.Groups[1].Value, CultureInfo.InvariantCulture)
            : throw new InvalidOperationException($"wrk has failed with exit code {wrk.ExitCode}:\n{output}");
    }

    [GeneratedRegex(@"Requests/sec:\s*([0-9.]+)")]
    private static partial Regex Rate();
}
