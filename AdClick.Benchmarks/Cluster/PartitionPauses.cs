namespace AdClick.Benchmarks.Cluster;

/// <summary>The longest time in which each partition counted nothing. Every gateway writes a mark into each partition each second, so a partition that counts never stands still for long.</summary>
internal sealed class PartitionPauses
{
    private readonly Dictionary<int, (long Offset, TimeSpan Since, TimeSpan Longest)> _partitions = [];

    /// <summary>How far a partition was at a moment, as some node says; nodes may tell of the past.</summary>
    public void Note(int partition, long offset, TimeSpan now)
    {
        if (!_partitions.TryGetValue(partition, out var known))
        {
            _partitions[partition] = (offset, now, TimeSpan.Zero);
        }
        else if (offset > known.Offset)
        {
            var pause = now - known.Since;
            _partitions[partition] = (offset, now, pause > known.Longest ? pause : known.Longest);
        }
    }

    /// <summary>By partition; one that stands still counts up to now.</summary>
    public IReadOnlyDictionary<int, TimeSpan> At(TimeSpan now) => _partitions.ToDictionary(
        partition => partition.Key, partition => now - partition.Value.Since is var last && last > partition.Value.Longest ? last : partition.Value.Longest);
}
