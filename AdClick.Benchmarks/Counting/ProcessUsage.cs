namespace AdClick.Benchmarks.Counting;

/// <summary>What this process has used since its start, or between two moments.</summary>
/// <param name="Processor">Processor time.</param>
/// <param name="AllocatedBytes">Memory allocated.</param>
/// <param name="Collections">Garbage collections.</param>
/// <param name="Pause">Time in which they held everything up.</param>
internal readonly record struct ProcessUsage(TimeSpan Processor, long AllocatedBytes, int Collections, TimeSpan Pause)
{
    /// <summary>Since the start.</summary>
    public static ProcessUsage Now() => new(
        Environment.CpuUsage.TotalTime, GC.GetTotalAllocatedBytes(), GC.CollectionCount(0), GC.GetTotalPauseDuration());

    public static ProcessUsage operator +(ProcessUsage a, ProcessUsage b) =>
        new(a.Processor + b.Processor, a.AllocatedBytes + b.AllocatedBytes, a.Collections + b.Collections, a.Pause + b.Pause);

    public static ProcessUsage operator -(ProcessUsage a, ProcessUsage b) =>
        new(a.Processor - b.Processor, a.AllocatedBytes - b.AllocatedBytes, a.Collections - b.Collections, a.Pause - b.Pause);
}
