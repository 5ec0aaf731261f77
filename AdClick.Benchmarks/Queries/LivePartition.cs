using AdClick.Actors.ClickLog;
using AdClick.Actors.Metrics;

namespace AdClick.Benchmarks.Queries;

/// <summary>The only partition of the log that the counts are of: flushes as its owner does, and lets its clock run as if time went as fast as its counts do.</summary>
internal sealed class LivePartition
{
    private static readonly long AllowedLatenessMs = (long)TimeSpan.FromHours(1).TotalMilliseconds;

    private readonly IMetricsStore _store;
    private PartitionProgress _progress;

    private LivePartition(IMetricsStore store, PartitionProgress progress) => (_store, _progress) = (store, progress);

    /// <summary>First minute that has no counts yet, since 1970; 0 in an empty store.</summary>
    public int NextMinute => (int)(_progress.ClockMs / 60_000);

    /// <summary>Takes the partition over.</summary>
    public static async Task<LivePartition> AcquireAsync(IMetricsStore store)
    {
        var log = await store.FindLogAsync(CancellationToken.None) ?? new LogIdentity(Guid.NewGuid(), 1);
        return new LivePartition(store, await store.AcquireAsync(log, 0, CancellationToken.None));
    }

    /// <summary>Flushes counts of minutes before one.</summary>
    public async Task FlushAsync(IReadOnlyList<MinuteCount> counts, int endMinute)
    {
        var clockMs = endMinute * 60_000L;
        _progress = _progress with
        {
            FlushedOffset = _progress.FlushedOffset + counts.Count,
            ClockMs = clockMs,
            AllowedLatenessMs = AllowedLatenessMs,
            Marks = [new GatewayMark("benchmark", clockMs, clockMs)],
        };
        await _store.FlushAsync(new PartitionFlush { Progress = _progress, Counts = counts, LateClicks = [], Rejected = [] }, CancellationToken.None);
    }
}
