using System.Globalization;
using System.Text;
using AdClick.Benchmarks.Load;

namespace AdClick.Benchmarks.Cluster;

/// <summary>What a click costs a cluster whose processes are all on this machine: the difference between two moments, with whatever load there is in between.</summary>
internal static class CostsRun
{
    private static readonly string[] Sums =
    [
        "adclick_redirects_total", "adclick_clicks_counted_total", "adclick_flush_duration_seconds_count", "adclick_flush_rows_sum", "adclick_checkpoint_bytes_sum",
    ];

    /// <summary>Measures.</summary>
    public static async Task<CostsReport> RunAsync(CostsSettings settings)
    {
        var apis = settings.Urls.Select(url => new GatewayApi(url, settings.AdminKey)).ToList();
        int[] nodePorts = [.. settings.Urls.Select(url => new Uri(url).Port)];
        var nodes = nodePorts.Select(SocketTable.ListenerOn).ToHashSet();
        var kinds = new (string Name, Func<SocketUse, bool> IsOne)[]
        {
            ("clients", socket => nodePorts.Contains(socket.LocalPort)),
            ("kafka", socket => settings.Kafka.Contains(socket.PeerPort)),
            ("database", socket => settings.Database.Contains(socket.PeerPort)),
            ("nodes", socket => settings.Remoting.Contains(socket.LocalPort) || settings.Remoting.Contains(socket.PeerPort)),
        };
        var groups = new (string Name, HashSet<int> Processes)[]
        {
            ("nodes", nodes), ("kafka", [.. settings.Kafka.Select(SocketTable.ListenerOn)]), ("database", [.. settings.Database.Select(SocketTable.ListenerOn)]),
        };

        var before = await TakeAsync();
        await Task.Delay(settings.Duration);
        var after = await TakeAsync();
        apis.ForEach(api => api.Dispose());

        var clicks = after.Metrics["adclick_redirects_total"] - before.Metrics["adclick_redirects_total"];
        if (clicks < 1)
        {
            throw new InvalidOperationException("No click was redirected meanwhile: load the nodes (load --url …) while this runs.");
        }

        // A connection that ends meanwhile takes what it has carried with it: the load's and the nodes' own stay open.
        var earlier = before.Sockets.ToDictionary(socket => socket.Key);
        var own = after.Sockets.Where(socket => nodes.Contains(socket.Process)).Select(socket => earlier.TryGetValue(socket.Key, out var then)
            ? socket with { Sent = socket.Sent - then.Sent, Received = socket.Received - then.Received, Segments = socket.Segments - then.Segments } : socket).ToList();
        return new CostsReport
        {
            Nodes = settings.Urls.Count,
            Seconds = settings.Duration.TotalSeconds,
            Clicks = clicks,
            ClicksPerSecond = clicks / settings.Duration.TotalSeconds,
            Counted = Difference("adclick_clicks_counted_total"),
            MicrosecondsPerClick = groups.ToDictionary(
                group => group.Name, group => group.Processes.Sum(process => (after.Times.Of(process) - before.Times.Of(process)).TotalMicroseconds) / clicks),
            Network = kinds.ToDictionary(kind => kind.Name, kind =>
            {
                var sockets = own.Where(kind.IsOne).ToList();
                return new NetworkUse(
                    sockets.Sum(socket => socket.Sent) / clicks, sockets.Sum(socket => socket.Received) / clicks, sockets.Sum(socket => socket.Segments) / clicks);
            }),
            FlushesPerSecond = Difference("adclick_flush_duration_seconds_count") / settings.Duration.TotalSeconds,
            RowsPerFlush = Difference("adclick_flush_rows_sum") / Math.Max(1, Difference("adclick_flush_duration_seconds_count")),
            CheckpointBytesPerClick = Difference("adclick_checkpoint_bytes_sum") / clicks,
        };

        double Difference(string name) => after.Metrics[name] - before.Metrics[name];

        async Task<Moment> TakeAsync()
        {
            var pages = await Task.WhenAll(apis.Select(api => api.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative))));
            return new Moment(
                Sums.ToDictionary(name => name, name => pages.Sum(page => Sum(page, name))), SocketTable.Connections(), ProcessTimes.Now());
        }
    }

    /// <summary>Sum of a metric over its labels.</summary>
    internal static double Sum(string page, string name) => page.Split('\n')
        .Where(line => line.StartsWith(name, StringComparison.Ordinal) && line.Length > name.Length && (line[name.Length] is '{' or ' '))
        .Sum(line => double.Parse(line[Math.Max(name.Length, line.LastIndexOf('}') + 1)..].TrimStart().Split(' ')[0], CultureInfo.InvariantCulture));

    private sealed record Moment(IReadOnlyDictionary<string, double> Metrics, IReadOnlyList<SocketUse> Sockets, ProcessTimes Times);
}

