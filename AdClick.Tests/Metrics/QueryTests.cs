using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Metrics;

public sealed class QueryTests
{
    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task Empty_buckets_are_left_out_unless_asked_for(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        await file.FlushAsync(Accepted("a1", "2026-11-24T01:02Z", 2), Accepted("a1", "2026-11-24T01:04Z", 3));
        var query = TestStore.Ask("a1", "2026-11-24T01:01Z", "2026-11-24T01:06Z");

        var report = await file.Store.QueryAsync(query, default);
        Assert.Equal(["01:02 2", "01:04 3"], Show(report.Series));
        Assert.Equal(5, report.Total.Clicks);
        Assert.Equal((query.From, query.To), (report.From, report.To));
        var filled = await file.Store.QueryAsync(query with { FillZero = true }, default);
        Assert.Equal(["01:01 0", "01:02 2", "01:03 0", "01:04 3", "01:05 0"], Show(filled.Series));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task A_range_without_length_has_an_empty_series(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        await file.FlushAsync(Accepted("a1", "2026-11-24T01:02Z", 2));
        var query = TestStore.Ask("a1", "2026-11-24T01:02Z", "2026-11-24T01:02Z") with { FillZero = true };

        var report = await file.Store.QueryAsync(query, default);
        Assert.Empty(report.Series);
        Assert.Equal(default, report.Total);
        Assert.Empty((await file.Store.QueryAsync(query with { AdId = null, AdvertiserId = "v1", GroupByAd = true }, default)).Groups!);
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task An_ad_that_nobody_knows_has_no_clicks(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);

        var query = TestStore.Ask("nobody", "2026-11-24T01:02Z", "2026-11-24T01:04Z") with { FillZero = true };
        var report = await file.Store.QueryAsync(query, default);
        Assert.Equal(2, report.Series.Count);
        Assert.Equal(default, report.Total);
        Assert.Equal(DateTimeOffset.UnixEpoch, report.CompleteThrough);
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task Days_of_23_and_25_hours_hold_the_clicks_of_their_date(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        await file.FlushAsync(
            Accepted("a1", "2026-03-28T22:59Z", 1), // 23:59 on the 28th in Berlin
            Accepted("a1", "2026-03-28T23:00Z", 10), // midnight
            Accepted("a1", "2026-03-29T21:59Z", 100), // the 29th, 23 hours long, ends at 22:00Z
            Accepted("a1", "2026-03-29T22:00Z", 1000),
            Accepted("a1", "2026-10-24T22:00Z", 1),
            Accepted("a1", "2026-10-25T22:59Z", 10), // the 25th is 25 hours long
            Accepted("a1", "2026-10-25T23:00Z", 100));
        foreach (var isRolledUp in (bool[])[false, true])
        {
            var spring = await file.AskAsync("a1", "2026-03-28T00:00+01:00", "2026-03-31T00:00+02:00", Granularity.Day, "Europe/Berlin");
            Assert.Equal([("2026-03-27T23:00", 1L), ("2026-03-28T23:00", 110L), ("2026-03-29T22:00", 1000L)], Days(spring));
            var autumn = await file.AskAsync("a1", "2026-10-25T00:00+02:00", "2026-10-27T00:00+01:00", Granularity.Day, "Europe/Berlin");
            Assert.Equal([("2026-10-24T22:00", 11L), ("2026-10-25T23:00", 100L)], Days(autumn));
            await file.SetClockAsync("2026-11-24T00:00Z");
            Assert.Equal(!isRolledUp, await file.RollUpAllAsync() > 0);
        }

        static IEnumerable<(string, long)> Days(ClickReport report) =>
            report.Series.Select(bucket => (bucket.Start.ToString("yyyy-MM-ddTHH:mm", null), bucket.Totals.Clicks));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task An_advertiser_is_the_sum_of_its_ads(StoreKind kind)
    {
        await using var file = await FileWithAdvertiserAsync(kind);
        var query = Advertiser("v1");

        var report = await file.Store.QueryAsync(query, default);
        Assert.Equal(["01:02 111", "01:03 20"], Show(report.Series));
        Assert.Equal(131, report.Total.Clicks);
        Assert.Null(report.Groups);
        Assert.Equal(7, (await file.Store.QueryAsync(query with { AdvertiserId = "v2" }, default)).Total.Clicks);
        Assert.Equal(0, (await file.Store.QueryAsync(query with { AdvertiserId = "v3" }, default)).Total.Clicks);
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task Grouped_by_ad_the_largest_come_first_and_the_rest_are_others(StoreKind kind)
    {
        await using var file = await FileWithAdvertiserAsync(kind);
        var query = Advertiser("v1") with { GroupByAd = true };

        var all = await file.Store.QueryAsync(query, default);
        Assert.Equal(["a3 100", "a2 30", "a1 1"], all.Groups!.Select(group => $"{group.AdId} {group.Total.Clicks}"));
        Assert.Equal(["01:02 10", "01:03 20"], Show(all.Groups![1].Series));
        Assert.Empty(all.Series);
        Assert.Equal(default, all.Others);
        Assert.Equal(131, all.Total.Clicks);

        var top = await file.Store.QueryAsync(query with { Top = 1 }, default);
        Assert.Equal("a3", Assert.Single(top.Groups!).AdId);
        Assert.Equal(31, top.Others.Clicks);
        Assert.Equal(131, top.Total.Clicks);
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task Some_ads_of_an_advertiser_are_answered_as_if_there_were_no_others(StoreKind kind)
    {
        await using var file = await FileWithAdvertiserAsync(kind);
        var query = Advertiser("v1") with { OnlyAds = "a1,a2,b1" };

        var report = await file.Store.QueryAsync(query, default);
        Assert.Equal(["01:02 11", "01:03 20"], Show(report.Series));
        var grouped = await file.Store.QueryAsync(query with { GroupByAd = true }, default);
        Assert.Equal(["a2 30", "a1 1"], grouped.Groups!.Select(group => $"{group.AdId} {group.Total.Clicks}"));
        Assert.Equal(31, grouped.Total.Clicks);
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task Totals_come_without_buckets_and_without_their_limit(StoreKind kind)
    {
        await using var file = await FileWithAdvertiserAsync(kind);
        var to = DateTimeOffset.Parse("2026-11-24T01:00Z", null).AddMinutes(9_000);
        var query = Advertiser("v1") with { GroupByAd = true, FillZero = true, TotalsOnly = true, To = to, Top = 2 };

        var report = await file.Store.QueryAsync(query, default);
        Assert.Equal(["a3 100", "a2 30"], report.Groups!.Select(group => $"{group.AdId} {group.Total.Clicks}"));
        Assert.All(report.Groups!, group => Assert.Empty(group.Series));
        Assert.Equal((131, 1), (report.Total.Clicks, report.Others.Clicks));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task The_buckets_of_all_groups_together_are_limited(StoreKind kind)
    {
        await using var file = await FileWithAdvertiserAsync(kind);
        var to = DateTimeOffset.Parse("2026-11-24T01:00Z", null).AddMinutes(3_334);
        var query = Advertiser("v1") with { GroupByAd = true, FillZero = true, To = to };

        await Assert.ThrowsAsync<TooManyBucketsException>(() => file.Store.QueryAsync(query, default));
        Assert.Equal(2, (await file.Store.QueryAsync(query with { Top = 2 }, default)).Groups!.Count);
        Assert.Equal(3, (await file.Store.QueryAsync(query with { FillZero = false }, default)).Groups!.Count);
        await Assert.ThrowsAsync<ArgumentException>(() => file.Store.QueryAsync(query with { To = query.From.AddMinutes(10_001) }, default));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task An_advertiser_with_most_of_the_ads_gets_the_same_answer_by_another_way(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        var random = new Random(7);
        var counts = new List<MinuteCount>();
        for (var ad = 0; ad < 200; ad++)
        {
            // Every second ad; enough of them that minutes are scanned rather than sought.
            var isMine = ad % 2 == 0;
            await file.Catalogue.PutAdAsync(new Ad($"a{ad}", isMine ? "v1" : "v2", "n", "http://x", AdStatus.Active, null), default);
            for (var i = 0; i < 20; i++)
            {
                var minute = TestStore.Minute("2026-11-20T00:00Z") + (i * 400) + random.Next(400);
                counts.Add(new MinuteCount($"a{ad}", 0, minute, ClickOutcome.Accepted, i + 1));
            }
        }

        LateClick[] late = [file.Late("a4", "2026-11-22T00:07Z"), file.Late("a4", "2026-11-25T00:07Z"), file.Late("a5", "2026-11-22T00:07Z")];
        await file.Store.FlushAsync(file.FlushOf([.. counts]) with { LateClicks = late }, default);
        await file.SetClockAsync("2026-11-23T10:30Z"); // so that some quarters are rolled up, some are not
        for (var step = 0; step < 12; step++)
        {
            await file.Rollups.RecomputeRollupsAsync(101, default); // 101 ads at a time: mostly it stops in the middle of a quarter
            var query = Advertiser("v1", "2026-11-19T00:00Z", "2026-11-27T00:00Z");
            foreach (var granularity in (Granularity[])[Granularity.QuarterHour, Granularity.Day])
            {
                var report = await file.Store.QueryAsync(query with { Granularity = granularity }, default);
                Assert.Equal(new ClickTotals(21_000, 0, 2, 0, 0, 0), report.Total);
            }

            var grouped = await file.Store.QueryAsync(query with { Granularity = Granularity.Day, GroupByAd = true, Top = 5 }, default);
            Assert.Equal(["a0", "a10", "a100", "a102", "a104"], grouped.Groups!.Select(group => group.AdId));
            Assert.All(grouped.Groups!, group => Assert.Equal(210, group.Total.Clicks));
            Assert.Equal(new ClickTotals(95 * 210, 0, 2, 0, 0, 0), grouped.Others);
        }
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task Complete_is_what_every_gateway_has_handed_in_everywhere(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind, partitions: 2);
        const long Hour = TestStore.LatenessMs;

        await Flush(0, 10 * Hour, new GatewayMark("g1", 10 * Hour, (10 * Hour) - 700), new GatewayMark("g2", (10 * Hour) - 5, (10 * Hour) - 900));
        Assert.Equal(0, await CompleteThrough()); // the other partition has not said anything

        await Flush(1, (10 * Hour) + 50, new GatewayMark("g1", 10 * Hour, (10 * Hour) - 800));
        Assert.Equal((10 * Hour) - 900, await CompleteThrough());

        // g2 has not been heard in partition 0 for longer than the allowed lateness: it no longer holds the time back.
        await Flush(0, (11 * Hour) - 5, new GatewayMark("g1", 11 * Hour, (11 * Hour) - 1));
        Assert.Equal((10 * Hour) - 900, await CompleteThrough());
        await Flush(0, (11 * Hour) - 4, new GatewayMark("g1", 11 * Hour, (11 * Hour) - 1));
        Assert.Equal((10 * Hour) - 800, await CompleteThrough());

        // A gateway that has left with nothing open holds nobody back; when all have left, the last one says up to when.
        await Flush(0, (11 * Hour) + 2, new GatewayMark("g3", 11 * Hour, MarkRecord.NothingOpen));
        await Flush(1, (11 * Hour) + 2, new GatewayMark("g1", (11 * Hour) + 2, (11 * Hour) + 1), new GatewayMark("g3", 11 * Hour, MarkRecord.NothingOpen));
        Assert.Equal((11 * Hour) - 1, await CompleteThrough());
        await Flush(0, (11 * Hour) + 6, new GatewayMark("g1", (11 * Hour) + 6, MarkRecord.NothingOpen));
        await Flush(1, (11 * Hour) + 6, new GatewayMark("g1", (11 * Hour) + 5, MarkRecord.NothingOpen));
        Assert.Equal((11 * Hour) + 5, await CompleteThrough());

        Task Flush(int partition, long clockMs, params GatewayMark[] marks) => file.Store.FlushAsync(
            file.FlushOf() with { Progress = file.Progress(partition, clockMs: clockMs) with { Marks = marks } }, default);
        async Task<long> CompleteThrough() =>
            (await file.AskAsync("a1", "2026-11-24T01:00Z", "2026-11-24T02:00Z")).CompleteThrough.ToUnixTimeMilliseconds();
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task A_bucket_is_final_when_every_clock_has_passed_its_end_by_more_than_the_lateness(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind, partitions: 2);
        await file.FlushAsync(Accepted("a1", "2026-11-24T01:02Z", 1), Accepted("a1", "2026-11-24T01:03Z", 1));
        var end = DateTimeOffset.Parse("2026-11-24T01:03Z", null).ToUnixTimeMilliseconds(); // of the first bucket

        await Clock(0, end + TestStore.LatenessMs + 1);
        await Clock(1, end + TestStore.LatenessMs);
        Assert.Equal([BucketState.Live, BucketState.Live], await States());

        await Clock(1, end + TestStore.LatenessMs + 1);
        Assert.Equal([BucketState.Final, BucketState.Live], await States());

        Task Clock(int partition, long clockMs) =>
            file.Store.FlushAsync(file.FlushOf() with { Progress = file.Progress(partition, clockMs: clockMs) }, default);
        async Task<IEnumerable<BucketState>> States() =>
            (await file.AskAsync("a1", "2026-11-24T01:00Z", "2026-11-24T02:00Z")).Series.Select(bucket => bucket.State);
    }

    private static ClickQuery Advertiser(string advertiserId, string from = "2026-11-24T01:00Z", string to = "2026-11-24T02:00Z") =>
        TestStore.Ask("", from, to) with { AdId = null, AdvertiserId = advertiserId };

    private static async Task<TestStore> FileWithAdvertiserAsync(StoreKind kind)
    {
        var file = await TestStore.OpenAsync(kind);
        foreach (var (ad, advertiser) in ((string, string)[])[("a1", "v1"), ("a2", "v1"), ("a3", "v1"), ("a4", "v2"), ("quiet", "v1")])
        {
            await file.Catalogue.PutAdAsync(new Ad(ad, advertiser, "n", "http://x", AdStatus.Active, null), default);
        }

        await file.FlushAsync(
            Accepted("a1", "2026-11-24T01:02Z", 1),
            Accepted("a2", "2026-11-24T01:02Z", 10),
            Accepted("a2", "2026-11-24T01:03Z", 20),
            Accepted("a3", "2026-11-24T01:02Z", 100),
            Accepted("a4", "2026-11-24T01:02Z", 7));
        return file;
    }

    private static MinuteCount Accepted(string adId, string time, long clicks) =>
        new(adId, 0, TestStore.Minute(time), ClickOutcome.Accepted, clicks);

    private static IEnumerable<string> Show(IReadOnlyList<ClickBucket> series) =>
        series.Select(bucket => $"{bucket.Start:HH:mm} {bucket.Totals.Clicks}");
}
