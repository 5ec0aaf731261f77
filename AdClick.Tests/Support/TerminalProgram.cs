using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using AdClick.Benchmarks.Processes;
using Xunit;

namespace AdClick.Tests.Support;

/// <summary>A test of a program on a terminal, and on <see cref="TestDatabases.Postgres"/>; skipped where there are none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class TerminalOnPostgresFactAttribute : FactAttribute
{
    public TerminalOnPostgresFactAttribute() => Skip = TestDatabases.PostgresIsMissing
        ?? (File.Exists(TerminalProgram.Script) ? null : $"{TerminalProgram.Script} of util-linux is missing, which makes terminals.");
}

/// <summary>The real executable on a terminal of its own, of 200 columns and 50 rows, where somebody types.</summary>
internal sealed partial class TerminalProgram : IDisposable
{
    /// <summary>What makes the terminal.</summary>
    public const string Script = "/usr/bin/script";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly StringBuilder _shown = new();
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _seen;

    /// <summary>Starts it.</summary>
    /// <param name="arguments">Its arguments; without quotes in them.</param>
    /// <param name="environment">Its environment besides ours.</param>
    public TerminalProgram(IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment)
    {
        var command = $"stty cols 200 rows 50; exec dotnet '{GatewayProcess.Find(null)}' {string.Join(' ', arguments.Select(argument => $"'{argument}'"))}";
        var start = new ProcessStartInfo(Script, ["-qefc", command, "/dev/null"]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["TERM"] = "xterm-256color";
        start.Environment["SHELL"] = "/bin/sh";
        start.Environment.Remove("NO_COLOR");
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        _process = Process.Start(start)!;
        _ = ReadAsync();
    }

    /// <summary>All that was shown, without what steers the terminal.</summary>
    public string Shown
    {
        get
        {
            lock (_shown)
            {
                return Sequences.Replace(_shown.ToString(), "").Replace("\r", "", StringComparison.Ordinal);
            }
        }
    }

    /// <summary>The same with what steers the terminal.</summary>
    public string Raw
    {
        get
        {
            lock (_shown)
            {
                return _shown.ToString();
            }
        }
    }

    /// <summary>Types; <c>\r</c> is Enter, <c>\x03</c> Ctrl-C.</summary>
    public void Type(string keys)
    {
        _process.StandardInput.Write(keys);
        _process.StandardInput.Flush();
    }

    /// <summary>Waits until this is shown behind what was waited for before; gives the match.</summary>
    public async Task<Match> WaitForAsync(string pattern)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            Task more;
            lock (_shown)
            {
                more = _more.Task;
            }

            var match = new Regex(pattern).Match(Shown, Math.Min(_seen, Shown.Length));
            if (match.Success)
            {
                _seen = match.Index + match.Length;
                return match;
            }

            try
            {
                await more.WaitAsync(patience.Token);
            }
            catch (OperationCanceledException e)
            {
                throw new TimeoutException($"Waited {Patience} for {pattern}. Shown was:\n{Shown}", e);
            }
        }
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
            throw new TimeoutException($"Waited {Patience} for it to end. Shown was:\n{Shown}", e);
        }

        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    [GeneratedRegex(@"\e\[[0-9;?]*[A-Za-z]|\e[=>]|\e\][^\a]*\a")]
    private static partial Regex Sequences { get; }

    private async Task ReadAsync()
    {
        var buffer = new char[4096];
        while (await _process.StandardOutput.ReadAsync(buffer) is var length and > 0)
        {
            TaskCompletionSource more;
            lock (_shown)
            {
                _shown.Append(buffer, 0, length);
                (more, _more) = (_more, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            }

            more.SetResult();
        }
    }
}
