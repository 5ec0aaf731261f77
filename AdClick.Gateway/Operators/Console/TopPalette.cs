using AdClick.Actors.HotAds;
using AdClick.Actors.Partitions;

namespace AdClick.Gateway.Operators.Console;

/// <summary>The counting as it goes, like <c>top</c>.</summary>
internal sealed class TopPalette : IOperatorPalette
{
    private const int DefaultInterval = 2;
    private const int DefaultAds = 10;

    // Other nodes report once a second: over less than this, a rate would tell more of the reports than of the counting.
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    private readonly ClusterBoard _board;
    private readonly SubShardTable _table;
    private readonly TimeProvider _time;

    /// <summary>The commands on this node.</summary>
    public TopPalette(ClusterBoard board, SubShardTable table, TimeProvider time)
    {
        _board = board;
        _table = table;
        _time = time;
        Commands =
        [
            new("clicks", "top",
                "The counting, again and again. First: time | nodes | unreachable | records/s | lag in records | partitions that don't count. Of each partition: number | owner | state | records/s | lag | "
                + "age of the checkpoint in seconds | why it waits. Of the busiest ads: ad | clicks/s | issued/s | sub-shards. Records are clicks and the gateways' marks, one a second from each.",
                TopAsync)
            {
                IsLive = true,
                Arguments =
                [
                    new("interval", "-i", $"Seconds between two showings, 1 to 60; {DefaultInterval} by default."),
                    new("ads", "-n", $"How many ads to show, 0 to 100; {DefaultAds} by default."),
                ],
            },
        ];
    }

    /// <inheritdoc/>
    public IReadOnlyList<OperatorCommand> Commands { get; }

    private async IAsyncEnumerable<OperatorLine> TopAsync(OperatorCall call)
    {
        var interval = TimeSpan.FromSeconds(call.Number("interval", DefaultInterval, 1, 60));
        var ads = call.Number("ads", DefaultAds, 0, 100);
        var samples = new Queue<Sample>();
        using var timer = new PeriodicTimer(interval, _time);
        do
        {
            var now = new Sample(_time.GetTimestamp(), _board.Partitions());
            samples.Enqueue(now);
            while (samples.Count > 2 && _time.GetElapsedTime(samples.Peek().At, now.At) > Window)
            {
                samples.Dequeue();
            }

            foreach (var line in OperatorLines.Frame(Frame(now, samples.Peek(), ads)))
            {
                yield return line;
            }
        }
        while (await timer.WaitForNextTickAsync(call.Cancelled));
    }

    private List<OperatorLine> Frame(Sample now, Sample before, int ads)
    {
        var partitions = Enumerable.Range(0, _board.PartitionCount)
            .Select(number => (Number: number, Owned: now.Partitions.GetValueOrDefault(number), Rate: RateOf(number, now, before))).ToList();
        var nodes = _board.Nodes;
        return
        [
            OperatorLine.Of(
                ("time", OperatorLine.Time(_time.GetUtcNow())),
                ("nodes", OperatorLine.Number(nodes.Count)),
                ("unreachable", OperatorLine.Number(nodes.Count(node => !node.IsReachable))),
                ("recordsPerSecond", Text(partitions.Exists(partition => partition.Rate is not null) ? partitions.Sum(partition => partition.Rate) : null)),
                ("lag", OperatorLine.Number(partitions.Sum(partition => partition.Owned?.Lag ?? 0))),
                ("notCounting", OperatorLine.Number(partitions.Count(partition => partition.Owned?.Status.Phase != PartitionPhase.Running)))),
            .. partitions.Select(partition => OperatorLine.Of(
                ("partition", OperatorLine.Number(partition.Number)),
                ("owner", partition.Owned?.Node ?? ""),
                ("state", partition.Owned is { } owned ? ClusterPartitionResponse.StateOf(owned.Status.Phase) : "unowned"),
                ("recordsPerSecond", Text(partition.Rate)),
                ("lag", OperatorLine.Number(partition.Owned?.Lag ?? 0)),
                ("checkpointAge", partition.Owned is { } aged ? ClicksPalette.AgeOf(aged.Status.CheckpointAt, _time) : ""),
                ("reason", partition.Owned?.Status.Reason ?? ""))),
            .. _table.Ads.Values.OrderByDescending(ad => ad.ClicksPerSecond).ThenBy(ad => ad.AdId, StringComparer.Ordinal).Take(ads).Select(ad => OperatorLine.Of(
                ("ad", ad.AdId),
                ("clicksPerSecond", OperatorLine.Rate(ad.ClicksPerSecond)),
                ("issuedPerSecond", OperatorLine.Rate(ad.IssuedPerSecond)),
                ("subShards", OperatorLine.Number(ad.SubShards)))),
        ];
    }

    private static string Text(double? rate) => rate is { } known ? OperatorLine.Rate(known) : "";

    // Null where there is nothing to compare with: in the first showing, and of partitions without an owner.
    private double? RateOf(int partition, Sample now, Sample before)
    {
        var seconds = _time.GetElapsedTime(before.At, now.At).TotalSeconds;
        return seconds > 0 && now.Partitions.TryGetValue(partition, out var counted) && before.Partitions.TryGetValue(partition, out var earlier)
            ? Math.Max(0, counted.Status.NextOffset - earlier.Status.NextOffset) / seconds // a restart goes back to its checkpoint
            : null;
    }

    private sealed record Sample(long At, IReadOnlyDictionary<int, OwnedPartition> Partitions);
}
