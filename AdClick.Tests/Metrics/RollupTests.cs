using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Tests.Support;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace AdClick.Tests.Metrics;

public sealed class RollupTests
{
    private static readonly string[] Zones =
        ["UTC", "Europe/London", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Monrovia"];

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task Nothing_is_rolled_up_before_the_clocks_have_passed_it_by_the_lateness(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind, partitions: 2);
        await file.FlushAsync(Accepted("a1", "2026-11-24T01:02Z", 1));
        Assert.Equal(0, await file.RollUpAllAsync());

        await file.SetClockAsync("2026-11-24T02:14:59Z");
        Assert.Equal(0, await file.RollUpAllAsync());
        await file.SetClockAsync("2026-11-24T02:15Z");
        Assert.Equal(1, await file.RollUpAllAsync());
        Assert.Equal(1, await file.ReadAsync("SELECT count(*) FROM quarter_clicks WHERE clicks = 1"));
        Assert.Equal(0, await file.ReadAsync("SELECT count(*) FROM day_clicks"));

        await file.SetClockAsync("2026-11-25T01:00Z");
        Assert.Equal(1, await file.RollUpAllAsync());
        Assert.Equal(1, await file.ReadAsync("SELECT count(*) FROM day_clicks WHERE clicks = 1"));
        Assert.Equal(0, await file.RollUpAllAsync());
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task A_partition_that_stands_still_holds_the_rollups_back_for_six_hours(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind, partitions: 2);
        await file.FlushAsync(Accepted("a1", "2026-11-24T01:02Z", 1));
        await Clock("2026-11-24T08:14:59Z");
        Assert.Equal(0, await file.RollUpAllAsync());
        await Clock("2026-11-24T08:15Z");
        Assert.Equal(1, await file.RollUpAllAsync());

        // What it adds when it comes back is marked, and counted.
        await file.Store.FlushAsync(file.FlushOf(Accepted("a2", "2026-11-24T01:02Z", 1)) with { Progress = file.Progress(1) }, default);
        Assert.Equal(1, await file.ClicksAsync("a2"));
        Assert.Equal(1, await file.RollUpAllAsync());
        Assert.Equal(1, await file.ClicksAsync("a2"));

        Task Clock(string time) => file.Store.FlushAsync(
            file.FlushOf() with { Progress = file.Progress(0, clockMs: DateTimeOffset.Parse(time, null).ToUnixTimeMilliseconds()) }, default);
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task What_changes_after_it_was_rolled_up_is_marked_read_from_minutes_and_computed_again(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        await file.FlushAsync(Accepted("a1", "2026-11-20T01:02Z", 1), Accepted("a2", "2026-11-20T01:02Z", 1));
        await file.SetClockAsync("2026-11-24T00:00Z");
        await file.RollUpAllAsync();

        await file.FlushAsync(Accepted("a1", "2026-11-20T01:02Z", 1), Accepted("a2", "2026-11-20T01:02Z", 1)); // a replay changes nothing
        Assert.Equal(0, await file.ReadAsync("SELECT count(*) FROM rollup_marks"));

        await file.Store.FlushAsync(
            file.FlushOf(Accepted("a1", "2026-11-20T01:03Z", 2)) with { LateClicks = [file.Late("a1", "2026-11-20T23:00Z")] }, default);
        Assert.Equal(2, await file.ReadAsync("SELECT count(*) FROM rollup_marks"));
        foreach (var expectedMarks in (int[])[2, 1, 0])
        {
            Assert.Equal(expectedMarks, await file.ReadAsync("SELECT count(*) FROM rollup_marks"));
            foreach (var granularity in Enum.GetValues<Granularity>())
            {
                var report = await file.AskAsync("a1", "2026-11-20T00:00Z", "2026-11-21T00:00Z", granularity);
                Assert.Equal(new ClickTotals(3, 0, 1, 0, 0, 0), report.Total);
            }

            Assert.Equal(expectedMarks > 0 ? 1 : 0, await file.Rollups.RecomputeRollupsAsync(1, default));
        }

        Assert.Equal(1, await file.ReadAsync("SELECT count(*) FROM day_clicks WHERE clicks = 3 AND late = 1"));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task A_rolled_up_bucket_is_read_from_the_rollup(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        await file.FlushAsync(Accepted("a1", "2026-11-20T01:02Z", 1));
        await file.SetClockAsync("2026-11-24T00:00Z");
        await file.RollUpAllAsync();

        // Told apart by numbers that no rollup would give.
        await file.SqlAsync("UPDATE quarter_clicks SET clicks = 20; UPDATE day_clicks SET clicks = 300");
        Assert.Equal(1, (await file.AskAsync("a1", "2026-11-20T00:00Z", "2026-11-21T00:00Z", Granularity.Minute)).Total.Clicks);
        Assert.Equal(20, (await file.AskAsync("a1", "2026-11-20T00:00Z", "2026-11-21T00:00Z", Granularity.QuarterHour)).Total.Clicks);
        Assert.Equal(20, (await file.AskAsync("a1", "2026-11-20T00:00Z", "2026-11-21T00:00Z", Granularity.Hour)).Total.Clicks);
        Assert.Equal(20, (await file.AskAsync("a1", "2026-11-20T00:00Z", "2026-11-21T00:00Z", Granularity.Hour, "Asia/Kathmandu")).Total.Clicks);
        Assert.Equal(20, (await file.AskAsync("a1", "2026-11-20T00:00Z", "2026-11-21T00:00Z", Granularity.Day, "Asia/Kathmandu")).Total.Clicks);
        Assert.Equal(300, (await file.AskAsync("a1", "2026-11-20T00:00Z", "2026-11-21T00:00Z", Granularity.Day)).Total.Clicks);
        Assert.Equal(300, (await file.AskAsync("a1", "2026-11-20T00:00Z", "2026-11-21T00:00Z", Granularity.Day, "Europe/London")).Total.Clicks);
        Assert.Equal(1, (await file.AskAsync("a1", "2026-11-20T00:00Z", "2026-11-20T02:00Z", Granularity.Minute, "Africa/Monrovia")).Total.Clicks);
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task What_is_rolled_up_for_an_advertiser_is_read_from_it_until_one_of_its_ads_is_marked(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        foreach (var ad in (string[])["a1", "a2"])
        {
            await file.Catalogue.PutAdAsync(new Ad(ad, "v1", "n", "http://x", AdStatus.Active, null), default);
        }

        await file.FlushAsync(Accepted("a1", "2026-11-20T01:02Z", 1), Accepted("a2", "2026-11-20T01:02Z", 2), Accepted("a3", "2026-11-20T01:02Z", 4));
        await file.SetClockAsync("2026-11-24T00:00Z");
        await file.RollUpAllAsync();
        Assert.Equal([3, 3, 3], await AskAsync());

        // Told apart by numbers that no rollup would give.
        await file.SqlAsync("UPDATE advertiser_quarter_clicks SET clicks = 20; UPDATE advertiser_day_clicks SET clicks = 300");
        Assert.Equal([3, 20, 300], await AskAsync());
        await file.FlushAsync(Accepted("a2", "2026-11-20T01:03Z", 8));
        Assert.Equal([11, 11, 11], await AskAsync());
        await file.RollUpAllAsync();
        Assert.Equal([11, 28, 308], await AskAsync());

        // An ad that was counted before it was known to be the advertiser's.
        await file.Catalogue.PutAdAsync(new Ad("a3", "v1", "n", "http://x", AdStatus.Active, null), default);
        Assert.Equal([15, 32, 312], await AskAsync());

        async Task<IReadOnlyList<long>> AskAsync()
        {
            var totals = new List<long>();
            foreach (var granularity in (Granularity[])[Granularity.Minute, Granularity.QuarterHour, Granularity.Day])
            {
                var query = TestStore.Ask("", "2026-11-20T00:00Z", "2026-11-21T00:00Z", granularity) with { AdId = null, AdvertiserId = "v1" };
                totals.Add((await file.Store.QueryAsync(query, default)).Total.Clicks);
            }

            return totals;
        }
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task An_offset_that_is_no_multiple_of_15_minutes_is_read_from_minutes(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        await file.FlushAsync(Accepted("a1", "1971-06-01T00:43Z", 1), Accepted("a1", "1971-06-01T00:44Z", 10)); // Monrovia was at -00:44
        await file.SetClockAsync("1971-07-01T00:00Z");
        await file.RollUpAllAsync();

        var report = await file.AskAsync("a1", "1971-06-01T00:00Z", "1971-06-01T01:00Z", Granularity.Hour, "Africa/Monrovia");
        Assert.Equal([1, 10], report.Series.Select(bucket => bucket.Totals.Clicks));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public void Whatever_is_rolled_up_the_answers_equal_those_from_the_raw_counts(StoreKind kind)
    {
        // Each run opens a store, which takes a server longer than a file.
        var runs = kind == StoreKind.Sqlite ? 30 : 8;
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed => RunAsync(kind, new Random(seed)).GetAwaiter().GetResult())
            .Check(Config.QuickThrowOnFailure.WithMaxTest(runs));
    }

    /// <summary>Flushes, late clicks, clocks and rollup steps in random order, with random questions in between, beside a plain dictionary.</summary>
    private static async Task RunAsync(StoreKind kind, Random random)
    {
        await using var file = await TestStore.OpenAsync(kind, partitions: 2);
        var begin = TestStore.Minute(random.Next(4) switch
        {
            0 => "2026-03-27T00:00Z", // Europe puts its clocks forward on the 29th
            1 => "2026-04-03T00:00Z", // Lord Howe puts them back on the 4th
            2 => "1971-12-30T00:00Z", // Monrovia at -00:44
            _ => "2026-10-23T00:00Z", // Europe puts them back on the 25th
        });
        const int Span = 4 * 1440;
        string[] ads = ["a0", "a1", "a2", "a3", "a4"];
        var catalogued = new HashSet<string>();
        async Task CatalogueAsync(string ad)
        {
            catalogued.Add(ad);
            await file.Catalogue.PutAdAsync(new Ad(ad, "v1", "n", "http://x", AdStatus.Active, null), default);
        }

        await CatalogueAsync("a0");
        await CatalogueAsync("a1");

        var counts = new Dictionary<(string Ad, int SubShard, int Minute, ClickOutcome Outcome), long>();
        var late = new Dictionary<long, LateClick>();
        var clock = begin;
        for (var step = 0; step < 40; step++)
        {
            if (random.Next(40) == 0)
            {
                await CatalogueAsync("a2"); // which may have been counted, and rolled up, before
            }

            switch (random.Next(5))
            {
                case 0 or 1:
                    var cells = new Dictionary<(string Ad, int SubShard, int Minute, ClickOutcome Outcome), long>();
                    for (var i = random.Next(60); i > 0; i--)
                    {
                        ClickOutcome[] outcomes = [.. Enum.GetValues<ClickOutcome>().Where(each => each != ClickOutcome.Late)];
                        var outcome = outcomes[random.Next(outcomes.Length)];
                        var key = (ads[random.Next(ads.Length)], random.Next(3) * 31, begin + random.Next(Span), outcome);
                        cells[key] = random.Next(1, 100);
                    }

                    foreach (var (key, clicks) in cells)
                    {
                        counts[key] = Math.Max(counts.GetValueOrDefault(key), clicks);
                    }

                    LateClick[] lateClicks =
                    [
                        .. Enumerable.Range(0, random.Next(6)).Select(_ => new LateClick(
                            random.Next(1000), ads[random.Next(ads.Length)], 0, begin + random.Next(Span), (ClickOutcome)random.Next(2, 7),
                            default, 0)).DistinctBy(click => click.Offset),
                    ];
                    foreach (var click in lateClicks)
                    {
                        late.TryAdd(click.Offset, click);
                    }

                    var minuteCounts = cells.Select(
                        cell => new MinuteCount(cell.Key.Ad, cell.Key.SubShard, cell.Key.Minute, cell.Key.Outcome, cell.Value));
                    await file.Store.FlushAsync(file.FlushOf([.. minuteCounts]) with { LateClicks = lateClicks }, default);
                    break;
                case 2:
                    clock += random.Next(Span / 4);
                    await file.SetClockAsync(DateTimeOffset.FromUnixTimeSeconds(clock * 60L).ToString("O", null));
                    break;
                default:
                    for (var steps = random.Next(12); steps > 0; steps--)
                    {
                        await file.Rollups.RecomputeRollupsAsync(random.Next(1, 9), default);
                    }

                    break;
            }

            await CheckAsync(file, RandomQuestion(random, begin, Span, ads), catalogued, counts, late.Values);
        }

        await file.RollUpAllAsync();
        await CheckAsync(file, RandomQuestion(random, begin, Span, ads), catalogued, counts, late.Values);
    }

    private static ClickQuery RandomQuestion(Random random, int begin, int span, string[] ads)
    {
        var from = begin - 300 + random.Next(span);
        var query = new ClickQuery
        {
            AdId = ads[random.Next(ads.Length)],
            From = BucketAlignment.TimeOf(from),
            To = BucketAlignment.TimeOf(from + random.Next(1, 6000)),
            Granularity = (Granularity)random.Next(4),
            TimeZone = Zones[random.Next(Zones.Length)],
            FillZero = random.Next(2) == 0,
        };
        return random.Next(3) > 0
            ? query
            : query with { AdId = null, AdvertiserId = "v1", GroupByAd = random.Next(2) == 0, FillZero = false, Top = 2 };
    }

    private static async Task CheckAsync(
        TestStore file,
        ClickQuery query,
        HashSet<string> catalogued,
        Dictionary<(string Ad, int SubShard, int Minute, ClickOutcome Outcome), long> counts,
        IReadOnlyCollection<LateClick> late)
    {
        Assert.True(BucketAlignment.TryAlign(query, out var range, out var error), error);
        var report = await file.Store.QueryAsync(query, default);
        var wanted = query.AdId is { } adId ? (string[])[adId] : [.. catalogued];
        var series = wanted.ToDictionary(ad => ad, ad => Series([ad]));
        if (query.GroupByAd)
        {
            var largest = wanted.Where(ad => series[ad].Count > 0)
                .OrderByDescending(ad => Total(series[ad]).Clicks).ThenBy(ad => ad, StringComparer.Ordinal).ToList();
            Assert.Equal(largest.Take(2), report.Groups!.Select(group => group.AdId));
            Assert.All(report.Groups!, group => Assert.Equal(series[group.AdId], group.Series.Select(Row)));
            Assert.Equal(Total(largest.Skip(2).SelectMany(ad => series[ad])), report.Others);
        }
        else
        {
            Assert.Equal(Series(wanted), report.Series.Select(Row));
        }

        Assert.Equal(Total(wanted.SelectMany(ad => series[ad])), report.Total);

        List<(DateTimeOffset Start, ClickTotals Totals)> Series(string[] of)
        {
            var sums = new ClickTotals[range.Count];
            void Add(string ad, int minute, ClickOutcome outcome, long clicks)
            {
                if (of.Contains(ad) && minute >= range.BoundaryMinutes[0] && minute < range.BoundaryMinutes[^1])
                {
                    var found = range.BoundaryMinutes.BinarySearch((long)minute);
                    sums[found >= 0 ? found : ~found - 1] += outcome switch
                    {
                        ClickOutcome.Accepted => new ClickTotals { Clicks = clicks },
                        ClickOutcome.Duplicate => new ClickTotals { Duplicates = clicks },
                        ClickOutcome.Late => new ClickTotals { Late = clicks },
                        ClickOutcome.Bot => new ClickTotals { Bot = clicks },
                        ClickOutcome.Expired => new ClickTotals { Expired = clicks },
                        ClickOutcome.InactiveAd => new ClickTotals { InactiveAd = clicks },
                        _ => default,
                    };
                }
            }

            foreach (var (key, clicks) in counts)
            {
                Add(key.Ad, key.Minute, key.Outcome, clicks);
            }

            foreach (var click in late)
            {
                Add(click.AdId, click.Minute, click.Outcome, 1);
            }

            return [.. sums.Select((totals, i) => (range.StartOf(i), totals)).Where(row => query.FillZero || row.totals != default)];
        }

        static (DateTimeOffset, ClickTotals) Row(ClickBucket bucket) => (bucket.Start, bucket.Totals);
        static ClickTotals Total(IEnumerable<(DateTimeOffset Start, ClickTotals Totals)> rows) =>
            rows.Aggregate(default(ClickTotals), (sum, row) => sum + row.Totals);
    }

    private static MinuteCount Accepted(string adId, string time, long clicks) =>
        new(adId, 0, TestStore.Minute(time), ClickOutcome.Accepted, clicks);
}
