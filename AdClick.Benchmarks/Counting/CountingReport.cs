namespace AdClick.Benchmarks.Counting;

/// <summary>What a counting process has measured of itself.</summary>
internal sealed record CountingReport
{
    /// <summary>From the start of the process until all partitions ran, in seconds.</summary>
    public required double StartSeconds { get; init; }

    /// <summary>From when the first partition ran until the last click was counted, in seconds.</summary>
    public required double CountedSeconds { get; init; }

    /// <summary>… until its count was in the metrics database.</summary>
    public required double FlushedSeconds { get; init; }

    /// <summary>… until a checkpoint held it too; that waits for the partition's checkpoint timer.</summary>
    public required double CheckpointedSeconds { get; init; }

    /// <summary>From the order to stop until everything was handed off and closed, in seconds.</summary>
    public required double StopSeconds { get; init; }

    /// <summary>Processor time until the last checkpoint, in seconds.</summary>
    public required double ProcessorSeconds { get; init; }

    /// <summary>Memory that was allocated until the last checkpoint, in bytes.</summary>
    public required long AllocatedBytes { get; init; }

    /// <summary>Garbage collections until the last checkpoint.</summary>
    public required int GarbageCollections { get; init; }

    /// <summary>Time in which they held everything up, in seconds.</summary>
    public required double GarbagePauseSeconds { get; init; }

    /// <summary>Ads with an actor.</summary>
    public required int Ads { get; init; }

    /// <summary>Impressions remembered.</summary>
    public required long Impressions { get; init; }

    /// <summary>Managed heap after a full collection, in bytes.</summary>
    public required long HeapBytes { get; init; }

    /// <summary>Memory that the process holds after it, in bytes.</summary>
    public required long WorkingSetBytes { get; init; }

    /// <summary>Size of the click log, in bytes.</summary>
    public required long LogBytes { get; init; }

    /// <summary>Size of the journal, in bytes.</summary>
    public required long JournalBytes { get; init; }

    /// <summary>Size of the snapshots, in bytes.</summary>
    public required long SnapshotBytes { get; init; }

    /// <summary>Size of the metrics database, in bytes.</summary>
    public required long MetricsBytes { get; init; }

    /// <summary>Clicks in the metrics database, by number of their outcome.</summary>
    public required long[] Totals { get; init; }
}
