using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Metrics.Sqlite;

public sealed class SqliteFlushTests
{
    private static readonly int Minute = TestStore.Minute("2026-11-24T01:02Z");

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

    private static MinuteCount Count(long clicks) => new("a1", 0, Minute, ClickOutcome.Accepted, clicks);
}
