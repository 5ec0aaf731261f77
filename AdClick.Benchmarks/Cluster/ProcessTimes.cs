using System.Globalization;

namespace AdClick.Benchmarks.Cluster;

/// <summary>Processor time by process, from <c>/proc</c>. Linux only.</summary>
internal sealed class ProcessTimes
{
    private const int TicksPerSecond = 100; // USER_HZ, the same on every architecture that .NET runs on

    private readonly Dictionary<int, (int Parent, TimeSpan Own, TimeSpan Ended)> _processes = [];

    private ProcessTimes() { }

    /// <summary>As of now.</summary>
    public static ProcessTimes Now()
    {
        var times = new ProcessTimes();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var process))
            {
                continue;
            }

            try
            {
                // After the name, which may hold anything: state, parent, …; see proc(5).
                var stat = File.ReadAllText(Path.Combine(folder, "stat"));
                var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
                times._processes[process] = (int.Parse(fields[1], CultureInfo.InvariantCulture), Time(fields[11], fields[12]), Time(fields[13], fields[14]));
            }
            catch (IOException)
            {
                // It has just ended.
            }
        }

        return times;
    }

    /// <summary>What a process and its children have used, those that have ended included.</summary>
    public TimeSpan Of(int process)
    {
        var total = _processes.TryGetValue(process, out var own) ? own.Own + own.Ended : TimeSpan.Zero;
        foreach (var (child, times) in _processes)
        {
            if (times.Parent == process)
            {
                total += Of(child);
            }
        }

        return total;
    }

    private static TimeSpan Time(string user, string system) => TimeSpan.FromSeconds(
        (double)(long.Parse(user, CultureInfo.InvariantCulture) + long.Parse(system, CultureInfo.InvariantCulture)) / TicksPerSecond);
}
