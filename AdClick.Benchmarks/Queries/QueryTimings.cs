using System.Diagnostics;
using AdClick.Actors.Metrics;
using AdClick.Benchmarks.Load;

namespace AdClick.Benchmarks.Queries;

/// <summary>Asks a store that has a year in it, flushes into it, and takes the time.</summary>
/// <param name="store">The store.</param>
/// <param name="year">What is in it.</param>
/// <param name="live">Its partition.</param>
/// <param name="seed">Draws who is asked about.</param>
internal sealed class QueryTimings(YearStore store, YearOfCounts year, LivePartition live, ulong seed)
{
    private const int CountsPerFlush = 50_000;
    private const int Flushes = 20;

    private static readonly Question[] Questions =
    [
        new("24 h by minute", Granularity.Minute, 1),
        new("30 days by hour", Granularity.Hour, 30),
        new("a year by day", Granularity.Day, 365),
        new("a year by day, +05:30", Granularity.Day, 365) { TimeZone = "Asia/Kolkata" },
        new("advertiser, a year by day", Granularity.Day, 365) { IsOfAdvertiser = true },
        new("advertiser, top 20 ads", Granularity.Day, 365) { IsOfAdvertiser = true, IsByAd = true },
    ];

    private readonly DateTimeOffset _end = DateTimeOffset.FromUnixTimeSeconds(live.NextMinute * 60L);

    /// <summary>All questions, while flushes and the rollup job run or not.</summary>
    /// <param name="readers">How many ask at once, without a pause.</param>
    /// <param name="isFlushing">Whether counts are written meanwhile.</param>
    /// <param name="samples">Answers of each kind about an ad; a twentieth of it about an advertiser.</param>
    public async Task<List<QueryTiming>> AskAsync(int readers, bool isFlushing, int samples)
    {
        using var stop = new CancellationTokenSource();
        var flushing = isFlushing ? FlushAsync(stop.Token) : Task.CompletedTask;
        var timings = new List<QueryTiming>();
        foreach (var question in Questions)
        {
            var histogram = new LatencyHistogram();
            var each = Math.Max(1, (question.IsOfAdvertiser ? samples / 20 : samples) / readers);
            var clicks = await Task.WhenAll(
                Enumerable.Range(0, readers).Select(reader => AskAsync(question, new SeededRandom(seed + (ulong)reader), each, histogram)));
            if (clicks.Sum() == 0)
            {
                throw new InvalidOperationException($"{question.Name}: all answers are empty.");
            }

            timings.Add(new QueryTiming(question.Name, readers, isFlushing, Percentiles.Of(histogram)));
            await Console.Error.WriteLineAsync(timings[^1].ToString());
        }

        await stop.CancelAsync();
        await flushing;
        return timings;
    }

    /// <summary>Flushes of 50,000 counts: such that are new, and the same again after they have grown. One after the other, the rollup job in between.</summary>
    public async Task<List<QueryTiming>> TimeFlushesAsync()
    {
        var (added, grown) = (new LatencyHistogram(), new LatencyHistogram());
        for (var i = 0; i < Flushes; i++)
        {
            var minute = live.NextMinute;
            for (var clicks = 1; clicks <= 2; clicks++)
            {
                var (counts, end) = year.CountsFrom(minute, 0, CountsPerFlush, clicks);
                var started = Stopwatch.GetTimestamp();
                await live.FlushAsync(counts, end);
                (clicks == 1 ? added : grown).Record(Stopwatch.GetElapsedTime(started));
            }

            await RollUpAsync();
        }

        return
        [
            new QueryTiming("flush of 50,000 new", 0, true, Percentiles.Of(added)),
            new QueryTiming("flush of 50,000 grown", 0, true, Percentiles.Of(grown)),
        ];
    }

    /// <summary>Runs the rollup job until there is nothing to do.</summary>
    public async Task RollUpAsync()
    {
        while (await store.Rollups.RecomputeRollupsAsync(store.RollupBucketsAtOnce, CancellationToken.None) > 0)
        {
            // There is more.
        }
    }

    private async Task<long> AskAsync(Question question, SeededRandom random, int count, LatencyHistogram histogram)
    {
        long clicks = 0;
        for (var i = 0; i < count; i++)
        {
            var query = new ClickQuery
            {
                AdId = question.IsOfAdvertiser ? null : year.AskedAd(random),
                AdvertiserId = question.IsOfAdvertiser ? YearOfCounts.LargeAdvertiser : null,
                From = _end.AddDays(-question.Days),
                To = _end,
                Granularity = question.Granularity,
                TimeZone = question.TimeZone,
                GroupByAd = question.IsByAd,
                Top = 20, // as many as an answer may hold for a year of days
            };
            var started = Stopwatch.GetTimestamp();
            var report = await store.Metrics.QueryAsync(query, CancellationToken.None);
            lock (histogram)
            {
                histogram.Record(Stopwatch.GetElapsedTime(started));
            }

            clicks += report.Total.Clicks;
        }

        return clicks;
    }

    // Some 2,000 rows four times a second, as many as 10,000 clicks/s over a hundred thousand ads touch, and the rollup job as a node runs it.
    private async Task FlushAsync(CancellationToken stop)
    {
        var minute = live.NextMinute;
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            var (counts, _) = year.CountsFrom(minute, i * 1_000, 2_000, 1 + i);
            await live.FlushAsync(counts, minute + 1);
            await store.Rollups.RecomputeRollupsAsync(store.RollupBucketsAtOnce, CancellationToken.None);
            await Task.Delay(TimeSpan.FromMilliseconds(250), stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private sealed record Question(string Name, Granularity Granularity, int Days)
    {
        public string TimeZone { get; init; } = "UTC";

        public bool IsOfAdvertiser { get; init; }

        public bool IsByAd { get; init; }
    }
}
