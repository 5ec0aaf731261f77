using AdClick.Actors.Clicks;
using AdClick.Actors.HotAds;
using AdClick.Actors.Metrics;
using AdClick.Actors.Partitions;

namespace AdClick.Gateway.Operators.Console;

/// <summary>One ad: what the catalogue, the partitions and the store know of it.</summary>
internal sealed class AdPalette : IOperatorPalette
{
    private const int DefaultMinutes = 5;

    private readonly ICatalogueStore _catalogue;
    private readonly IMetricsStore _metrics;
    private readonly SubShardTable _table;
    private readonly ClusterBoard _board;
    private readonly PartitionOrders _orders;
    private readonly TimeProvider _time;

    /// <summary>The commands on this node.</summary>
    public AdPalette(ICatalogueStore catalogue, IMetricsStore metrics, SubShardTable table, ClusterBoard board, PartitionOrders orders, TimeProvider time)
    {
        _catalogue = catalogue;
        _metrics = metrics;
        _table = table;
        _board = board;
        _orders = orders;
        _time = time;
        Commands =
        [
            new("clicks", "ad",
                "State of an ad. In the catalogue: ad | advertiser | status | sub-shards | pinned, where it is | target. In each partition that remembers clicks of it: sub-shard | partition | owner | "
                + "impressions remembered | bytes in a checkpoint | counters not flushed yet | end of what it remembers. In the store, by minute: minute | live or final | clicks | duplicates | late | invalid; "
                + "and up to when that is complete.",
                AdAsync)
            {
                Arguments =
                [
                    new("ad", "-a", "The ad's ID.") { IsRequired = true },
                    new("minutes", "-m", $"How many minutes to show, 1 to 1440; {DefaultMinutes} by default."),
                ],
            },
        ];
    }

    /// <inheritdoc/>
    public IReadOnlyList<OperatorCommand> Commands { get; }

    private async IAsyncEnumerable<OperatorLine> AdAsync(OperatorCall call)
    {
        var adId = call["ad"];
        var minutes = call.Number("minutes", DefaultMinutes, 1, 1440);
        var ad = Ids.IsValid(adId) ? await FromStoreAsync(_catalogue.FindAdAsync(adId, call.Cancelled)) : null;
        if (ad is null)
        {
            throw new OperatorCommandException($"There is no ad '{adId}'.");
        }

        yield return OperatorLine.Of(
            ("ad", ad.AdId),
            ("advertiser", ad.AdvertiserId),
            ("status", ad.Status.ToString().ToLowerInvariant()),
            ("subShards", OperatorLine.Number(ad.PinnedSubShards ?? _table.Of(ad.AdId))),
            ("pinned", ad.PinnedSubShards is null ? "" : "pinned"),
            ("target", ad.TargetUrl));

        // Every sub-shard that it may ever have had: an ad that was split is remembered in all of them for a while.
        var partitions = Enumerable.Range(0, AdKey.MaxSubShards).Select(number => new AdKey(adId, number).Partition(_board.PartitionCount)).Distinct();
        var asked = partitions.Select(number => _orders.AskAsync(new PartitionOrder { Partition = number, DescribeAd = adId }, call.Cancelled)).ToList();
        var answers = await Task.WhenAll(asked);
        var owned = _board.Partitions();
        foreach (var (partition, held) in answers.SelectMany(answer => answer.SubShards.Select(subShard => (answer.Partition, SubShard: subShard))).OrderBy(one => one.SubShard.SubShard))
        {
            yield return OperatorLine.Of(
                ("subShard", OperatorLine.Number(held.SubShard)),
                ("partition", OperatorLine.Number(partition)),
                ("owner", owned.GetValueOrDefault(partition)?.Node ?? ""),
                ("impressions", OperatorLine.Number(held.Impressions)),
                ("savedBytes", OperatorLine.Number(held.SavedBytes)),
                ("pendingCounts", OperatorLine.Number(held.PendingCounts)),
                ("remembersUntil", held.AliveUntilMs == 0 ? "" : OperatorLine.Time(DateTimeOffset.FromUnixTimeMilliseconds(held.AliveUntilMs))));
        }

        foreach (var answer in answers.Where(answer => !answer.Done).OrderBy(answer => answer.Partition))
        {
            yield return OperatorLine.Of(("partition", OperatorLine.Number(answer.Partition)), ("message", answer.Text));
        }

        var now = _time.GetUtcNow();
        var report = await FromStoreAsync(_metrics.QueryAsync(
            new ClickQuery { AdId = adId, From = now.AddMinutes(1 - minutes), To = now, Granularity = Granularity.Minute, TimeZone = "UTC", FillZero = true }, call.Cancelled));
        foreach (var bucket in report.Series)
        {
            yield return OperatorLine.Of(
                ("minute", OperatorLine.Time(bucket.Start)),
                ("state", bucket.State.ToString().ToLowerInvariant()),
                ("clicks", OperatorLine.Number(bucket.Totals.Clicks)),
                ("duplicates", OperatorLine.Number(bucket.Totals.Duplicates)),
                ("late", OperatorLine.Number(bucket.Totals.Late)),
                ("invalid", OperatorLine.Number(bucket.Totals.Invalid)));
        }

        yield return OperatorLine.Of(("completeThrough", OperatorLine.Time(report.CompleteThrough)));
    }

    private static async Task<T> FromStoreAsync<T>(Task<T> asking)
    {
        try
        {
            return await asking;
        }
        catch (MetricsStoreUnavailableException e)
        {
            throw new OperatorCommandException($"The database does not answer: {e.Message}");
        }
    }
}
