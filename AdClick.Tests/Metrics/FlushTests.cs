using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Metrics;

public sealed class FlushTests
{
    private static readonly int Minute = TestStore.Minute("2026-11-24T01:02Z");

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task Counts_only_grow(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        await file.FlushAsync(Count(5));
        await file.FlushAsync(Count(3));
        Assert.Equal(5, await file.ClicksAsync("a1"));

        await file.FlushAsync(Count(7));
        Assert.Equal(7, await file.ClicksAsync("a1"));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task Every_part_of_a_counter_s_key_tells_counters_apart(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        await file.FlushAsync(
            new("a1", 0, Minute, ClickOutcome.Accepted, 1),
            new("a1", 63, Minute, ClickOutcome.Accepted, 10),
            new("a1", 0, Minute + 1, ClickOutcome.Accepted, 100),
            new("a2", 0, Minute, ClickOutcome.Accepted, 1000),
            new("a1", 0, Minute, ClickOutcome.Duplicate, 1),
            new("a1", 0, Minute, ClickOutcome.Repeat, 9),
            new("a1", 0, Minute, ClickOutcome.Bot, 2),
            new("a1", 0, Minute, ClickOutcome.Expired, 3),
            new("a1", 63, Minute, ClickOutcome.InactiveAd, 4));
        var report = await file.AskAsync("a1", "2026-11-24T01:00Z", "2026-11-24T02:00Z");

        Assert.Equal(new ClickTotals(111, 1, 0, 2, 3, 4), report.Total);
        Assert.Equal(new ClickTotals(11, 1, 0, 2, 3, 4), report.Series[0].Totals);
        Assert.Equal(100, report.Series[1].Totals.Clicks);
        Assert.Equal(
            8, await file.ReadAsync($"SELECT count(*) FROM {file.MinuteRows} WHERE ad_id = 'a1' AND minute >= {Minute} AND sub_shard IN (0, 63)"));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task The_largest_keys_are_stored(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        await file.FlushAsync(new MinuteCount("a1", 63, (1 << 27) - 1, ClickOutcome.InactiveAd, long.MaxValue));

        Assert.Equal(
            long.MaxValue, await file.ReadAsync("SELECT clicks FROM click_minute WHERE minute = 134217727 AND sub_shard = 63 AND outcome = 6"));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task What_the_keys_cannot_hold_is_refused(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        foreach (var count in (MinuteCount[])[
            new("a1", 64, Minute, ClickOutcome.Accepted, 1),
            new("a1", -1, Minute, ClickOutcome.Accepted, 1),
            new("a1", 0, 1 << 27, ClickOutcome.Accepted, 1),
            new("a1", 0, -1, ClickOutcome.Accepted, 1),
            new("a1", 0, Minute, ClickOutcome.Late, 1),
            new("a1", 0, Minute, (ClickOutcome)7, 1),
            new("a1", 0, Minute, ClickOutcome.Accepted, -1),
            new("a/1", 0, Minute, ClickOutcome.Accepted, 1)])
        {
            await Assert.ThrowsAsync<ArgumentException>(() => file.FlushAsync(count));
        }
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task Late_clicks_are_counted_once_and_by_their_outcome(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        var late = file.Late("a1", "2026-11-24T01:02Z");
        LateClick[] clicks =
            [late, file.Late("a1", "2026-11-24T01:02Z", ClickOutcome.Bot), file.Late("a1", "2026-11-24T01:03Z", ClickOutcome.Repeat)];
        await file.Store.FlushAsync(file.FlushOf(Count(1)) with { LateClicks = clicks }, default);
        await file.Store.FlushAsync(file.FlushOf() with { LateClicks = clicks }, default);

        var report = await file.AskAsync("a1", "2026-11-24T01:00Z", "2026-11-24T02:00Z");
        Assert.Equal(new ClickTotals(1, 0, 1, 1, 0, 0), report.Total);
        Assert.Equal(3, await file.ReadAsync("SELECT count(*) FROM late_clicks"));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task Rejected_records_are_kept_once(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        var rejected = new RejectedRecord(17, "The record is cut off.", [1, 2, 3]);
        await file.Store.FlushAsync(file.FlushOf() with { Rejected = [rejected, new RejectedRecord(18, "It is empty.", [])] }, default);
        await file.Store.FlushAsync(file.FlushOf() with { Rejected = [rejected] }, default);

        Assert.Equal(2, await file.ReadAsync("SELECT count(*) FROM rejected"));
        Assert.Equal(
            1, await file.ReadAsync("SELECT count(*) FROM rejected WHERE \"offset\" = 17 AND length(record) = 3 AND reason LIKE '%cut off%'"));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task Progress_never_goes_down_and_lateness_is_the_owner_s(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        await file.Store.FlushAsync(file.FlushOf() with { Progress = Row(100, 90, 5_000, 3_600_000, 7) }, default);
        await file.Store.FlushAsync(file.FlushOf() with { Progress = Row(50, 40, 4_000, 60_000, 3) }, default);

        var row = Assert.Single(await file.Store.ReadProgressAsync(file.Log.Epoch, default));
        Assert.Equal((100, 90, 5_000, 60_000, 7), (row.FlushedOffset, row.CheckpointOffset, row.ClockMs, row.AllowedLatenessMs, row.PurgeBelow));

        PartitionProgress Row(long flushed, long checkpoint, long clock, long lateness, long purge) => file.Progress() with
        {
            FlushedOffset = flushed,
            CheckpointOffset = checkpoint,
            ClockMs = clock,
            AllowedLatenessMs = lateness,
            PurgeBelow = purge,
        };
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task A_gateway_s_mark_is_replaced_by_a_newer_one_only(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        await Flush(new GatewayMark("g1", 1000, 900), new GatewayMark("g2", 1000, 1000));
        await Flush(new GatewayMark("g1", 2000, 950));
        await Flush(new GatewayMark("g1", 1500, 1500));

        var row = Assert.Single(await file.Store.ReadProgressAsync(file.Log.Epoch, default));
        Assert.Equal([new GatewayMark("g1", 2000, 950), new GatewayMark("g2", 1000, 1000)], row.Marks);

        Task Flush(params GatewayMark[] marks) =>
            file.Store.FlushAsync(file.FlushOf() with { Progress = file.Progress() with { Marks = marks } }, default);
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task A_stale_owner_writes_nothing(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        await file.FlushAsync(Count(1));
        var before = Assert.Single(await file.Store.ReadProgressAsync(file.Log.Epoch, default));
        await file.Store.AcquireAsync(file.Log, 0, default);

        var stale = new PartitionFlush
        {
            Progress = file.Progress(clockMs: 99) with { Marks = [new GatewayMark("g", 1, 1)], PurgeBelow = 9 },
            Counts = [Count(100), new MinuteCount("a-new", 0, Minute, ClickOutcome.Accepted, 1)],
            LateClicks = [file.Late("a1", "2026-11-24T01:02Z")],
            Rejected = [new RejectedRecord(1, "No.", [1])],
        };
        var refusal = await Assert.ThrowsAsync<StaleOwnerException>(() => file.Store.FlushAsync(stale, default));

        Assert.Contains("owner epoch 2", refusal.Message, StringComparison.Ordinal);
        var after = Assert.Single(await file.Store.ReadProgressAsync(file.Log.Epoch, default));
        Assert.Empty(after.Marks);
        Assert.Equal(before with { OwnerEpoch = 2, Marks = [] }, after with { Marks = [] });
        Assert.Equal(1, await file.ClicksAsync("a1"));
        Assert.Equal(0, await file.ReadAsync(
            "SELECT (SELECT count(*) FROM late_clicks) + (SELECT count(*) FROM rejected) + (SELECT count(*) FROM ad_ids WHERE ad_id <> 'a1')"));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task A_flush_that_is_cancelled_before_its_turn_is_not_written(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => file.Store.FlushAsync(file.FlushOf(Count(1)), cancelled.Token));
        Assert.Equal(0, await file.ClicksAsync("a1"));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task What_was_flushed_is_there_after_a_restart(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        await file.FlushAsync(Count(5));
        await file.ReopenAsync();
        Assert.Equal(5, await file.ClicksAsync("a1"));

        await file.FlushAsync(Count(6), Count(2) with { AdId = "a2" });
        Assert.Equal(6, await file.ClicksAsync("a1"));
        Assert.Equal(2, await file.ClicksAsync("a2"));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task A_closed_store_says_so(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        await file.CloseAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => file.FlushAsync(Count(1)));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => file.Catalogue.FindAdAsync("a", default));
    }

    private static MinuteCount Count(long clicks) => new("a1", 0, Minute, ClickOutcome.Accepted, clicks);
}
