using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Metrics;

public sealed class OwnershipTests
{
    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task Every_owner_gets_a_higher_epoch_and_what_the_last_one_left(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind, partitions: 2);
        var progress = file.Progress(1) with { FlushedOffset = 40, CheckpointOffset = 30, PurgeBelow = 3, Marks = [new GatewayMark("g", 5, 4)] };
        await file.Store.FlushAsync(file.FlushOf() with { Progress = progress }, default);

        var second = await file.Store.AcquireAsync(file.Log, 1, default);
        Assert.Equal((2, 40, 30, 3), (second.OwnerEpoch, second.FlushedOffset, second.CheckpointOffset, second.PurgeBelow));
        Assert.Equal([new GatewayMark("g", 5, 4)], second.Marks);
        Assert.Equal(3, (await file.Store.AcquireAsync(file.Log, 1, default)).OwnerEpoch);
        Assert.Equal([1L, 3L], (await file.Store.ReadProgressAsync(file.Log.Epoch, default)).Select(row => row.OwnerEpoch));
        Assert.Empty(await file.Store.ReadProgressAsync(Guid.NewGuid(), default));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task Who_has_paused_a_partition_is_told_to_every_owner_and_no_flush_changes_it(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind, partitions: 2);
        Assert.Null((await file.Store.ReadProgressAsync(file.Log.Epoch, default))[1].PausedBy);
        Assert.True(await file.Store.SetPausedAsync(file.Log.Epoch, 1, "somebody", default));
        await file.Store.FlushAsync(file.FlushOf() with { Progress = file.Progress(1) with { FlushedOffset = 40 } }, default);

        var acquired = await file.Store.AcquireAsync(file.Log, 1, default);
        Assert.Equal(("somebody", 40), (acquired.PausedBy, acquired.FlushedOffset));
        Assert.Null((await file.Store.ReadProgressAsync(file.Log.Epoch, default))[0].PausedBy);

        Assert.True(await file.Store.SetPausedAsync(file.Log.Epoch, 1, null, default));
        Assert.Null((await file.Store.AcquireAsync(file.Log, 1, default)).PausedBy);
        Assert.False(await file.Store.SetPausedAsync(Guid.NewGuid(), 1, "somebody", default));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task A_log_with_another_number_of_partitions_is_refused(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind, partitions: 4);

        foreach (var partitions in (int[])[2, 8])
        {
            var refusal = await Assert.ThrowsAsync<LogMismatchException>(
                () => file.Store.AcquireAsync(file.Log with { Partitions = partitions }, 1, default));
            Assert.Contains("4 partitions", refusal.Message, StringComparison.Ordinal);
        }

        Assert.Equal(1, (await file.Store.ReadProgressAsync(file.Log.Epoch, default))[1].OwnerEpoch);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => file.Store.AcquireAsync(file.Log, 4, default));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task Another_log_is_refused_once_something_was_counted(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        await file.FlushAsync(new MinuteCount("a1", 0, 1000, ClickOutcome.Accepted, 1));

        var other = new LogIdentity(Guid.NewGuid(), 1);
        var refusal = await Assert.ThrowsAsync<LogMismatchException>(() => file.Store.AcquireAsync(other, 0, default));

        Assert.Contains(file.Log.Epoch.ToString(), refusal.Message, StringComparison.Ordinal);
        Assert.Contains(other.Epoch.ToString(), refusal.Message, StringComparison.Ordinal);
        Assert.Contains("empty data folder", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(await file.Store.ReadProgressAsync(other.Epoch, default));
        await file.FlushAsync(); // the owner of the stored log is still the owner
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task A_log_of_which_nothing_was_read_gives_way_to_another(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        var other = new LogIdentity(Guid.NewGuid(), 2);

        Assert.Equal(1, (await file.Store.AcquireAsync(other, 1, default)).OwnerEpoch);
        await Assert.ThrowsAsync<StaleOwnerException>(() => file.FlushAsync());
    }
}
