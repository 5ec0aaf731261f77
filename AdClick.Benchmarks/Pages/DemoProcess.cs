using System.Globalization;
using AdClick.Benchmarks.Processes;

namespace AdClick.Benchmarks.Pages;

/// <summary>The gateway's demo in a process and a folder of its own.</summary>
internal sealed class DemoProcess : IDisposable
{
    /// <summary>The advertiser whose pages are looked at; its ad goes viral.</summary>
    public const string Advertiser = "brightside";

    private const string KeyLine = $"advertiser {Advertiser} ";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly TemporaryFolder _folder = new(null);
    private readonly ChildProcess _process;

    private DemoProcess(string assembly, int streams, TaskCompletionSource<string> key)
    {
        Url = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ChildProcess.FreePort()}");
        _process = ChildProcess.Start(
            assembly,
            ["demo", "--urls", Url, $"--AdClick:Data={Path.Combine(_folder.Path, "data")}"],
            new Dictionary<string, string>
            {
                ["AdClick__AdminKey"] = AdminKey,
                ["AdClick__RequestsPerSecondPerKey"] = "100000", // all viewers come at once
                ["AdClick__LiveStreamsPerKey"] = (streams + 100).ToString(CultureInfo.InvariantCulture),
                ["Logging__LogLevel__Microsoft.Hosting.Lifetime"] = "Warning", // folders of whoever takes the pictures
                ["AdClick__LiveStreams"] = (streams + 100).ToString(CultureInfo.InvariantCulture),
            },
            Path.Combine(_folder.Path, "demo.log"),
            line =>
            {
                if (line is null)
                {
                    key.TrySetException(new InvalidOperationException("The demo has ended."));
                }
                else if (line.TrimStart() is var text && text.StartsWith(KeyLine, StringComparison.Ordinal))
                {
                    key.TrySetResult(text.Split(' ')[^1]);
                }
            });
    }

    /// <summary>Where it is.</summary>
    public string Url { get; }

    /// <summary>Key of scope admin.</summary>
    public string AdminKey { get; } = "adc_" + Guid.NewGuid().ToString("N");

    /// <summary>Key of <see cref="Advertiser"/>.</summary>
    public string AdvertiserKey { get; private set; } = "";

    /// <summary>Processor time that it has used.</summary>
    public TimeSpan ProcessorTime => _process.ProcessorTime;

    /// <summary>Starts it and waits until it is ready and its history is counted.</summary>
    /// <param name="assembly">Path of the gateway's dll; null to look for it.</param>
    /// <param name="streams">Streams that it must hold.</param>
    public static async Task<DemoProcess> StartAsync(string? assembly, int streams)
    {
        var key = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var demo = new DemoProcess(GatewayProcess.Find(assembly), streams, key);
        try
        {
            demo.AdvertiserKey = await key.Task.WaitAsync(Patience);
            using var http = new HttpClient();
            await demo._process.WaitForAsync(http, demo.Url + "/healthz/ready", Patience);
            return demo;
        }
        catch
        {
            demo.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _process.Dispose();
        _folder.Dispose();
    }
}
