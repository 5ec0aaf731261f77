using AdClick.Actors.Ads;

namespace AdClick.Actors.Partitions;

/// <summary>Packs the deltas of a checkpoint into journal events; a checkpoint is one atomic write of as many as it takes.</summary>
internal static class CheckpointEvents
{
    /// <summary>Most bytes of one journal event.</summary>
    private const int MaxEventBytes = 256 * 1024;

    /// <summary>The deltas as events.</summary>
    /// <param name="deltas">Parts of ads, each smaller than half an event.</param>
    /// <param name="bytes">Bytes of all of them.</param>
    public static List<IPartitionMessage> Pack(IEnumerable<AdDelta> deltas, out long bytes)
    {
        var events = new List<IPartitionMessage>();
        var packed = new PartitionDelta();
        var packedBytes = 0;
        bytes = 0;
        foreach (var delta in deltas)
        {
            var size = delta.CalculateSize() + 6; // and its tag and length
            if (packedBytes > 0 && packedBytes + size > MaxEventBytes)
            {
                events.Add(packed);
                packed = new PartitionDelta();
                packedBytes = 0;
            }

            packed.Ads.Add(delta);
            packedBytes += size;
            bytes += size;
        }

        if (packedBytes > 0)
        {
            events.Add(packed);
        }

        return events;
    }
}
