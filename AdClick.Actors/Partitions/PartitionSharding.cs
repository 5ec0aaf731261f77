using System.Globalization;
using Akka.Cluster.Sharding;

namespace AdClick.Actors.Partitions;

/// <summary>Key of the partitions' shard region in the actor registry.</summary>
public sealed class PartitionRegion
{
    /// <summary>The region's type name in the cluster.</summary>
    public const string TypeName = "partitions";

    private PartitionRegion() { }
}

/// <summary>Entity = shard = partition of the click log.</summary>
internal sealed class PartitionMessageExtractor : IMessageExtractor
{
    /// <inheritdoc/>
    public string? EntityId(object message) => message switch
    {
        PartitionCommands.WakeUp wakeUp => wakeUp.Partition.ToString(CultureInfo.InvariantCulture),
        PartitionOrder order => order.Partition.ToString(CultureInfo.InvariantCulture),
        _ => null,
    };

    /// <inheritdoc/>
    public object EntityMessage(object message) => message;

    /// <inheritdoc/>
    public string? ShardId(object message) => EntityId(message);

    /// <inheritdoc/>
    public string ShardId(string entityId, object? messageHint = null) => entityId;
}
