using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using AdClick.Actors.Partitions;
using AdClick.Benchmarks.Processes;

namespace AdClick.Benchmarks.Counting;

/// <summary>
/// <c>count</c>: a process that counts what a folder's log holds, measures itself and writes a report. <c>drain</c> and <c>restart</c> run it, so that what
/// they measure begins with a new process, which has the garbage collector that the gateway has.
/// </summary>
internal static class CountCommand
{
    private const string Name = "count";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(20);

    /// <summary>The command; hidden, for it is of use to other commands only.</summary>
    public static Command Make()
    {
        var folder = new Argument<string>("folder") { Description = "Parent of the data folder." };
        var report = new Argument<string>("report") { Description = "File for the report." };
        var command = new Command(Name, "Count a folder's log and write a report; part of drain and restart.") { folder, report };
        command.Hidden = true;
        command.SetAction(async parsed =>
        {
            var counted = await CountAsync(new CountingFolder(parsed.GetValue(folder)!));
            await File.WriteAllTextAsync(parsed.GetValue(report)!, JsonSerializer.Serialize(counted, ReportJson.Options));
            return 0;
        });
        return command;
    }

    /// <summary>Runs the command as a process of its own.</summary>
    /// <param name="parent">Parent of the data folder.</param>
    public static async Task<CountingReport> RunAsync(string parent)
    {
        var report = Path.Combine(parent, "count.json");
        File.Delete(report);
        using var process = ChildProcess.Start(
            typeof(CountCommand).Assembly.Location,
            [Name, parent, report],
            new Dictionary<string, string>(),
            Path.Combine(parent, "count.log"));
        await process.WaitForSuccessAsync();
        return JsonSerializer.Deserialize<CountingReport>(await File.ReadAllTextAsync(report), ReportJson.Options)!;
    }

    private static async Task<CountingReport> CountAsync(CountingFolder folder)
    {
        var processStart = Process.GetCurrentProcess().StartTime;
        var host = await CountingHost.StartAsync(folder);
        await host.WaitForAsync(partitions => partitions.Any(IsRunning), "a running partition", Patience);
        var started = Stopwatch.GetTimestamp();
        var before = ProcessUsage.Now();
        await host.WaitForAsync(partitions => partitions.Count == CountingFolder.Partitions && partitions.All(IsRunning), "all partitions to run", Patience);
        var startTime = DateTime.Now - processStart;

        await WaitUntilAsync(partition => partition.NextOffset, "all clicks to be counted");
        var counted = Stopwatch.GetElapsedTime(started);
        await WaitUntilAsync(partition => partition.FlushedOffset, "all counts to be flushed");
        var flushed = Stopwatch.GetElapsedTime(started);
        await WaitUntilAsync(partition => partition.CheckpointOffset, "the last checkpoint");
        var checkpointed = Stopwatch.GetElapsedTime(started);
        var used = ProcessUsage.Now() - before;

        var status = host.Board.Snapshot();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        var heap = GC.GetTotalMemory(forceFullCollection: true);
        var workingSet = Environment.WorkingSet;
        var stopping = Stopwatch.GetTimestamp();
        await host.DisposeAsync();
        return new CountingReport
        {
            StartSeconds = startTime.TotalSeconds,
            CountedSeconds = counted.TotalSeconds,
            FlushedSeconds = flushed.TotalSeconds,
            CheckpointedSeconds = checkpointed.TotalSeconds,
            StopSeconds = Stopwatch.GetElapsedTime(stopping).TotalSeconds,
            ProcessorSeconds = used.Processor.TotalSeconds,
            AllocatedBytes = used.AllocatedBytes,
            GarbageCollections = used.Collections,
            GarbagePauseSeconds = used.Pause.TotalSeconds,
            Ads = status.Sum(partition => partition.Ads),
            Impressions = status.Sum(partition => partition.Impressions),
            HeapBytes = heap,
            WorkingSetBytes = workingSet,
            LogBytes = folder.ClickLogSize,
            JournalBytes = CountingFolder.SizeOf(folder.Journal),
            SnapshotBytes = CountingFolder.SizeOf(folder.Snapshots),
            MetricsBytes = CountingFolder.SizeOf(folder.Metrics),
            Totals = folder.ReadTotals(),
        };

        Task WaitUntilAsync(Func<PartitionStatus, long> offset, string what) => host.WaitForAsync(
            partitions => partitions.All(partition => offset(partition) >= host.RangeOf(partition.Partition).End), what, Patience);
    }

    private static bool IsRunning(PartitionStatus partition) => partition.Phase == PartitionPhase.Running;
}
