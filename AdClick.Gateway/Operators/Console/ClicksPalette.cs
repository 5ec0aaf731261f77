using System.Numerics;
using AdClick.Actors.Clicks;
using AdClick.Actors.HotAds;
using AdClick.Actors.Metrics;
using AdClick.Actors.Partitions;
using AdClick.Gateway.Ads;

namespace AdClick.Gateway.Operators.Console;

/// <summary>The counting: partitions and hot ads.</summary>
internal sealed class ClicksPalette : IOperatorPalette
{
    private readonly ClusterBoard _board;
    private readonly SubShardTable _table;
    private readonly AdCatalogue _catalogue;
    private readonly ICatalogueStore _store;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    /// <summary>The commands on this node.</summary>
    public ClicksPalette(ClusterBoard board, SubShardTable table, AdCatalogue catalogue, ICatalogueStore store, TimeProvider time, ILogger<ClicksPalette> logger)
    {
        _board = board;
        _table = table;
        _catalogue = catalogue;
        _store = store;
        _time = time;
        _logger = logger;
        Commands =
        [
            new("clicks", "partitions",
                "The partitions of the click log: number | owner | state | next offset | lag in records | flushed below | checkpoint at | its age in seconds | clock | ads | impressions | why it waits.",
                Partitions),
            new("clicks", "hot", "The busy and the split ads: ad | clicks/s | issued/s | sub-shards | pinned, where it is.", Hot),
            new("clicks", "split", "Pins the number of sub-shards of an ad, whatever its traffic.", SplitAsync)
            {
                Arguments =
                [
                    new("ad", "-a", "The ad's ID.") { IsRequired = true },
                    new("subShards", "-n", $"A power of two, 1 to {AdKey.MaxSubShards}; left out, its traffic decides again."),
                ],
            },
        ];
    }

    /// <inheritdoc/>
    public IReadOnlyList<OperatorCommand> Commands { get; }

    /// <summary>Seconds since a checkpoint; empty if there is none.</summary>
    public static string AgeOf(DateTimeOffset checkpoint, TimeProvider time) =>
        checkpoint == default ? "" : OperatorLine.Number(Math.Max(0, (long)(time.GetUtcNow() - checkpoint).TotalSeconds));

    private IAsyncEnumerable<OperatorLine> Partitions(OperatorCall call)
    {
        var owned = _board.Partitions();
        return OperatorLines.All(Enumerable.Range(0, _board.PartitionCount).Select(number => Line(number, owned.GetValueOrDefault(number))));
    }

    private OperatorLine Line(int number, OwnedPartition? owned)
    {
        if (owned is null)
        {
            return OperatorLine.Of(("partition", OperatorLine.Number(number)), ("owner", ""), ("state", "unowned"));
        }

        var status = owned.Status;
        return OperatorLine.Of(
            ("partition", OperatorLine.Number(number)),
            ("owner", owned.Node),
            ("state", ClusterPartitionResponse.StateOf(status.Phase)),
            ("nextOffset", OperatorLine.Number(status.NextOffset)),
            ("lag", OperatorLine.Number(owned.Lag)),
            ("flushedOffset", OperatorLine.Number(status.FlushedOffset)),
            ("checkpointOffset", OperatorLine.Number(status.CheckpointOffset)),
            ("checkpointAge", AgeOf(status.CheckpointAt, _time)),
            ("clock", status.ClockMs == 0 ? "" : OperatorLine.Time(DateTimeOffset.FromUnixTimeMilliseconds(status.ClockMs))),
            ("ads", OperatorLine.Number(status.Ads)),
            ("impressions", OperatorLine.Number(status.Impressions)),
            ("reason", status.Reason ?? ""));
    }

    private IAsyncEnumerable<OperatorLine> Hot(OperatorCall call)
    {
        var pinned = _catalogue.Pinned().ToDictionary(ad => ad.AdId, ad => ad.PinnedSubShards!.Value, StringComparer.Ordinal);
        var busy = _table.Ads;
        return OperatorLines.All(pinned.Keys.Union(busy.Keys).Select(adId => (AdId: adId, Ad: busy.GetValueOrDefault(adId)))
            .OrderByDescending(ad => ad.Ad?.ClicksPerSecond ?? 0).ThenBy(ad => ad.AdId, StringComparer.Ordinal)
            .Select(ad => OperatorLine.Of(
                ("ad", ad.AdId),
                ("clicksPerSecond", OperatorLine.Rate(ad.Ad?.ClicksPerSecond ?? 0)),
                ("issuedPerSecond", OperatorLine.Rate(ad.Ad?.IssuedPerSecond ?? 0)),
                ("subShards", OperatorLine.Number(pinned.TryGetValue(ad.AdId, out var number) ? number : ad.Ad?.SubShards ?? 1)),
                ("pinned", pinned.ContainsKey(ad.AdId) ? "pinned" : ""))));
    }

    private async IAsyncEnumerable<OperatorLine> SplitAsync(OperatorCall call)
    {
        var adId = call["ad"];
        int? subShards = call.Find("subShards") is null ? null : call.Number("subShards", 1, 1, AdKey.MaxSubShards);
        if (subShards is { } number && !BitOperations.IsPow2(number))
        {
            throw new OperatorCommandException($"--subShards must be a power of two, not {number}: a token's sub-shard is the low bits of its impression.");
        }

        bool isKnown;
        try
        {
            isKnown = await _store.PinSubShardsAsync(adId, subShards, call.Cancelled);
        }
        catch (MetricsStoreUnavailableException e)
        {
            throw new OperatorCommandException($"The database does not answer, so nothing was changed: {e.Message}");
        }

        if (!isKnown)
        {
            throw new OperatorCommandException($"There is no ad '{adId}'.");
        }

        await AdEndpoints.TellCatalogueAsync(_catalogue, adId, _logger, call.Cancelled);
        yield return OperatorLine.Of(("ad", adId), ("subShards", subShards is { } pinned ? OperatorLine.Number(pinned) : "by its traffic"));
    }
}
