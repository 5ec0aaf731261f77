using System.CommandLine;
using System.Diagnostics;
using AdClick.Actors.Clicks;
using AdClick.Actors.Lake;
using AdClick.Actors.Lake.Reconciling;
using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Sqlite;
using AdClick.Benchmarks.Load;
using AdClick.Benchmarks.Processes;
using Microsoft.Extensions.Logging.Abstractions;

namespace AdClick.Benchmarks.Counting;

/// <summary>
/// <c>recount</c>: a day of clicks in the lake and, counted, in the store; then the time and peak memory of their reconciliation, in a process that has done nothing else.
/// </summary>
internal static class RecountCommand
{
    private const string Measure = "recount-measure";
    private const int Partitions = 8;
    private const long LatenessMs = 3_600_000;

    /// <summary>The command.</summary>
    public static Command Make()
    {
        var clicks = new Option<int>("--clicks") { Description = "Clicks of the day.", DefaultValueFactory = _ => 10_000_000 };
        var ads = new Option<int>("--ads") { Description = "Ads.", DefaultValueFactory = _ => 10_000 };
        var command = new Command("recount", "Time and peak memory of the reconciliation of a day.") { clicks, ads };
        command.SetAction(async parsed =>
        {
            using var folder = new TemporaryFolder(null);
            var started = Stopwatch.GetTimestamp();
            await FillAsync(folder.Path, parsed.GetValue(clicks), parsed.GetValue(ads));
            Console.WriteLine(FormattableString.Invariant(
                $"{parsed.GetValue(clicks):N0} clicks of {parsed.GetValue(ads):N0} ads put into lake and store in {Stopwatch.GetElapsedTime(started).TotalSeconds:F1} s."));
            using var process = ChildProcess.Start(
                typeof(RecountCommand).Assembly.Location, [Measure, folder.Path], new Dictionary<string, string>(), Path.Combine(folder.Path, "measure.log"));
            await process.WaitForSuccessAsync();
            Console.Write(await File.ReadAllTextAsync(Path.Combine(folder.Path, "measure.log")));
            return 0;
        });
        return command;
    }

    /// <summary>The part that is measured; of use to the other only.</summary>
    public static Command MakeMeasure()
    {
        var folder = new Argument<string>("folder") { Description = "Folder of lake and store." };
        var command = new Command(Measure, "Reconcile the day in a folder; part of recount.") { folder };
        command.Hidden = true;
        command.SetAction(parsed => MeasureAsync(parsed.GetValue(folder)!));
        return command;
    }

    private static HourRange Day => HourRange.Around(DayMs, DayMs + (24 * HourRange.HourMs));

    private static long DayMs => new DateTimeOffset(2026, 11, 24, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();

    private static async Task<int> MeasureAsync(string folder)
    {
        await using var store = SqliteMetricsStore.Open(Path.Combine(folder, "metrics.db"), TimeProvider.System);
        await using var reconciler = new Reconciler(
            store, new FolderLake(Path.Combine(folder, "lake")), new RecountSettings { TemporaryFolder = folder }, TimeProvider.System, NullLogger.Instance);
        var started = Stopwatch.GetTimestamp();
        var before = Process.GetCurrentProcess().TotalProcessorTime;
        var (_, run) = await reconciler.RunAsync(Day, RunKind.Requested, "benchmark", CancellationToken.None);
        var elapsed = Stopwatch.GetElapsedTime(started);
        using var process = Process.GetCurrentProcess();
        Console.WriteLine(FormattableString.Invariant(
            $"{run.State}: {run.Clicks:N0} clicks, {run.Cells:N0} numbers compared, {run.Mismatches} mismatches, {run.FilesRead} files; {elapsed.TotalSeconds:F1} s, {(process.TotalProcessorTime - before).TotalSeconds:F1} s of processor time, {process.PeakWorkingSet64 / (1024.0 * 1024):F0} MiB at most. {string.Join(' ', run.Reasons.Take(3))}"));
        return run.State == RunState.Match ? 0 : 1;
    }

    // Clicks come to the files as the archive writes them, a cut of each partition after the other; what their counts must be is known as they are made.
    private static async Task FillAsync(string folder, int clicks, int ads)
    {
        await using var store = SqliteMetricsStore.Open(Path.Combine(folder, "metrics.db"), TimeProvider.System);
        var log = new Actors.ClickLog.LogIdentity(Guid.NewGuid(), Partitions);
        var lake = new FolderLake(Path.Combine(folder, "lake"));
        for (var partition = 0; partition < Partitions; partition++)
        {
            var acquired = await store.AcquireAsync(log, partition, CancellationToken.None);
            await new RecountPartition(log, partition, acquired.OwnerEpoch, clicks / Partitions, ads, DayMs, LatenessMs).WriteAsync(store, lake);
        }
    }
}
