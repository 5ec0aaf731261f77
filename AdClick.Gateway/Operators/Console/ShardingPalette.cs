using Akka.Actor;
using Akka.Cluster.Sharding;

namespace AdClick.Gateway.Operators.Console;

/// <summary>Which node hosts what.</summary>
internal sealed class ShardingPalette : IOperatorPalette
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly ActorSystem _system;

    /// <summary>The commands on this node.</summary>
    public ShardingPalette(ActorSystem system)
    {
        _system = system;
        var type = new OperatorArgument("typeName", "-t", "Type of the entities, as 'cluster-sharding list-regions' prints it; by default the only one.");
        Commands =
        [
            new("cluster-sharding", "list-regions", "The shard regions: type | node.", ListRegionsAsync),
            new("cluster-sharding", "region-stats", "The regions of a type: node | shards | entities.", RegionStatsAsync) { Arguments = [type] },
            new("cluster-sharding", "list-shards", "The shards of a type: shard | node | entities.", ListShardsAsync) { Arguments = [type] },
            new("cluster-sharding", "list-entities", "The entities of a type on the node that is asked: entity | shard.", ListEntitiesAsync) { Arguments = [type] },
        ];
    }

    /// <inheritdoc/>
    public IReadOnlyList<OperatorCommand> Commands { get; }

    private async IAsyncEnumerable<OperatorLine> ListRegionsAsync(OperatorCall call)
    {
        foreach (var type in ClusterSharding.Get(_system).ShardTypeNames.Order(StringComparer.Ordinal))
        {
            var regions = await AskAsync<CurrentRegions>(type, GetCurrentRegions.Instance);
            foreach (var region in regions.Regions.Select(Name).Order(StringComparer.Ordinal))
            {
                yield return OperatorLine.Of(("typeName", type), ("region", region));
            }
        }
    }

    private async IAsyncEnumerable<OperatorLine> RegionStatsAsync(OperatorCall call)
    {
        foreach (var (region, stats) in await StatsAsync(call))
        {
            yield return OperatorLine.Of(("region", region), ("shards", OperatorLine.Number(stats.Stats.Count)), ("entities", OperatorLine.Number(stats.Stats.Values.Sum())));
        }
    }

    private async IAsyncEnumerable<OperatorLine> ListShardsAsync(OperatorCall call)
    {
        var shards = from region in await StatsAsync(call)
                     from shard in region.Stats.Stats
                     orderby shard.Key.Length, shard.Key
                     select OperatorLine.Of(("shard", shard.Key), ("region", region.Region), ("entities", OperatorLine.Number(shard.Value)));
        foreach (var shard in shards)
        {
            yield return shard;
        }
    }

    private async IAsyncEnumerable<OperatorLine> ListEntitiesAsync(OperatorCall call)
    {
        var state = await AskAsync<CurrentShardRegionState>(TypeOf(call), GetShardRegionState.Instance);
        var entities = from shard in state.Shards
                       from entity in shard.EntityIds
                       orderby entity.Length, entity
                       select OperatorLine.Of(("entity", entity), ("shard", shard.ShardId));
        foreach (var entity in entities)
        {
            yield return entity;
        }
    }

    private async Task<List<(string Region, ShardRegionStats Stats)>> StatsAsync(OperatorCall call)
    {
        var stats = await AskAsync<ClusterShardingStats>(TypeOf(call), new GetClusterShardingStats(Patience));
        return [.. stats.Regions.Select(region => (Name(region.Key), region.Value)).OrderBy(region => region.Item1, StringComparer.Ordinal)];
    }

    private string TypeOf(OperatorCall call)
    {
        var types = ClusterSharding.Get(_system).ShardTypeNames;
        if (types.Count == 0)
        {
            throw new OperatorCommandException("This node hosts no shards, since it has not the role processor. Ask one that has.");
        }

        var asked = call.Find("typeName") ?? types.First();
        return types.Contains(asked) ? asked : throw new OperatorCommandException($"There is no type '{asked}', but {string.Join(", ", types)}.");
    }

    private async Task<T> AskAsync<T>(string type, object question)
    {
        try
        {
            return await ClusterSharding.Get(_system).ShardRegion(type).Ask<T>(question, Patience);
        }
        catch (AskTimeoutException)
        {
            throw new OperatorCommandException($"The shard region of '{type}' did not answer within {Patience.TotalSeconds:0} s. Look at 'cluster show' for nodes that don't.");
        }
    }

    private string Name(Address address) => address.HasGlobalScope ? $"{address.Host}:{address.Port}" : Self;

    private string Self => Akka.Cluster.Cluster.Get(_system).SelfAddress is var self ? $"{self.Host}:{self.Port}" : "";
}
