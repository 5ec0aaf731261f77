namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>What Kafka says of a topic.</summary>
/// <param name="Id">Its ID; null from a broker that gives none.</param>
/// <param name="Partitions">Number of partitions.</param>
/// <param name="ReplicationFactor">The smallest number of replicas that one of them has.</param>
/// <param name="Settings">Its settings by name; null when the broker does not tell.</param>
internal sealed record TopicFacts(Guid? Id, int Partitions, int ReplicationFactor, IReadOnlyDictionary<string, string>? Settings);
