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
    private TaskCompletionSource _nextLine = new(TaskCreationOptions.RunContinuationsAsynchronously);

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

    /// <summary>Waits until it says that it listens and that its partitions count.</summary>
    public Task WaitUntilReadyAsync() => WaitForOutputAsync("Application started.", "partitions count.");

    /// <summary>Waits until it has printed all of these.</summary>
    public async Task WaitForOutputAsync(params string[] texts)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            Task next;
            lock (_output)
            {
                var output = _output.ToString();
                if (texts.All(text => output.Contains(text, StringComparison.Ordinal)))
                {
                    return;
                }

                next = _nextLine.Task;
            }

            try
            {
                await next.WaitAsync(patience.Token);
            }
            catch (OperationCanceledException e)
            {
                throw new TimeoutException($"Waited {Patience} for the gateway to print {string.Join(" and ", texts)}. It has printed:\n{Output}", e);
            }
        }
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
            var told = _nextLine;
            if (line is null)
            {
                told.TrySetException(new InvalidOperationException($"The gateway has ended. It has printed:\n{_output}"));
                return;
            }

            _nextLine = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            told.TrySetResult();
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int process, int signal);
}