/// <summary>What <see cref="CostsRun"/> looks at.</summary>
/// <param name="Urls">The nodes.</param>
/// <param name="AdminKey">Their key.</param>
/// <param name="Remoting">Ports of their remoting.</param>
/// <param name="Kafka">Ports of the brokers, all in processes of this machine.</param>
/// <param name="Database">Ports of the database.</param>
/// <param name="Duration">Time between the two moments.</param>
internal sealed record CostsSettings(
    IReadOnlyList<string> Urls, string AdminKey, IReadOnlyList<int> Remoting, IReadOnlyList<int> Kafka, IReadOnlyList<int> Database, TimeSpan Duration);

/// <summary>What a click has cost.</summary>
internal sealed record CostsReport
{
    /// <summary>Nodes.</summary>
    public required int Nodes { get; init; }

    /// <summary>Time measured.</summary>
    public required double Seconds { get; init; }

    /// <summary>Clicks redirected in that time.</summary>
    public required double Clicks { get; init; }

    /// <summary>Their rate.</summary>
    public required double ClicksPerSecond { get; init; }

    /// <summary>Clicks counted in that time; far from <see cref="Clicks"/>, the nodes did not keep up.</summary>
    public required double Counted { get; init; }

    /// <summary>Processor time for a click: of all nodes, of the brokers, of the database server with everything else that it does.</summary>
    public required IReadOnlyDictionary<string, double> MicrosecondsPerClick { get; init; }

    /// <summary>Network for a click, by whom the nodes speak with.</summary>
    public required IReadOnlyDictionary<string, NetworkUse> Network { get; init; }

    /// <summary>Transactions of all partitions' flushes.</summary>
    public required double FlushesPerSecond { get; init; }

    /// <summary>Counts written in one.</summary>
    public required double RowsPerFlush { get; init; }

    /// <summary>Journal for a click, before the database's own overhead.</summary>
    public required double CheckpointBytesPerClick { get; init; }

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder();
        Line($"nodes       {Nodes}; {Clicks:N0} clicks redirected in {Seconds:F0} s, {ClicksPerSecond:N0}/s; counted {Counted:N0}");
        Line($"processor   {string.Join(", ", MicrosecondsPerClick.Select(group => string.Create(CultureInfo.InvariantCulture, $"{group.Key} {group.Value:F1}")))} us/click");
        foreach (var (kind, use) in Network)
        {
            Line($"network     {kind,-9} sent {use.Sent,6:F0}, received {use.Received,6:F0} bytes/click; {use.Segments:F2} segments sent/click");
        }

        Line($"flushes     {FlushesPerSecond:F1}/s, {RowsPerFlush:F1} rows each; journal {CheckpointBytesPerClick:F1} bytes/click");
        return text.ToString();

        void Line(FormattableString line) => text.AppendLine(FormattableString.Invariant(line));
    }
}

/// <summary>Network for a click, seen from the nodes.</summary>
/// <param name="Sent">Bytes sent, without the headers of TCP and IP.</param>
/// <param name="Received">Bytes received.</param>
/// <param name="Segments">Segments sent; each has 40 bytes of headers and more.</param>
internal sealed record NetworkUse(double Sent, double Received, double Segments);
