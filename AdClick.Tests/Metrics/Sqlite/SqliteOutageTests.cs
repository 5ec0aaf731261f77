using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Sqlite;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Metrics.Sqlite;

public sealed class SqliteOutageTests
{
    private static readonly int Minute = TestStore.Minute("2026-11-24T01:02Z");

    [Fact]
    public async Task A_full_disk_leaves_nothing_half_written_and_all_goes_on_when_there_is_room()
    {
        await using var file = await SqliteStoreFile.OpenAsync();
        await file.FlushAsync(new MinuteCount("a1", 0, Minute, ClickOutcome.Accepted, 1));
        var flush = file.FlushOf([.. Enumerable.Range(0, 20_000).Select(ad => new MinuteCount($"new-{ad}", 0, Minute, ClickOutcome.Accepted, 2))]);

        // The limit belongs to the connection, which is given up after the failure: that is when there is room again.
        await file.SqlAsync($"PRAGMA max_page_count = {await file.ReadAsync("PRAGMA page_count") + 5}");
        var failure = await Assert.ThrowsAsync<MetricsStoreUnavailableException>(() => file.Store.FlushAsync(flush, default));

        Assert.Contains("full", failure.Message, StringComparison.Ordinal);
        Assert.Contains(file.File, failure.Message, StringComparison.Ordinal);
        Assert.Equal(1, await file.ReadAsync("SELECT count(*) FROM minute_cells"));
        Assert.Equal(1, await file.ReadAsync("SELECT count(*) FROM ad_ids"));
        Assert.True(Assert.Single(await file.Store.ReadProgressAsync(file.Log.Epoch, default)).FlushedOffset < flush.Progress.FlushedOffset);

        await file.Store.FlushAsync(flush, default);
        Assert.Equal(20_001, await file.ReadAsync("SELECT count(*) FROM minute_cells"));
        Assert.Equal(2, await file.ClicksAsync("new-19999"));
        Assert.Equal("ok", await file.Store.RunOnWriterAsync(database => database.ReadText("PRAGMA quick_check")));
    }

    [Fact]
    public async Task A_flush_that_finds_the_disk_full_does_not_take_a_smaller_one_along()
    {
        await using var file = await SqliteStoreFile.OpenAsync(partitions: 2);
        var large = file.FlushOf([.. Enumerable.Range(0, 20_000).Select(ad => new MinuteCount($"new-{ad}", 0, Minute, ClickOutcome.Accepted, 2))]);
        var small = file.FlushOf(new MinuteCount("a1", 0, Minute, ClickOutcome.Accepted, 1)) with { Progress = file.Progress(1) };
        var limit = await file.ReadAsync("PRAGMA page_count") + 5;
        var release = await file.HoldWriterAsync(database => database.Pragma("max_page_count", limit));
        var flushes = Task.WhenAll(file.Store.FlushAsync(large, default), file.Store.FlushAsync(small, default));
        await release();

        await flushes; // together they failed, but one by one, on a new connection without the limit, both got through
        Assert.Equal(1, await file.ClicksAsync("a1"));
        Assert.Equal(2, await file.ClicksAsync("new-7"));
    }

    [Fact]
    public async Task A_lock_of_another_process_is_waited_for_then_reported_and_outlived()
    {
        await using var file = await SqliteStoreFile.OpenAsync();
        using (var other = SqliteDatabase.Open(file.File, create: false))
        {
            other.Execute("BEGIN IMMEDIATE");
            var failure = await Assert.ThrowsAsync<MetricsStoreUnavailableException>(
                () => file.FlushAsync(new MinuteCount("a1", 0, Minute, ClickOutcome.Accepted, 1)).WaitAsync(TimeSpan.FromSeconds(30)));

            Assert.Contains("locked", failure.Message, StringComparison.Ordinal);
            Assert.Equal(0, await file.ClicksAsync("a1")); // questions don't wait for it
        }

        await file.FlushAsync(new MinuteCount("a1", 0, Minute, ClickOutcome.Accepted, 1));
        Assert.Equal(1, await file.ClicksAsync("a1"));
    }

    [Fact]
    public async Task Damage_that_shows_while_running_is_named()
    {
        await using var file = await SqliteStoreFile.OpenAsync();
        await file.FlushAsync([.. Enumerable.Range(0, 50_000).Select(i => new MinuteCount("a1", 0, Minute + i, ClickOutcome.Accepted, 2))]);
        using (var other = SqliteDatabase.Open(file.File, create: false))
        {
            other.Execute("PRAGMA wal_checkpoint(TRUNCATE)");
        }

        await using (var stream = new FileStream(file.File, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            stream.Position = 40 * 4096;
            await stream.WriteAsync(Enumerable.Repeat((byte)0xa5, (int)stream.Length - (40 * 4096)).ToArray());
        }

        var failure = await Assert.ThrowsAsync<MetricsStoreDamagedException>(() => file.ClicksAsync("a1"));
        Assert.Contains(file.File, failure.Message, StringComparison.Ordinal);
        Assert.Contains("backup", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(5)] // SQLITE_BUSY
    [InlineData(6)] // SQLITE_LOCKED
    [InlineData(8)] // SQLITE_READONLY
    [InlineData(776)] // SQLITE_READONLY_ROLLBACK
    [InlineData(10)] // SQLITE_IOERR
    [InlineData(1034)] // SQLITE_IOERR_FSYNC
    [InlineData(13)] // SQLITE_FULL
    [InlineData(14)] // SQLITE_CANTOPEN
    public void What_may_pass_is_an_outage(int code)
    {
        var failure = Assert.IsType<MetricsStoreUnavailableException>(SqliteErrors.ToException("/data/metrics.db", code, "why"));
        Assert.Contains("/data/metrics.db", failure.Message, StringComparison.Ordinal);
        Assert.Contains("why", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(11)] // SQLITE_CORRUPT
    [InlineData(779)] // SQLITE_CORRUPT_INDEX
    [InlineData(26)] // SQLITE_NOTADB
    public void What_does_not_pass_is_damage(int code) =>
        Assert.IsType<MetricsStoreDamagedException>(SqliteErrors.ToException("/data/metrics.db", code, "why"));
}
