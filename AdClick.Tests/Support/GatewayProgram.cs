using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using AdClick.Benchmarks.Processes;
using Xunit;

namespace AdClick.Tests.Support;

/// <summary>The real executable in a process of its own.</summary>
internal sealed partial class GatewayProgram : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly StringBuilder _output = new();

    /// <summary>Starts it with these arguments.</summary>
    public GatewayProgram(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(GatewayProcess.Find(null));
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Note(line.Data);
        _process.ErrorDataReceived += (_, line) => Note(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>All that it has printed.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>Runs it to its end.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        using var program = new GatewayProgram(arguments);
        return (await program.WaitForExitAsync(), program.Output);
    }

    /// <summary>Waits until it has ended; gives the exit code.</summary>
    public async Task<int> WaitForExitAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException e)
        {
            throw new TimeoutException($"Waited {Patience} for the gateway to end. It has printed:\n{Output}", e);
        }

        return _process.ExitCode;
    }

    /// <summary>Waits until it is ready to take clicks.</summary>
    public async Task WaitUntilReadyAsync(string url)
    {
        using var http = new HttpClient();
        await RunningGateway.UntilAsync(
            async () =>
            {
                Assert.False(_process.HasExited, Output);
                try
                {
                    using var answer = await http.GetAsync(new Uri($"{url}/healthz/ready"));
                    return answer.IsSuccessStatusCode;
                }
                catch (HttpRequestException)
                {
                    return false; // it does not listen yet
                }
            },
            "the gateway to be ready");
    }

    /// <summary>Asks it to stop (SIGTERM).</summary>
    public void Terminate() => Assert.Equal(0, SendSignal(_process.Id, 15));

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private void Note(string? line)
    {
        lock (_output)
        {
            _output.AppendLine(line);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int process, int signal);
}
