using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Sqlite;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Metrics.Sqlite;

public sealed class SqliteFlushTests : IAsyncLifetime
{
    private static readonly int Minute = SqliteStoreFile.Minute("2026-11-24T01:02Z");

    private SqliteStoreFile _file = null!;

    public async Task InitializeAsync() => _file = await SqliteStoreFile.OpenAsync();

    public async Task DisposeAsync() => await _file.DisposeAsync();

    [Fact]
    public async Task Counts_only_grow()
    {
        await _file.FlushAsync(Count(5));
        await _file.FlushAsync(Count(3));
        Assert.Equal(5, await _file.ClicksAsync("a1"));

        await _file.FlushAsync(Count(7));
        Assert.Equal(7, await _file.ClicksAsync("a1"));
    }

    [Fact]
    public async Task Every_part_of_a_counter_s_key_tells_counters_apart()
    {
        await _file.FlushAsync(
            new("a1", 0, Minute, ClickOutcome.Accepted, 1),
            new("a1", 63, Minute, ClickOutcome.Accepted, 10),
            new("a1", 0, Minute + 1, ClickOutcome.Accepted, 100),
            new("a2", 0, Minute, ClickOutcome.Accepted, 1000),
            new("a1", 0, Minute, ClickOutcome.Duplicate, 1),
            new("a1", 0, Minute, ClickOutcome.Repeat, 9),
            new("a1", 0, Minute, ClickOutcome.Bot, 2),
            new("a1", 0, Minute, ClickOutcome.Expired, 3),
            new("a1", 63, Minute, ClickOutcome.InactiveAd, 4));
        var report = await _file.AskAsync("a1", "2026-11-24T01:00Z", "2026-11-24T02:00Z");

        Assert.Equal(new ClickTotals(111, 1, 0, 2, 3, 4), report.Total);
        Assert.Equal(new ClickTotals(11, 1, 0, 2, 3, 4), report.Series[0].Totals);
        Assert.Equal(100, report.Series[1].Totals.Clicks);
        Assert.Equal(
            8, await _file.ReadAsync($"SELECT count(*) FROM click_minute WHERE ad_id = 'a1' AND minute >= {Minute} AND sub_shard IN (0, 63)"));
    }

    [Fact]
    public async Task The_largest_keys_are_stored()
    {
        await _file.FlushAsync(new MinuteCount("a1", 63, (1 << 27) - 1, ClickOutcome.InactiveAd, long.MaxValue));

        Assert.Equal(
            long.MaxValue, await _file.ReadAsync("SELECT clicks FROM click_minute WHERE minute = 134217727 AND sub_shard = 63 AND outcome = 6"));
    }

