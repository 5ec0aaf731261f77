using System.Text.Json;
using AdClick.Actors.ClickLog.Kafka;
using AdClick.Benchmarks.Counting;
using AdClick.Benchmarks.Load;
using AdClick.Benchmarks.Processes;

namespace AdClick.Benchmarks.Cluster;

/// <summary>
/// Gives a running cluster clicks to remember, straight through its topic: the mock cluster hands out one batch of a partition at a time, so clicks that come in singly would take too long. In rounds, as it holds little.
/// </summary>
internal static class FillRun
{
    private const int MaxPerPartition = 15_000;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>Fills.</summary>
    /// <param name="url">A node, which knows how far all partitions are.</param>
    /// <param name="adminKey">Its key.</param>
    /// <param name="servers">The brokers.</param>
    /// <param name="topic">The topic that the cluster counts.</param>
    /// <param name="clicks">Number of clicks.</param>
    /// <param name="ads">Number of ads.</param>
    /// <param name="progress">Takes a line for each round.</param>
    public static async Task RunAsync(string url, string adminKey, string servers, string topic, long clicks, int ads, TextWriter progress)
    {
        using var api = new GatewayApi(url, adminKey);
        using var folder = new TemporaryFolder(null);
        var partitions = (await OffsetsAsync(api)).Count;
        var mix = new ClickMix();
        await using var log = await KafkaClickLog.OpenAsync(
            new KafkaOptions
            {
                BootstrapServers = servers,
                Topic = topic,
                Partitions = partitions,
                DeliveryTimeout = TimeSpan.FromMinutes(1),
                Linger = TimeSpan.FromMilliseconds(50), // large batches
                SpoolFolder = Path.Combine(folder.Path, "spool"),
            },
            folder.Path,
            mix.Lifetime,
            TimeProvider.System);
        var filler = new LogFiller(ads, mix, (ulong)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), maxShare: 0.25 / partitions);
        for (long filled = 0; filled < clicks;)
        {
            filled += await filler.AppendAsync(log, clicks - filled, firstEachAd: false, MaxPerPartition);
            var ends = new long[partitions];
            for (var partition = 0; partition < partitions; partition++)
            {
                ends[partition] = (await log.FindRangeAsync(partition, CancellationToken.None)).End;
            }

            await CountedAsync(api, ends);
            progress.WriteLine(FormattableString.Invariant($"{filled:N0} clicks are counted."));
        }
    }

    private static async Task CountedAsync(GatewayApi api, long[] ends)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            var offsets = await OffsetsAsync(api);
            if (offsets.Index().All(partition => partition.Item >= ends[partition.Index]))
            {
                return;
            }

            if (patience.IsCancellationRequested)
            {
                throw new TimeoutException($"Waited {Patience} for the clicks to be counted; GET /v1/cluster says what keeps them.");
            }

            await Task.Delay(200);
        }
    }

    private static async Task<IReadOnlyList<long>> OffsetsAsync(GatewayApi api)
    {
        using var cluster = JsonDocument.Parse(await api.Http.GetStringAsync(new Uri("/v1/cluster", UriKind.Relative)));
        return [.. cluster.RootElement.GetProperty("partitions").EnumerateArray()
            .Select(partition => partition.TryGetProperty("nextOffset", out var offset) ? offset.GetInt64() : 0)];
    }
}
