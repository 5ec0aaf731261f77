using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Sqlite;
using AdClick.Benchmarks.Load;
using AdClick.Benchmarks.Processes;

namespace AdClick.Benchmarks.Queries;

/// <summary><c>queries</c>: how long the store takes to answer, with a year of minutes in it.</summary>
internal static class QueriesCommand
{
    private static readonly (string Name, Granularity Granularity, int Days, string TimeZone)[] Questions =
    [
        ("24 h by minute", Granularity.Minute, 1, "UTC"),
        ("a year by day", Granularity.Day, 365, "UTC"),
        ("a year by day, +05:30", Granularity.Day, 365, "Asia/Kolkata"),
    ];

    /// <summary>The command.</summary>
    public static Command Make()
    {
        var rows = new Option<long>("--rows") { Description = "Minute rows in the store.", DefaultValueFactory = _ => 10_000_000 }
            .Within(1, 1_000_000_000);
        var ads = new Option<int>("--ads") { Description = "Number of ads.", DefaultValueFactory = _ => 1_000 }
            .Within(1, 1_000_000);
        var samples = new Option<int>("--samples") { Description = "Answers of each kind.", DefaultValueFactory = _ => 1_000 }
            .Within(1, 10_000_000);
        var folder = GatewayOptions.Folder();
        var seed = new Option<ulong>("--seed") { Description = "Draws who was clicked when, and who is asked about.", DefaultValueFactory = _ => 1 };
        var json = new Option<bool>("--json") { Description = "Print the report as JSON." };
        var command = new Command("queries", "Fill a metrics store with a year of minutes, then time its answers with 1 and 8 readers, at rest and while flushes run.")
        {
            rows, ads, samples, folder, seed, json,
        };
        command.SetAction(parsed => InlineSockets.RunBesideAsync(async () =>
        {
            using var temporary = new TemporaryFolder(parsed.GetValue(folder));
            var store = SqliteMetricsStore.Open(Path.Combine(temporary.Path, "metrics.db"), TimeProvider.System);
            await using (store)
            {
                var year = await YearOfCounts.FillAsync(store, parsed.GetValue(rows), parsed.GetValue(ads), parsed.GetValue(seed), Console.Error);
                var written = year.Rows;
                var timings = new List<QueryTiming>();
                foreach (var isFlushing in (bool[])[false, true])
                {
                    foreach (var readers in (int[])[1, 8])
                    {
                        timings.AddRange(await MeasureAsync(store, year, readers, isFlushing, parsed.GetValue(samples), parsed.GetValue(seed)));
                    }
                }

                ReportJson.Print(new QueryReport(written, parsed.GetValue(ads), timings), parsed.GetValue(json));
            }

            return 0;
        }));
        return command;
    }

    private static async Task<List<QueryTiming>> MeasureAsync(
        SqliteMetricsStore store, YearOfCounts year, int readers, bool isFlushing, int samples, ulong seed)
    {
        using var stop = new CancellationTokenSource();
        var flushing = isFlushing ? FlushAsync(store, year, stop.Token) : Task.CompletedTask;
        var timings = new List<QueryTiming>();
        foreach (var (name, granularity, days, timeZone) in Questions)
        {
            var histogram = new LatencyHistogram();
            await Task.WhenAll(Enumerable.Range(0, readers).Select(reader => AskAsync(new SeededRandom(seed + (ulong)reader), samples / readers)));
            timings.Add(new QueryTiming(name, readers, isFlushing, Percentiles.Of(histogram)));

            async Task AskAsync(SeededRandom random, int count)
            {
                for (var i = 0; i < count; i++)
                {
                    var started = Stopwatch.GetTimestamp();
                    var report = await store.QueryAsync(
                        new ClickQuery
                        {
                            AdId = year.AdIds[random.NextInt(year.AdIds.Count)],
                            From = year.End.AddDays(-days),
                            To = year.End,
                            Granularity = granularity,
                            TimeZone = timeZone,
                        },
                        stop.Token);
                    lock (histogram)
                    {
                        histogram.Record(Stopwatch.GetElapsedTime(started));
                    }

                    if (report.Total.Clicks == 0)
                    {
                        throw new InvalidOperationException($"{name}: the answer is empty.");
                    }
                }
            }
        }

        await stop.CancelAsync();
        await flushing;
        return timings;
    }

    // As many rows a second as 10,000 clicks/s over a hundred thousand ads touch, and the rollup job as a node runs it.
    private static async Task FlushAsync(SqliteMetricsStore store, YearOfCounts year, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await year.FlushLiveAsync();
            await store.RecomputeRollupsAsync(5_000, CancellationToken.None);
            await Task.Delay(TimeSpan.FromMilliseconds(250), stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}

/// <summary>How long one kind of question took.</summary>
/// <param name="Question">The question.</param>
/// <param name="Readers">How many asked at once.</param>
/// <param name="IsFlushing">Whether counts were written meanwhile.</param>
/// <param name="Latency">Time to the answer.</param>
internal sealed record QueryTiming(string Question, int Readers, bool IsFlushing, Percentiles Latency);

/// <summary>What the queries have shown.</summary>
/// <param name="Rows">Minute rows in the store.</param>
/// <param name="Ads">Number of ads.</param>
/// <param name="Timings">Times of all kinds of questions.</param>
internal sealed record QueryReport(long Rows, int Ads, IReadOnlyList<QueryTiming> Timings)
{
    /// <inheritdoc/>
    public override string ToString() => string.Join(
        '\n',
        [
            string.Create(CultureInfo.InvariantCulture, $"queries     {Rows:N0} minute rows of {Ads:N0} ads"),
            .. Timings.Select(timing => string.Create(
                CultureInfo.InvariantCulture,
                $"{timing.Question,-22} {timing.Readers} readers{(timing.IsFlushing ? ", flushing" : ""),-10}  {timing.Latency}")),
        ]);
}
