using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Postgres;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Metrics.Postgres;

/// <summary>Two nodes take each other for dead and flush the same partition at once.</summary>
public sealed class PostgresOwnershipTests
{
    /// <summary>A flush writes rejected records last.</summary>
    private const string HoldFlushes = "LOCK TABLE rejected IN EXCLUSIVE MODE";

    private static readonly int Minute = TestStore.Minute("2026-11-24T01:02Z");
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Theory, OnPostgres, OnTimescale]
    public async Task A_former_owner_that_flushes_while_the_new_one_is_at_it_is_refused_and_counts_do_not_go_down(StoreKind kind)
    {
        await using var store = await PostgresTestStore.OpenAsync(kind);
        await using var former = store.Connect();
        await former.FlushAsync(Flush(store, ownerEpoch: 1, clicks: 3, offset: 3), default);
        var epoch = (await store.Store.AcquireAsync(store.Log, 0, default)).OwnerEpoch;
        await using (var holder = store.Connect())
        {
            var newer = await holder.RunAsync(async session =>
            {
                // The new owner has written its counts and waits for the test before it commits; the former one comes now.
                await session.RunAsync(PostgresSession.Sql(HoldFlushes));
                var begun = store.Store.FlushAsync(Flush(store, epoch, clicks: 7, offset: 7), default);
                await store.UntilBlockedAsync(1);
                await Assert.ThrowsAsync<StaleOwnerException>(
                    () => former.FlushAsync(Flush(store, ownerEpoch: 1, clicks: 5, offset: 5), default).WaitAsync(Patience));
                Assert.False(begun.IsCompleted);
                return begun;
            });
            await newer.WaitAsync(Patience);
        }

        await AssertIsAsync(store, 7);

        // Nor has it a chance with greater numbers.
        await Assert.ThrowsAsync<StaleOwnerException>(() => former.FlushAsync(Flush(store, ownerEpoch: 1, clicks: 9, offset: 9), default));
        await AssertIsAsync(store, 7);
        Assert.Equal(3 + 7, await store.ReadAsync("SELECT sum(\"offset\") FROM rejected"));
    }

    [Theory, OnPostgres, OnTimescale]
    public async Task A_flush_that_meets_the_new_owner_in_the_middle_of_its_acquiring_is_refused(StoreKind kind)
    {
        await using var store = await PostgresTestStore.OpenAsync(kind);
        await store.Store.FlushAsync(Flush(store, ownerEpoch: 1, clicks: 3, offset: 3), default);
        await using var holder = store.Connect();
        var former = await holder.RunAsync(async session =>
        {
            // What a new owner does; not visible yet to the flush, which finds its own epoch and waits for the row.
            await session.RunAsync(PostgresSession.Sql("UPDATE progress SET owner_epoch = owner_epoch + 1"));
            var begun = store.Store.FlushAsync(Flush(store, ownerEpoch: 1, clicks: 5, offset: 5), default);
            await store.UntilBlockedAsync(1);
            return begun;
        });
        await Assert.ThrowsAsync<StaleOwnerException>(() => former.WaitAsync(Patience));
        await AssertIsAsync(store, 3);
    }

    [Theory, OnPostgres, OnTimescale]
    public async Task A_new_owner_waits_for_a_flush_that_is_under_way_and_goes_on_behind_it(StoreKind kind)
    {
        await using var store = await PostgresTestStore.OpenAsync(kind);
        await using var former = store.Connect();
        await using var holder = store.Connect();
        var (older, acquiring) = await holder.RunAsync(async session =>
        {
            await session.RunAsync(PostgresSession.Sql(HoldFlushes));
            var begun = former.FlushAsync(Flush(store, ownerEpoch: 1, clicks: 5, offset: 5), default);
            await store.UntilBlockedAsync(1);
            var next = store.Store.AcquireAsync(store.Log, 0, default);
            await store.UntilBlockedAsync(2);
            return (begun, next);
        });
        await older.WaitAsync(Patience);
        var acquired = await acquiring.WaitAsync(Patience);
        Assert.Equal((2, 5), (acquired.OwnerEpoch, acquired.FlushedOffset));
        await Assert.ThrowsAsync<StaleOwnerException>(() => former.FlushAsync(Flush(store, ownerEpoch: 1, clicks: 6, offset: 6), default));

        // It starts at an older checkpoint: absolute counts grow up to where they were, and then on.
        foreach (var clicks in (int[])[2, 4, 6])
        {
            await store.Store.FlushAsync(Flush(store, ownerEpoch: 2, clicks, clicks), default);
            await AssertIsAsync(store, Math.Max(clicks, 5));
        }
    }

    private static PartitionFlush Flush(PostgresTestStore store, long ownerEpoch, int clicks, int offset) =>
        store.FlushOf(new MinuteCount("a1", 0, Minute, ClickOutcome.Accepted, clicks)) with
        {
            Progress = store.Progress(0, ownerEpoch, offset) with { FlushedOffset = offset },
            Rejected = [new RejectedRecord(offset, "No.", [1])],
        };

    private static async Task AssertIsAsync(PostgresTestStore store, int clicks)
    {
        Assert.Equal(clicks, await store.ClicksAsync("a1"));
        var row = Assert.Single(await store.Store.ReadProgressAsync(store.Log.Epoch, default));
        Assert.Equal((clicks, clicks), (row.FlushedOffset, row.ClockMs));
    }
}