    [Fact]
    public async Task What_the_keys_cannot_hold_is_refused()
    {
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
            await Assert.ThrowsAsync<ArgumentException>(() => _file.FlushAsync(count));
        }
    }

    [Fact]
    public async Task Late_clicks_are_counted_once_and_by_their_outcome()
    {
        var late = _file.Late("a1", "2026-11-24T01:02Z");
        LateClick[] clicks =
            [late, _file.Late("a1", "2026-11-24T01:02Z", ClickOutcome.Bot), _file.Late("a1", "2026-11-24T01:03Z", ClickOutcome.Repeat)];
        await _file.Store.FlushAsync(_file.FlushOf(Count(1)) with { LateClicks = clicks }, default);
        await _file.Store.FlushAsync(_file.FlushOf() with { LateClicks = clicks }, default);

        var report = await _file.AskAsync("a1", "2026-11-24T01:00Z", "2026-11-24T02:00Z");
        Assert.Equal(new ClickTotals(1, 0, 1, 1, 0, 0), report.Total);
        Assert.Equal(3, await _file.ReadAsync("SELECT count(*) FROM late_clicks"));
    }

    [Fact]
    public async Task Rejected_records_are_kept_once()
    {
        var rejected = new RejectedRecord(17, "The record is cut off.", [1, 2, 3]);
        await _file.Store.FlushAsync(_file.FlushOf() with { Rejected = [rejected, new RejectedRecord(18, "It is empty.", [])] }, default);
        await _file.Store.FlushAsync(_file.FlushOf() with { Rejected = [rejected] }, default);

        Assert.Equal(2, await _file.ReadAsync("SELECT count(*) FROM rejected"));
        Assert.Equal(
            1, await _file.ReadAsync("SELECT count(*) FROM rejected WHERE \"offset\" = 17 AND record = x'010203' AND reason LIKE '%cut off%'"));
    }

    [Fact]
    public async Task Progress_never_goes_down_and_lateness_is_the_owner_s()
    {
        await _file.Store.FlushAsync(_file.FlushOf() with { Progress = Row(100, 90, 5_000, 3_600_000, 7) }, default);
        await _file.Store.FlushAsync(_file.FlushOf() with { Progress = Row(50, 40, 4_000, 60_000, 3) }, default);

        var row = Assert.Single(await _file.Store.ReadProgressAsync(_file.Log.Epoch, default));
        Assert.Equal((100, 90, 5_000, 60_000, 7), (row.FlushedOffset, row.CheckpointOffset, row.ClockMs, row.AllowedLatenessMs, row.PurgeBelow));

        PartitionProgress Row(long flushed, long checkpoint, long clock, long lateness, long purge) => _file.Progress() with
        {
            FlushedOffset = flushed,
            CheckpointOffset = checkpoint,
            ClockMs = clock,
            AllowedLatenessMs = lateness,
            PurgeBelow = purge,
        };
    }

    [Fact]
    public async Task A_gateway_s_mark_is_replaced_by_a_newer_one_only()
    {
        await Flush(new GatewayMark("g1", 1000, 900), new GatewayMark("g2", 1000, 1000));
        await Flush(new GatewayMark("g1", 2000, 950));
        await Flush(new GatewayMark("g1", 1500, 1500));

        var row = Assert.Single(await _file.Store.ReadProgressAsync(_file.Log.Epoch, default));
        Assert.Equal([new GatewayMark("g1", 2000, 950), new GatewayMark("g2", 1000, 1000)], row.Marks);

        Task Flush(params GatewayMark[] marks) =>
            _file.Store.FlushAsync(_file.FlushOf() with { Progress = _file.Progress() with { Marks = marks } }, default);
    }

    [Fact]
    public async Task A_stale_owner_writes_nothing()
    {
        await _file.FlushAsync(Count(1));
        var before = Assert.Single(await _file.Store.ReadProgressAsync(_file.Log.Epoch, default));
        await _file.Store.AcquireAsync(_file.Log, 0, default);

        var stale = new PartitionFlush
        {
            Progress = _file.Progress(clockMs: 99) with { Marks = [new GatewayMark("g", 1, 1)], PurgeBelow = 9 },
            Counts = [Count(100), new MinuteCount("a-new", 0, Minute, ClickOutcome.Accepted, 1)],
            LateClicks = [_file.Late("a1", "2026-11-24T01:02Z")],
            Rejected = [new RejectedRecord(1, "No.", [1])],
        };
        var refusal = await Assert.ThrowsAsync<StaleOwnerException>(() => _file.Store.FlushAsync(stale, default));

        Assert.Contains("owner epoch 2", refusal.Message, StringComparison.Ordinal);
        var after = Assert.Single(await _file.Store.ReadProgressAsync(_file.Log.Epoch, default));
        Assert.Empty(after.Marks);
        Assert.Equal(before with { OwnerEpoch = 2, Marks = [] }, after with { Marks = [] });
        Assert.Equal(1, await _file.ClicksAsync("a1"));
        Assert.Equal(0, await _file.ReadAsync(
            "SELECT (SELECT count(*) FROM late_clicks) + (SELECT count(*) FROM rejected) + (SELECT count(*) FROM ad_ids WHERE ad_id <> 'a1')"));
    }

    [Fact]
    public async Task Of_flushes_that_share_a_transaction_a_stale_one_fails_alone()
    {
        await using var file = await SqliteStoreFile.OpenAsync(partitions: 8);
        await file.Store.AcquireAsync(file.Log, 3, default);
        var release = await file.HoldWriterAsync();
        Task[] flushes =
        [
            .. Enumerable.Range(0, 8).Select(partition => file.Store.FlushAsync(
                file.FlushOf(Count(1) with { AdId = $"a{partition}" }) with { Progress = file.Progress(partition) }, default)),
        ];
        await release();

        for (var partition = 0; partition < 8; partition++)
        {
            if (partition == 3)
            {
                await Assert.ThrowsAsync<StaleOwnerException>(() => flushes[3]);
            }
            else
            {
                await flushes[partition];
            }

            Assert.Equal(partition == 3 ? 0 : 1, await file.ClicksAsync($"a{partition}"));
        }
    }

    [Fact]
    public async Task A_flush_that_fails_in_the_middle_leaves_nothing_and_takes_nobody_along()
    {
        await using var file = await SqliteStoreFile.OpenAsync(partitions: 2);
        await file.SqlAsync("CREATE TRIGGER fail BEFORE INSERT ON rejected BEGIN SELECT RAISE(ABORT, 'in the middle'); END");
        var bad = file.FlushOf(Count(5)) with
        {
            Progress = file.Progress(0, clockMs: 77),
            LateClicks = [file.Late("a2", "2026-11-24T01:02Z")],
            Rejected = [new RejectedRecord(1, "No.", [1])],
        };
        var release = await file.HoldWriterAsync();
        var failing = file.Store.FlushAsync(bad, default);
        var other = file.Store.FlushAsync(file.FlushOf(Count(1) with { AdId = "a9" }) with { Progress = file.Progress(1) }, default);
        await release();
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => failing);
        await other;

        Assert.Contains("in the middle", failure.Message, StringComparison.Ordinal);
        Assert.Equal(0, await file.ClicksAsync("a1"));
        Assert.Equal(1, await file.ClicksAsync("a9"));
        Assert.Equal(0, await file.ReadAsync("SELECT count(*) FROM late_clicks"));
        var row = (await file.Store.ReadProgressAsync(file.Log.Epoch, default))[0];
        Assert.Equal((0, 0), (row.FlushedOffset, row.ClockMs));

        // The numbers that the ads were given were taken back too: the same flush gets through when the cause is gone.
        await file.SqlAsync("DROP TRIGGER fail");
        await file.Store.FlushAsync(bad, default);
        Assert.Equal(5, await file.ClicksAsync("a1"));
        Assert.Equal(1, (await file.AskAsync("a2", "2026-11-24T01:00Z", "2026-11-24T02:00Z")).Total.Late);
    }

    [Fact]
    public async Task A_flush_that_is_cancelled_before_its_turn_is_not_written()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _file.Store.FlushAsync(_file.FlushOf(Count(1)), cancelled.Token));
        Assert.Equal(0, await _file.ClicksAsync("a1"));
    }

    [Fact]
    public async Task What_was_flushed_is_there_after_a_restart()
    {
        await _file.FlushAsync(Count(5));
        await _file.ReopenAsync();
        Assert.Equal(5, await _file.ClicksAsync("a1"));

        await _file.FlushAsync(Count(6), Count(2) with { AdId = "a2" });
        Assert.Equal(6, await _file.ClicksAsync("a1"));
        Assert.Equal(2, await _file.ClicksAsync("a2"));
    }

    [Fact]
    public async Task A_closed_store_says_so()
    {
        await using var file = await SqliteStoreFile.OpenAsync();
        await file.Store.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => file.FlushAsync(Count(1)));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => file.Store.FindAdAsync("a", default));
    }

    private static MinuteCount Count(long clicks) => new("a1", 0, Minute, ClickOutcome.Accepted, clicks);
}
