using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using AdClick.Benchmarks.Load;

namespace AdClick.Benchmarks.Processes;

/// <summary>A program under test, run as a process of its own, with its output in a file.</summary>
internal sealed class ChildProcess : IDisposable
{
    private readonly Process _process;
    private readonly StreamWriter _output;
    private readonly string _outputFile;

    private ChildProcess(Process process, StreamWriter output, string outputFile)
    {
        _process = process;
        _output = output;
        _outputFile = outputFile;
        AppDomain.CurrentDomain.ProcessExit += OnOurExit;
    }

    /// <summary>When the process was started, as a time stamp.</summary>
    public long StartedAt { get; } = Stopwatch.GetTimestamp();

    /// <summary>The system's number for it.</summary>
    public int Id => _process.Id;

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Processor time that it has used; what it had used at the end, once it has ended.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Memory that it holds, in bytes.</summary>
    public long WorkingSet
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>Starts <c>dotnet ASSEMBLY ARGUMENTS</c>.</summary>
    /// <param name="assembly">Path of the program's dll.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Variables in addition to ours.</param>
    /// <param name="outputFile">File that its output is added to.</param>
    /// <param name="hear">
    /// Hears every line of its standard output, and null at the end; with it, <see cref="WriteLine"/> can speak to the process. Null: it is not
    /// spoken with.
    /// </param>
    public static ChildProcess Start(
        string assembly,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string> environment,
        string outputFile,
        Action<string?>? hear = null) => StartProgram(DotnetHost(), [assembly, .. arguments], environment, outputFile, hear);

    /// <summary>Starts any other program.</summary>
    /// <param name="program">Its path, or its name where the system looks for programs.</param>
    /// <inheritdoc cref="Start"/>
    public static ChildProcess StartProgram(
        string program,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string> environment,
        string outputFile,
        Action<string?>? hear = null)
    {
        var info = new ProcessStartInfo(program)
        {
            RedirectStandardInput = hear is not null,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var argument in arguments)
        {
            info.ArgumentList.Add(argument);
        }

        InlineSockets.RemoveFrom(info.Environment);
        foreach (var (name, value) in environment)
        {
            info.Environment[name] = value;
        }

        var output = new StreamWriter(outputFile, append: true) { AutoFlush = true };
        var process = new Process { StartInfo = info };
        process.OutputDataReceived += (_, line) =>
        {
            Write(line.Data);
            hear?.Invoke(line.Data);
        };
        process.ErrorDataReceived += (_, line) => Write(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new ChildProcess(process, output, outputFile);

        void Write(string? line)
        {
            if (line is not null)
            {
                lock (output)
                {
                    output.WriteLine(line);
                }
            }
        }
    }

    /// <summary>A TCP port that was free a moment ago.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Waits for <c>200</c> from a URL.</summary>
    /// <returns>Time since the start of the process.</returns>
    /// <exception cref="InvalidOperationException">The process has ended, or did not get there in time; with the end of its output.</exception>
    public async Task<TimeSpan> WaitForAsync(HttpClient http, string url, TimeSpan patience)
    {
        var last = "no answer";
        while (Stopwatch.GetElapsedTime(StartedAt) < patience)
        {
            if (_process.HasExited)
            {
                throw new InvalidOperationException($"The process has ended with exit code {_process.ExitCode}. {EndOfOutput()}");
            }

            try
            {
                using var answer = await http.GetAsync(new Uri(url));
                if (answer.StatusCode == HttpStatusCode.OK)
                {
                    return Stopwatch.GetElapsedTime(StartedAt);
                }

                last = $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}";
            }
            catch (HttpRequestException e)
            {
                last = e.Message;
            }

            await Task.Delay(20);
        }

        throw new InvalidOperationException($"Waited {patience} for {url}; the last answer was: {last}. {EndOfOutput()}");
    }

    /// <summary>Writes a line to its standard input.</summary>
    /// <exception cref="IOException">The process has ended.</exception>
    public void WriteLine(string line)
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
    }

    /// <summary>Waits until the process ends; gives its exit code.</summary>
    public async Task<int> WaitForExitAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken);
        return _process.ExitCode;
    }

    /// <summary>Waits until the process ends by itself.</summary>
    /// <exception cref="InvalidOperationException">It ended with another exit code than 0; with the end of its output.</exception>
    public async Task WaitForSuccessAsync()
    {
        await _process.WaitForExitAsync();
        if (_process.ExitCode != 0)
        {
            throw new InvalidOperationException($"The process has ended with exit code {_process.ExitCode}. {EndOfOutput()}");
        }
    }

    /// <summary>The last lines that it has printed, as a sentence for a message.</summary>
    public string EndOfOutput()
    {
        lock (_output)
        {
            var lines = File.ReadLines(_outputFile).TakeLast(15).ToArray();
            return lines.Length == 0 ? "It has printed nothing." : $"The end of its output:\n  {string.Join("\n  ", lines)}";
        }
    }

    /// <summary>Ends the process and what it has started at once (SIGKILL), and waits until it is gone.</summary>
    public void Kill()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.WaitForExit();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnOurExit;
        Kill(); // and its output is read to the end
        _process.Dispose();
        lock (_output)
        {
            _output.Dispose();
        }
    }

    // On Ctrl-C or SIGTERM nobody gets to dispose of it.
    private void OnOurExit(object? sender, EventArgs e) => Kill();

    // The host that runs this program, unless it was started by its own executable.
    private static string DotnetHost() =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? Environment.ProcessPath!
        : Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
}
