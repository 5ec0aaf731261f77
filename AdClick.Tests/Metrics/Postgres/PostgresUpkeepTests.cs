using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Postgres;
using AdClick.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace AdClick.Tests.Metrics.Postgres;

public sealed class PostgresUpkeepTests
{
    private static readonly TimeSpan TenDays = TimeSpan.FromDays(10);

    [Theory, OnPostgres, OnTimescale]
    public async Task Days_are_made_before_anybody_clicks_in_them(StoreKind kind)
    {
        var time = new FakeTimeProvider(DateTimeOffset.Parse("2026-11-24T12:00Z", null));
        await using var store = await PostgresTestStore.OpenAsync(kind, time: time);
        Assert.Equal(0, await store.Store.UpkeepAsync(null, default));
        await store.Store.UpkeepAsync(null, default);

        var today = TestStore.Minute("2026-11-24T00:00Z") / 1440;
        Assert.Equal((today * 3) + 3, await store.ReadAsync("SELECT sum(day) FROM click_days"));
        if (kind == StoreKind.Postgres)
        {
            Assert.Equal(3, await store.ReadAsync("SELECT count(*) FROM pg_inherits WHERE inhparent = 'click_minute'::regclass"));
        }
    }

    [Theory, OnTimescale]
    public async Task The_apache_edition_is_not_asked_to_compress(StoreKind kind)
    {
        await using var store = await PostgresTestStore.OpenAsync(kind);
        await store.Store.UpkeepAsync(null, default);

        Assert.Equal(1, await store.ReadAsync("SELECT count(*) FROM pg_settings WHERE name = 'timescaledb.license' AND setting = 'apache'"));
        Assert.Equal(0, await store.ReadAsync("SELECT count(*) FROM pg_proc WHERE proname = 'click_minute_now'"));
    }

    [Theory, OnPostgres, OnTimescale]
    public async Task Minutes_beyond_the_retention_go_and_their_rollups_stay_exact(StoreKind kind)
    {
        await using var store = await PostgresTestStore.OpenAsync(kind, partitions: 2);
        var old = new MinuteCount("a1", 0, TestStore.Minute("2026-11-01T01:02Z"), ClickOutcome.Accepted, 5);
        var kept = new MinuteCount("a1", 0, TestStore.Minute("2026-11-20T01:02Z"), ClickOutcome.Accepted, 7);
        await store.FlushAsync(old, kept);
        await store.SetClockAsync("2026-11-24T12:00Z");

        await store.Store.UpkeepAsync(TenDays, default);
        await store.Store.UpkeepAsync(TenDays, default);
        Assert.Equal(2, await store.ReadAsync("SELECT count(*) FROM click_minute")); // not before they are rolled up

        await store.RollUpAllAsync();
        Assert.Equal(0, await store.Store.UpkeepAsync(TenDays, default)); // lets go of them
        Assert.Equal(1, await store.Store.UpkeepAsync(TenDays, default)); // drops them
        Assert.Equal(1, await store.ReadAsync("SELECT count(*) FROM click_minute"));
        Assert.Equal(12, await store.ClicksAsync("a1"));

        // A replay brings nothing new; late clicks are added to the rollups, once.
        LateClick[] late =
        [
            store.Late("a1", "2026-11-01T01:02Z"),
            store.Late("a1", "2026-11-01T02:02Z", ClickOutcome.Bot),
            store.Late("a1", "2026-11-01T02:03Z", ClickOutcome.Repeat),
            store.Late("a3", "2026-11-02T02:02Z"),
        ];
        for (var i = 0; i < 2; i++)
        {
            await store.Store.FlushAsync(store.FlushOf(old) with { LateClicks = late }, default);
            await store.RollUpAllAsync();
            foreach (var granularity in (Granularity[])[Granularity.QuarterHour, Granularity.Hour, Granularity.Day])
            {
                var report = await store.AskAsync("a1", "2026-11-01T00:00Z", "2026-11-25T00:00Z", granularity);
                Assert.Equal(new ClickTotals(12, 0, 1, 1, 0, 0), report.Total);
                Assert.Equal(1, (await store.AskAsync("a3", "2026-11-02T00:00Z", "2026-11-03T00:00Z", granularity)).Total.Late);
            }
        }

        Assert.Equal(1, await store.ReadAsync("SELECT count(*) FROM click_minute"));
        var refusal = await Assert.ThrowsAsync<MinutesNotKeptException>(() => store.AskAsync("a1", "2026-11-01T01:00Z", "2026-11-01T02:00Z"));
        Assert.Contains("2026-11-14T00:00Z", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(7, (await store.AskAsync("a1", "2026-11-20T01:00Z", "2026-11-20T02:00Z")).Total.Clicks);
    }

    [Theory, OnPostgres, OnTimescale]
    public async Task A_partition_that_stands_still_keeps_the_minutes_that_it_may_still_count(StoreKind kind)
    {
        await using var store = await PostgresTestStore.OpenAsync(kind, partitions: 2);
        await store.FlushAsync(new MinuteCount("a1", 0, TestStore.Minute("2026-11-01T01:02Z"), ClickOutcome.Accepted, 5));
        var clockMs = DateTimeOffset.Parse("2026-11-24T00:00Z", null).ToUnixTimeMilliseconds();
        await store.Store.FlushAsync(store.FlushOf() with { Progress = store.Progress(0, clockMs: clockMs) }, default);
        await store.RollUpAllAsync();
        await store.Store.UpkeepAsync(TenDays, default);
        await store.Store.UpkeepAsync(TenDays, default);

        Assert.Equal(1, await store.ReadAsync("SELECT count(*) FROM click_minute"));
        var behind = store.FlushOf(new MinuteCount("a2", 0, TestStore.Minute("2026-11-01T01:02Z"), ClickOutcome.Accepted, 9));
        await store.Store.FlushAsync(behind with { Progress = store.Progress(1) }, default);
        Assert.Equal(9, await store.ClicksAsync("a2"));
    }

    [Theory, OnPostgres]
    public async Task Too_short_a_retention_is_refused(StoreKind kind)
    {
        await using var store = await PostgresTestStore.OpenAsync(kind);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => store.Store.UpkeepAsync(TimeSpan.FromDays(7), default));
    }

    [Theory, OnPostgres, OnTimescale]
    public async Task While_one_node_rolls_up_another_leaves_it_to_it(StoreKind kind)
    {
        await using var store = await PostgresTestStore.OpenAsync(kind);
        await using var other = store.Connect();
        await store.FlushAsync(new MinuteCount("a1", 0, TestStore.Minute("2026-11-01T01:02Z"), ClickOutcome.Accepted, 5));
        await store.SetClockAsync("2026-11-24T00:00Z");
        Assert.True(await store.Store.RecomputeRollupsAsync(1, default) > 0); // closes the quarters, rolls one up
        await store.Store.RunAsync(async session =>
        {
            await PostgresRollups.RunAsync(session, 1);
            Assert.Equal(0, await other.RecomputeRollupsAsync(10, default));
            return true;
        });
    }
}
