using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Metrics;

/// <summary>The store moves from one log to another in one step, and never back.</summary>
public sealed class MoveTests
{
    private const string Noon = "2026-03-02T12:00Z";

    private readonly LogIdentity _next = new(Guid.NewGuid(), 3);

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task After_the_move_the_counts_stay_the_answers_are_as_complete_and_only_the_new_log_is_counted(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind, partitions: 2);
        await file.SetClockAsync(Noon);
        await file.FlushAsync(new MinuteCount("a1", 0, TestStore.Minute(Noon), ClickOutcome.Accepted, 7));
        await file.Store.FlushAsync(
            file.FlushOf() with { LateClicks = [file.Late("a1", Noon)], Rejected = [new RejectedRecord(5, "Broken.", [1])] }, default);
        var before = await file.AskAsync("a1", "2026-03-02T00:00Z", "2026-03-03T00:00Z");
        var rows = await ProgressAsync(file);
        await file.Store.MoveToAsync(rows, _next, First(rows[0].ClockMs), default);

        await file.ReopenAsync();
        Assert.Equal(_next, await file.Store.FindLogAsync(default));
        Assert.Empty(await ProgressAsync(file));
        var after = await file.AskAsync("a1", "2026-03-02T00:00Z", "2026-03-03T00:00Z");
        Assert.Equal((7, 1), (after.Total.Clicks, after.Total.Late));
        Assert.Equal(before.CompleteThrough, after.CompleteThrough);
        Assert.Equal(before.Total, after.Total);
        Assert.Equal(1, await file.ReadAsync("SELECT count(*) FROM rejected"));

        var acquired = await file.Store.AcquireAsync(_next, 2, default);
        Assert.True(acquired.ContinuesAnotherLog);
        Assert.Equal((2, rows[0].ClockMs, TestStore.LatenessMs), (acquired.OwnerEpoch, acquired.ClockMs, acquired.AllowedLatenessMs));
        Assert.Equal([new GatewayMark("g1", rows[0].ClockMs, rows[0].ClockMs)], acquired.Marks);
        await Assert.ThrowsAsync<StaleOwnerException>(() => file.FlushAsync(new MinuteCount("a1", 0, TestStore.Minute(Noon), ClickOutcome.Accepted, 9)));
        await Assert.ThrowsAsync<LogMismatchException>(() => file.Store.AcquireAsync(file.Log, 0, default));
        await Assert.ThrowsAsync<LogMismatchException>(() => file.Store.AcquireAsync(new LogIdentity(Guid.NewGuid(), 2), 0, default));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task A_late_click_at_an_offset_that_the_old_log_had_too_is_another_click(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind, partitions: 2);
        var late = file.Late("a1", Noon);
        await file.Store.FlushAsync(file.FlushOf() with { LateClicks = [late] }, default);
        await file.Store.MoveToAsync(await ProgressAsync(file), _next, First(1), default);
        await file.Store.AcquireAsync(_next, 0, default);
        await file.Store.FlushAsync(
            new PartitionFlush
            {
                Progress = First(1)[0] with { OwnerEpoch = 2, FlushedOffset = 100 },
                Counts = [],
                LateClicks = [late],
                Rejected = [],
            },
            default);
        Assert.Equal(2, (await file.AskAsync("a1", "2026-03-02T00:00Z", "2026-03-03T00:00Z")).Total.Late);
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task A_move_from_where_the_store_is_no_more_writes_nothing(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind, partitions: 2);
        var rows = await ProgressAsync(file);
        await Assert.ThrowsAsync<LogMismatchException>(() => MoveAsync(file, rows[..1]));
        await Assert.ThrowsAsync<LogMismatchException>(() => MoveAsync(file, [.. rows.Select(row => row with { LogEpoch = Guid.NewGuid() })]));
        await Assert.ThrowsAsync<LogMismatchException>(() => file.Store.MoveToAsync(rows, file.Log, First(1), default));
        await Assert.ThrowsAsync<StaleOwnerException>(() => MoveAsync(file, [rows[0], rows[1] with { OwnerEpoch = 0 }]));
        await file.FlushAsync();
        await Assert.ThrowsAsync<StaleOwnerException>(() => MoveAsync(file, rows));
        Assert.Equal(file.Log, await file.Store.FindLogAsync(default));

        await MoveAsync(file, await ProgressAsync(file));
        await Assert.ThrowsAsync<LogMismatchException>(() => MoveAsync(file, rows)); // it is there already
    }

    private static async Task<List<PartitionProgress>> ProgressAsync(TestStore file) => [.. await file.Store.ReadProgressAsync(file.Log.Epoch, default)];

    private Task MoveAsync(TestStore file, IReadOnlyList<PartitionProgress> from) => file.Store.MoveToAsync(from, _next, First(1), default);

    private List<PartitionProgress> First(long clockMs) =>
    [
        .. Enumerable.Range(0, _next.Partitions).Select(partition => new PartitionProgress
        {
            LogEpoch = _next.Epoch,
            Partition = partition,
            OwnerEpoch = 1,
            ClockMs = clockMs,
            AllowedLatenessMs = TestStore.LatenessMs,
            Marks = [new GatewayMark("g1", clockMs, clockMs)],
        }),
    ];
}
