using System.CommandLine;
using System.Diagnostics;
using AdClick.Actors.Metrics;
using AdClick.Benchmarks.Load;
using AdClick.Benchmarks.Processes;

namespace AdClick.Benchmarks.Queries;

/// <summary><c>queries</c>: how long the store takes to answer, with a year of minutes in it.</summary>
internal static class QueriesCommand
{
    private const string Sqlite = "sqlite";

    /// <summary>The command.</summary>
    public static Command Make()
    {
        var rows = new Option<long>("--rows") { Description = "Minute rows in the store.", DefaultValueFactory = _ => 10_000_000 }
            .Within(1, 1_000_000_000);
        var ads = new Option<int>("--ads") { Description = "Number of ads; every tenth belongs to one advertiser.", DefaultValueFactory = _ => 1_000 }
            .Within(10, 1_000_000);
        var samples = new Option<int>("--samples") { Description = "Answers of each kind.", DefaultValueFactory = _ => 1_000 }
            .Within(1, 10_000_000);
        var database = new Option<string>("--database")
        {
            Description = "Which store: sqlite, or a database server of the run's own, plain (PostgreSQL) or timescale (with TimescaleDB).",
            DefaultValueFactory = _ => Sqlite,
        };
        database.AcceptOnlyFromAmong(Sqlite, "plain", "timescale");
        var sharedBuffers = new Option<string>("--shared-buffers") { Description = "Memory of the database server's own.", DefaultValueFactory = _ => "3GB" };
        var folder = GatewayOptions.Folder();
        var dataFolder = new Option<string?>("--data-folder")
        {
            Description = "Folder that keeps the filled store. One that was filled before is asked again, with the rows, ads and database that it has.",
        };
        var seed = new Option<ulong>("--seed") { Description = "Draws who was clicked when, and who is asked about.", DefaultValueFactory = _ => 1 };
        var json = new Option<bool>("--json") { Description = "Print the report as JSON." };
        var command = new Command(
            "queries", "Fill a metrics store with a year of minutes, then time its answers with 1 and 8 readers, at rest and while flushes run, and flushes of 50,000 counts.")
        {
            rows, ads, samples, database, sharedBuffers, folder, dataFolder, seed, json,
        };
        command.SetAction(parsed => InlineSockets.RunBesideAsync(async () =>
        {
            using var temporary = parsed.GetValue(dataFolder) is null ? new TemporaryFolder(parsed.GetValue(folder)) : null;
            var data = temporary is not null ? temporary.Path : Directory.CreateDirectory(Path.GetFullPath(parsed.GetValue(dataFolder)!)).FullName;
            var filled = YearFile.Find(data);
            var file = filled ?? new YearFile(parsed.GetValue(database)!, parsed.GetValue(rows), parsed.GetValue(ads), parsed.GetValue(seed));
            await using YearStore store = file.Database == Sqlite
                ? new SqliteYearStore(data)
                : await PostgresYearStore.StartAsync(file.Database, data, isKept: temporary is null, parsed.GetValue(sharedBuffers)!);
            var live = await LivePartition.AcquireAsync(store.Metrics);
            var year = new YearOfCounts(
                file.Rows, file.Ads, file.Seed, filled is null ? (int)(DateTimeOffset.UtcNow.ToUnixTimeSeconds() / 60) : live.NextMinute);
            if (filled is null)
            {
                file = file with { Rows = await FillAsync(store, year, live) };
                file.Write(data);
            }
            else
            {
                await LiveADayAsync(year, live);
            }

            var measured = new QueryTimings(store, year, live, parsed.GetValue(seed));
            var started = Stopwatch.GetTimestamp();
            await measured.RollUpAsync();
            await Say($"Rolled up in {Stopwatch.GetElapsedTime(started).TotalSeconds:F0} s.");
            if (!file.IsSettled)
            {
                await store.SettleAsync();
                file = file with { IsSettled = true };
                file.Write(data);
            }

            var sizes = await store.ReadSizesAsync();
            var timings = new List<QueryTiming>();
            foreach (var isFlushing in (bool[])[false, true])
            {
                foreach (var readers in (int[])[1, 8])
                {
                    timings.AddRange(await measured.AskAsync(readers, isFlushing, parsed.GetValue(samples)));
                }
            }

            timings.AddRange(await measured.TimeFlushesAsync());
            ReportJson.Print(new QueryReport(file.Database, file.Rows, file.Ads, sizes, timings), parsed.GetValue(json));
            return 0;
        }));
        return command;
    }

    private static async Task<long> FillAsync(YearStore store, YearOfCounts year, LivePartition live)
    {
        var started = Stopwatch.GetTimestamp();
        foreach (var ad in year.Catalogue)
        {
            await store.Catalogue.PutAdAsync(ad, CancellationToken.None);
        }

        await Say($"{year.AdIds.Count:N0} ads put in {Stopwatch.GetElapsedTime(started).TotalSeconds:F0} s.");
        started = Stopwatch.GetTimestamp();
        var written = await store.WriteAsync(year, live);
        await Say($"{written:N0} minute rows written in {Stopwatch.GetElapsedTime(started).TotalSeconds:F0} s.");
        return written;
    }

    // The flushes of the run before were far denser than any day. A day like all others goes by, so that what is not rolled up yet is what it would be.
    private static async Task LiveADayAsync(YearOfCounts year, LivePartition live)
    {
        foreach (var counts in year.CountsOf(YearOfCounts.Days).Chunk(50_000))
        {
            await live.FlushAsync(counts, counts[^1].Minute + 1);
        }
    }

    private static Task Say(FormattableString line) => Console.Error.WriteLineAsync(FormattableString.Invariant(line));
}
