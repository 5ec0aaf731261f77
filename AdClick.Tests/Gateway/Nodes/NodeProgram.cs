using System.Globalization;
using System.Runtime.InteropServices;
using AdClick.Benchmarks.Load;
using AdClick.Benchmarks.Processes;
using Xunit;

namespace AdClick.Tests.Gateway.Nodes;

/// <summary>
/// A node of a cluster: the real executable, in a process, a folder and on addresses of its own. When the cluster has left it out (exit code 3), it is started again, as a supervisor would.
/// </summary>
internal sealed partial class NodeProgram : IDisposable
{
    private const int LeftOut = 3;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly string _output;
    private readonly Dictionary<string, string> _environment;
    private readonly NodeLink _link;
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _leftOut = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ChildProcess? _process;

    /// <summary>A node that is not started yet.</summary>
    /// <param name="host">Address of loopback that it is known by.</param>
    /// <param name="hosts">Addresses of all nodes.</param>
    /// <param name="isCut">Whether what goes from one of them to another is lost.</param>
    /// <param name="folder">Where its data and its output go.</param>
    /// <param name="adminKey">The administrator's key.</param>
    /// <param name="settings">Settings that it shares with the others.</param>
    public NodeProgram(
        string host, IReadOnlyList<string> hosts, Func<string, string, bool> isCut, string folder, string adminKey, IReadOnlyDictionary<string, string> settings)
    {
        Directory.CreateDirectory(folder);
        var port = ChildProcess.FreePort();
        _link = new NodeLink(host, hosts, port, isCut);
        Name = string.Create(CultureInfo.InvariantCulture, $"{host}:{_link.Port}");
        Url = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ChildProcess.FreePort()}");
        Data = Path.Combine(folder, "data");
        _output = Path.Combine(folder, "output.log");
        _environment = new Dictionary<string, string>(settings)
        {
            ["AdClick__Data"] = Data,
            ["AdClick__Cluster__Host"] = host,
            ["AdClick__Cluster__Port"] = port.ToString(CultureInfo.InvariantCulture),
            ["AdClick__Cluster__PublicPort"] = _link.Port.ToString(CultureInfo.InvariantCulture),
        };
        Api = new GatewayApi(Url, adminKey);
    }

    /// <summary>What the others know it by.</summary>
    public string Name { get; }

    /// <summary>Base URL.</summary>
    public string Url { get; }

    /// <summary>Its data folder.</summary>
    public string Data { get; }

    /// <summary>Its API.</summary>
    public GatewayApi Api { get; }

    /// <summary>Whether it was started and not stopped since.</summary>
    public bool IsRunning
    {
        get
        {
            lock (_gate)
            {
                return _process is { HasExited: false };
            }
        }
    }

    /// <summary>All that it has printed.</summary>
    public string Output => File.Exists(_output) ? File.ReadAllText(_output) : "";

    /// <summary>Sets something before it is started.</summary>
    public void Set(string name, string value) => _environment[name.Replace(":", "__", StringComparison.Ordinal)] = value;

    public void Start()
    {
        lock (_gate)
        {
            var process = _process = ChildProcess.Start(GatewayProcess.Find(null), ["--urls", Url], _environment, _output);
            _ = SuperviseAsync(process);
        }
    }

    /// <summary>Waits until it is ready.</summary>
    public async Task WaitUntilReadyAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            try
            {
                using var answer = await Api.Http.GetAsync(new Uri("/healthz/ready", UriKind.Relative), patience.Token);
                if (answer.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // It doesn't listen yet.
            }
            catch (OperationCanceledException e)
            {
                throw new TimeoutException($"Waited {Patience} for node {Name} to be ready.\n{EndOfOutput()}", e);
            }

            await Task.Delay(50);
        }
    }

    /// <summary>Waits until the cluster has left it out, and it was started again.</summary>
    public async Task WaitUntilLeftOutAsync()
    {
        try
        {
            await _leftOut.Task.WaitAsync(Patience);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"Waited {Patience} for node {Name} to be left out.\n{EndOfOutput()}", e);
        }
    }

    /// <summary>SIGKILL.</summary>
    public void Kill() => Take().Dispose();

    /// <summary>SIGTERM; gives the exit code.</summary>
    public async Task<int> StopAsync()
    {
        using var process = Take();
        Signal(process, 15);
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            return await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException e)
        {
            throw new TimeoutException($"Waited {Patience} for node {Name} to stop.\n{EndOfOutput()}", e);
        }
    }

    /// <summary>SIGSTOP.</summary>
    public void Freeze() => Signal(_process!, 19);

    /// <summary>SIGCONT.</summary>
    public void Thaw() => Signal(_process!, 18);

    /// <summary>Breaks the connections to it.</summary>
    public void BreakConnections() => _link.Break();

    /// <summary>The last lines that it has printed.</summary>
    public string EndOfOutput() => $"Node {Name}:\n  {string.Join("\n  ", Output.Split('\n').TakeLast(15).Select(line => line.Length > 400 ? line[..400] : line))}";

    public void Dispose()
    {
        lock (_gate)
        {
            _process?.Dispose();
            _process = null;
        }

        _link.Dispose();
        Api.Dispose();
    }

    private static void Signal(ChildProcess process, int signal) => Assert.Equal(0, SendSignal(process.Id, signal));

    // From here on nobody starts it again.
    private ChildProcess Take()
    {
        lock (_gate)
        {
            var process = _process ?? throw new InvalidOperationException($"Node {Name} does not run.");
            _process = null;
            return process;
        }
    }

    private async Task SuperviseAsync(ChildProcess process)
    {
        var code = await process.WaitForExitAsync(CancellationToken.None);
        lock (_gate)
        {
            if (_process != process)
            {
                return;
            }

            process.Dispose();
            _process = null;
            if (code == LeftOut)
            {
                Start();
                _leftOut.TrySetResult();
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int process, int signal);
}
