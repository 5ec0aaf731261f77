using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using AdClick.Benchmarks.Load;

namespace AdClick.Benchmarks.Cluster;

/// <summary>Watches a cluster while nodes come and go, and tells how long each partition was not counted.</summary>
internal static class PausesRun
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    /// <summary>Watches.</summary>
    /// <param name="urls">All nodes; those that are not there at times are left out then. A node knows its own partitions to the moment, those of others by reports each second.</param>
    /// <param name="adminKey">Their key.</param>
    /// <param name="duration">How long.</param>
    /// <param name="progress">Takes a line when it has begun.</param>
    public static async Task<PausesReport> RunAsync(IReadOnlyList<string> urls, string adminKey, TimeSpan duration, TextWriter progress)
    {
        var pauses = new PartitionPauses();
        var epochs = new Dictionary<int, long>();
        var moved = new HashSet<int>();
        var apis = urls.Select(url => new GatewayApi(url, adminKey)).ToList();
        var started = Stopwatch.GetTimestamp();
        double most = 0;
        for (var look = 0; Stopwatch.GetElapsedTime(started) < duration; look++)
        {
            var answers = await Task.WhenAll(apis.Select(AskAsync));
            var now = Stopwatch.GetElapsedTime(started);
            foreach (var answer in answers.OfType<JsonDocument>())
            {
                using (answer)
                {
                    Note(answer.RootElement, now);
                }
            }

            if (look % 50 == 0)
            {
                if (look == 0)
                {
                    progress.WriteLine("Watching …");
                }

                most = Math.Max(most, (await Task.WhenAll(apis.Select(ImpressionsAsync))).Sum());
            }

            await Task.Delay(Interval);
        }

        apis.ForEach(api => api.Dispose());
        return new PausesReport(
            duration.TotalSeconds, most, [.. pauses.At(Stopwatch.GetElapsedTime(started)).Select(pause => new PartitionPause(pause.Key, pause.Value.TotalSeconds, moved.Contains(pause.Key)))
                .OrderByDescending(pause => pause.Seconds)]);

        void Note(JsonElement cluster, TimeSpan now)
        {
            foreach (var partition in cluster.GetProperty("partitions").EnumerateArray())
            {
                if (partition.GetProperty("state").GetString() != "running" || !partition.TryGetProperty("nextOffset", out var offset))
                {
                    continue;
                }

                var number = partition.GetProperty("partition").GetInt32();
                pauses.Note(number, offset.GetInt64(), now);
                var epoch = partition.GetProperty("ownerEpoch").GetInt64();
                if (epoch > epochs.GetValueOrDefault(number, epoch))
                {
                    moved.Add(number);
                }

                epochs[number] = Math.Max(epoch, epochs.GetValueOrDefault(number));
            }
        }

        static async Task<JsonDocument?> AskAsync(GatewayApi api)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1));
            try
            {
                return JsonDocument.Parse(await api.Http.GetStringAsync(new Uri("/v1/cluster", UriKind.Relative), patience.Token));
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                return null; // it is down, or just coming
            }
        }

        static async Task<double> ImpressionsAsync(GatewayApi api)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1));
            try
            {
                return CostsRun.Sum(await api.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative), patience.Token), "adclick_partition_impressions");
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                return 0;
            }
        }
    }
}

/// <summary>How long partitions were not counted.</summary>
/// <param name="Seconds">How long they were watched.</param>
/// <param name="Impressions">Most impressions that all of them remembered.</param>
/// <param name="Partitions">The longest pause of each, longest first.</param>
internal sealed record PausesReport(double Seconds, double Impressions, IReadOnlyList<PartitionPause> Partitions)
{
    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder();
        Line($"watched     {Seconds:F0} s, {Partitions.Count} partitions, {Impressions:N0} impressions remembered");
        foreach (var (name, which) in new[] { ("moved", Partitions.Where(partition => partition.HasMoved)), ("stayed", Partitions.Where(partition => !partition.HasMoved)) })
        {
            var pauses = which.Select(partition => string.Create(CultureInfo.InvariantCulture, $"{partition.Seconds:F1} ({partition.Partition})"));
            Line($"{name,-11} longest time without a count, in s, and partition: {string.Join(", ", pauses)}");
        }

        return text.ToString();

        void Line(FormattableString line) => text.AppendLine(FormattableString.Invariant(line));
    }
}

/// <summary>A partition's longest pause.</summary>
/// <param name="Partition">Number.</param>
/// <param name="Seconds">Longest time in which it counted nothing.</param>
/// <param name="HasMoved">Whether it had more than one owner meanwhile.</param>
internal sealed record PartitionPause(int Partition, double Seconds, bool HasMoved);
