namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>Where a restart of a partition begins: its newest checkpoint.</summary>
/// <param name="Partition">Partition.</param>
/// <param name="Offset">First offset that no checkpoint covers.</param>
internal readonly record struct CommittableOffset(int Partition, long Offset);
