using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Metrics.Sqlite;

/// <summary>The store moves from one log to another in one step, and never back.</summary>
public sealed class SqliteMoveTests : IAsyncLifetime
{
    private const string Noon = "2026-03-02T12:00Z";

    private readonly LogIdentity _next = new(Guid.NewGuid(), 3);
    private SqliteStoreFile _file = null!;

    public async Task InitializeAsync() => _file = await SqliteStoreFile.OpenAsync(partitions: 2);

    public async Task DisposeAsync() => await _file.DisposeAsync();

    [Fact]
    public async Task After_the_move_the_counts_stay_the_answers_are_as_complete_and_only_the_new_log_is_counted()
    {
        await _file.SetClockAsync(Noon);
        await _file.FlushAsync(new MinuteCount("a1", 0, SqliteStoreFile.Minute(Noon), ClickOutcome.Accepted, 7));
        await _file.Store.FlushAsync(
            _file.FlushOf() with { LateClicks = [_file.Late("a1", Noon)], Rejected = [new RejectedRecord(5, "Broken.", [1])] }, default);
        var before = await _file.AskAsync("a1", "2026-03-02T00:00Z", "2026-03-03T00:00Z");
        var rows = await ProgressAsync();
        await _file.Store.MoveToAsync(rows, _next, First(rows[0].ClockMs), default);

        await _file.ReopenAsync();
        Assert.Equal(_next, await _file.Store.FindLogAsync(default));
        Assert.Empty(await ProgressAsync());
        var after = await _file.AskAsync("a1", "2026-03-02T00:00Z", "2026-03-03T00:00Z");
        Assert.Equal((7, 1), (after.Total.Clicks, after.Total.Late));
        Assert.Equal(before.CompleteThrough, after.CompleteThrough);
        Assert.Equal(before.Total, after.Total);
        Assert.Equal(1, await _file.ReadAsync("SELECT count(*) FROM rejected"));

        var acquired = await _file.Store.AcquireAsync(_next, 2, default);
        Assert.True(acquired.ContinuesAnotherLog);
        Assert.Equal((2, rows[0].ClockMs, SqliteStoreFile.LatenessMs), (acquired.OwnerEpoch, acquired.ClockMs, acquired.AllowedLatenessMs));
        Assert.Equal([new GatewayMark("g1", rows[0].ClockMs, rows[0].ClockMs)], acquired.Marks);
        await Assert.ThrowsAsync<StaleOwnerException>(() => _file.FlushAsync(new MinuteCount("a1", 0, SqliteStoreFile.Minute(Noon), ClickOutcome.Accepted, 9)));
        await Assert.ThrowsAsync<LogMismatchException>(() => _file.Store.AcquireAsync(_file.Log, 0, default));
        await Assert.ThrowsAsync<LogMismatchException>(() => _file.Store.AcquireAsync(new LogIdentity(Guid.NewGuid(), 2), 0, default));
    }

    [Fact]
    public async Task A_late_click_at_an_offset_that_the_old_log_had_too_is_another_click()
    {
        var late = _file.Late("a1", Noon);
        await _file.Store.FlushAsync(_file.FlushOf() with { LateClicks = [late] }, default);
        await _file.Store.MoveToAsync(await ProgressAsync(), _next, First(1), default);
        await _file.Store.AcquireAsync(_next, 0, default);
        await _file.Store.FlushAsync(
            new PartitionFlush
            {
                Progress = First(1)[0] with { OwnerEpoch = 2, FlushedOffset = 100 },
                Counts = [],
                LateClicks = [late],
                Rejected = [],
            },
            default);
        Assert.Equal(2, (await _file.AskAsync("a1", "2026-03-02T00:00Z", "2026-03-03T00:00Z")).Total.Late);
    }

    [Fact]
    public async Task A_move_from_where_the_store_is_no_more_writes_nothing()
    {
        var rows = await ProgressAsync();
        await Assert.ThrowsAsync<LogMismatchException>(() => MoveAsync(rows[..1]));
        await Assert.ThrowsAsync<LogMismatchException>(() => MoveAsync([.. rows.Select(row => row with { LogEpoch = Guid.NewGuid() })]));
        await Assert.ThrowsAsync<LogMismatchException>(() => _file.Store.MoveToAsync(rows, _file.Log, First(1), default));
        await Assert.ThrowsAsync<StaleOwnerException>(() => MoveAsync([rows[0], rows[1] with { OwnerEpoch = 0 }]));
        await _file.FlushAsync();
        await Assert.ThrowsAsync<StaleOwnerException>(() => MoveAsync(rows));
        Assert.Equal(_file.Log, await _file.Store.FindLogAsync(default));

        await MoveAsync(await ProgressAsync());
        await Assert.ThrowsAsync<LogMismatchException>(() => MoveAsync(rows)); // it is there already
    }

    private async Task<List<PartitionProgress>> ProgressAsync() => [.. await _file.Store.ReadProgressAsync(_file.Log.Epoch, default)];

    private Task MoveAsync(IReadOnlyList<PartitionProgress> from) => _file.Store.MoveToAsync(from, _next, First(1), default);

    private List<PartitionProgress> First(long clockMs) =>
    [
        .. Enumerable.Range(0, _next.Partitions).Select(partition => new PartitionProgress
        {
            LogEpoch = _next.Epoch,
            Partition = partition,
            OwnerEpoch = 1,
            ClockMs = clockMs,
            AllowedLatenessMs = SqliteStoreFile.LatenessMs,
            Marks = [new GatewayMark("g1", clockMs, clockMs)],
        }),
    ];
}
