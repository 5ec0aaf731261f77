using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace AdClick.Benchmarks.Cluster;

/// <summary>The TCP connections of this machine with what they have carried so far, as <c>ss</c> (iproute2) tells it. Linux only.</summary>
internal static partial class SocketTable
{
    /// <summary>Established connections, both ends of those that both are here.</summary>
    public static IReadOnlyList<SocketUse> Connections() => [.. Run("-tinpOH", "state", "established").Select(Parse).OfType<SocketUse>()];

    /// <summary>Process that listens on a port.</summary>
    /// <exception cref="InvalidOperationException">None does, or it is another user's.</exception>
    public static int ListenerOn(int port)
    {
        foreach (var line in Run("-ltnpOH", "sport", "=", $":{port.ToString(CultureInfo.InvariantCulture)}"))
        {
            if (Process().Match(line) is { Success: true } process)
            {
                return int.Parse(process.Groups[1].ValueSpan, CultureInfo.InvariantCulture);
            }
        }

        throw new InvalidOperationException($"No process that this user may look at listens on port {port}.");
    }

    /// <summary>One line of <c>ss -tinpO</c>; null when its process is not told.</summary>
    internal static SocketUse? Parse(string line)
    {
        var (ends, process, sent, received, segments) = (Ends().Match(line), Process().Match(line), Sent().Match(line), Received().Match(line), Segments().Match(line));
        return !ends.Success || !process.Success ? null : new SocketUse(
            $"{process.Groups[1].Value} {ends.Value.Trim()}",
            (int)Number(process),
            (int)Number(ends),
            int.Parse(ends.Groups[2].ValueSpan, CultureInfo.InvariantCulture),
            Number(sent), // absent while it is 0
            Number(received),
            Number(segments));
    }

    private static long Number(Match match) => match.Success ? long.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : 0;

    private static string[] Run(params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(new ProcessStartInfo("ss", arguments) { RedirectStandardOutput = true })
            ?? throw new InvalidOperationException("ss (of the package iproute2) does not start.");
        var lines = process.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        process.WaitForExit();
        return process.ExitCode == 0 ? lines : throw new InvalidOperationException($"ss ended with exit code {process.ExitCode}.");
    }

    [GeneratedRegex(@"\S+:(\d+)\s+\S+:(\d+)\s")]
    private static partial Regex Ends();

    [GeneratedRegex(@"pid=(\d+)")]
    private static partial Regex Process();

    [GeneratedRegex(@"\bbytes_sent:(\d+)")]
    private static partial Regex Sent();

    [GeneratedRegex(@"\bbytes_received:(\d+)")]
    private static partial Regex Received();

    [GeneratedRegex(@"\bsegs_out:(\d+)")]
    private static partial Regex Segments();
}

/// <summary>One end of a connection.</summary>
/// <param name="Key">Tells it from others.</param>
/// <param name="Process">Whose it is.</param>
/// <param name="LocalPort">Its port.</param>
/// <param name="PeerPort">The other end's.</param>
/// <param name="Sent">Bytes sent, without the headers of TCP and IP.</param>
/// <param name="Received">Bytes received.</param>
/// <param name="Segments">Segments sent, those without data included.</param>
internal sealed record SocketUse(string Key, int Process, int LocalPort, int PeerPort, long Sent, long Received, long Segments);
