using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Metrics;

public sealed class ConcurrencyTests
{
    /// <summary>
    /// Two ads get the same clicks in every flush, partly in quarters that are rolled up meanwhile. So in any one snapshot they have the same sum,
    /// whichever mixture of minutes, quarters and days it is read from; and from one snapshot to the next it never goes down.
    /// </summary>
    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task Every_answer_is_one_snapshot_while_flushes_and_rollups_go_on(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind, partitions: 2);
        foreach (var ad in (string[])["a1", "a2"])
        {
            await file.Catalogue.PutAdAsync(new Ad(ad, "v1", "n", "http://x", AdStatus.Active, null), default);
        }

        var begin = TestStore.Minute("2026-11-20T00:00Z");
        const int Span = 3 * 1440;
        const int Flushes = 120;
        using var done = new CancellationTokenSource();
        var rollups = Task.Run(async () =>
        {
            var all = 0L;
            while (!done.IsCancellationRequested)
            {
                all += await file.Rollups.RecomputeRollupsAsync(7, default);
            }

            return all;
        });
        var questions = Enumerable.Range(0, 2).Select(asker => Task.Run(async () =>
        {
            var random = new Random(asker);
            var last = 0L;
            var answers = 0;
            while (!done.IsCancellationRequested)
            {
                var report = await file.Store.QueryAsync(
                    new ClickQuery
                    {
                        AdvertiserId = "v1",
                        From = DateTimeOffset.FromUnixTimeSeconds(begin * 60L),
                        To = DateTimeOffset.FromUnixTimeSeconds((begin + Span) * 60L),
                        Granularity = (Granularity)random.Next(4),
                        TimeZone = random.Next(2) == 0 ? "UTC" : "Asia/Kathmandu",
                        GroupByAd = true,
                    },
                    default);
                if (report.Groups!.Count > 0)
                {
                    Assert.Equal(report.Groups[0].Total, report.Groups[1].Total);
                    Assert.Equal(report.Groups[0].Series, report.Groups[1].Series);
                    var series = report.Groups[0].Series;
                    Assert.Equal(report.Groups[0].Total, series.Aggregate(default(ClickTotals), (sum, bucket) => sum + bucket.Totals));
                    Assert.True(report.Total.Clicks >= last, $"{report.Total.Clicks} clicks after {last}.");
                    last = report.Total.Clicks;
                    answers++;
                }
            }

            return answers;
        })).ToArray();

        var sum = await FlushAllAsync();
        await done.CancelAsync();
        Assert.True(await rollups > 0);
        Assert.All(await Task.WhenAll(questions), answers => Assert.True(answers > 0));
        Assert.Equal(sum, await file.ClicksAsync("a1"));
        await file.RollUpAllAsync();
        Assert.Equal(sum, await file.ClicksAsync("a1"));
        Assert.Equal(sum, await file.ClicksAsync("a2"));

        async Task<long> FlushAllAsync()
        {
            var random = new Random(99);
            var counts = new Dictionary<int, long>();
            for (var i = 1; i <= Flushes; i++)
            {
                var cells = new List<MinuteCount>();
                foreach (var minute in Enumerable.Range(0, 20).Select(_ => begin + random.Next(Span)).Distinct())
                {
                    counts[minute] = counts.GetValueOrDefault(minute) + random.Next(1, 9);
                    cells.Add(new MinuteCount("a1", 0, minute, ClickOutcome.Accepted, counts[minute]));
                    cells.Add(new MinuteCount("a2", 1, minute, ClickOutcome.Accepted, counts[minute]));
                }

                var clockMs = (begin + (Span * (long)i / Flushes)) * 60_000;
                await file.Store.FlushAsync(file.FlushOf([.. cells]) with { Progress = file.Progress(0, clockMs: clockMs) }, default);
                await file.Store.FlushAsync(file.FlushOf() with { Progress = file.Progress(1, clockMs: clockMs) }, default);
            }

            return counts.Values.Sum();
        }
    }
}
