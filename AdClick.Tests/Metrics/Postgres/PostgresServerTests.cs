using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Postgres;
using AdClick.Tests.ClickLog;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Metrics.Postgres;

/// <summary>What happens to the server itself: it is stopped, crashes, or has no room left.</summary>
[Collection(HeavyTests.Name)]
public sealed class PostgresServerTests
{
    private const int Ads = 500;

    private static readonly int Minute = TestStore.Minute("2026-11-24T01:02Z");
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [OwnPostgresFact]
    public async Task A_server_that_is_stopped_or_crashes_between_flushes_or_during_one_costs_no_count()
    {
        await using var server = await OwnPostgres.StartNewAsync();
        await using var store = await PostgresTestStore.OpenAsync(new PostgresServer(server.ConnectionString));
        await store.Store.FlushAsync(Flush(store, 1), default);

        await server.StopAsync();
        await Assert.ThrowsAsync<MetricsStoreUnavailableException>(() => store.Store.FlushAsync(Flush(store, 2), default).WaitAsync(Patience));
        await Assert.ThrowsAsync<MetricsStoreUnavailableException>(() => store.ClicksAsync("a0").WaitAsync(Patience));
        await server.StartAsync();
        await FlushUntilWrittenAsync(store, 2);
        await AssertIsAsync(store, 2);

        // Nobody notices before the next flush.
        await server.CrashAsync();
        await server.StartAsync();
        await FlushUntilWrittenAsync(store, 3);
        await AssertIsAsync(store, 3);

        // A flush waits for its last rows when the server ends.
        Func<Task>[] ends = [server.StopAsync, server.CrashAsync];
        for (var round = 4; round < 4 + ends.Length; round++)
        {
            var flush = Flush(store, round);
            await using (var holder = store.Connect())
            {
                await Assert.ThrowsAsync<MetricsStoreUnavailableException>(() => holder.RunAsync(async session =>
                {
                    await session.RunAsync(PostgresSession.Sql("LOCK TABLE rejected"));
                    var begun = store.Store.FlushAsync(flush, default);
                    await store.UntilBlockedAsync(1);
                    await ends[round - 4]();
                    await Assert.ThrowsAsync<MetricsStoreUnavailableException>(() => begun.WaitAsync(Patience));
                    return true;
                }));
            }

            await server.StartAsync();
            await FlushUntilWrittenAsync(store, round);
            await AssertIsAsync(store, round);
        }
    }

    [OwnPostgresOnTmpfsFact]
    public async Task A_disk_that_is_full_is_called_so_and_when_there_is_room_again_the_flush_is_written_once()
    {
        using var folder = new TemporaryFolder();
        using var disk = new SmallFileSystem(folder.Path, "24m"); // an empty database takes a third of it
        Assert.Null(TmpfsFactAttribute.Run("chown", "postgres", folder.Path));
        await using var server = await OwnPostgres.StartNewAsync();
        var databases = new PostgresServer(server.ConnectionString);
        await databases.RunAsync($"CREATE TABLESPACE small LOCATION '{folder.Path}'");
        await using var store = await PostgresTestStore.OpenAsync(databases, options: "TABLESPACE small");
        var round = 0;
        var failure = await Assert.ThrowsAsync<MetricsStoreUnavailableException>(async () =>
        {
            while (round < 1_000)
            {
                round++;
                await store.Store.FlushAsync(Flush(store, round, minutes: 20), default).WaitAsync(Patience);
            }
        });
        Assert.Contains("its disk is full", failure.Message, StringComparison.Ordinal);
        await AssertIsAsync(store, round - 1, minutes: 20);
        await Assert.ThrowsAsync<MetricsStoreUnavailableException>(() => store.Store.FlushAsync(Flush(store, round, minutes: 20), default));

        disk.Remount("size=256m");
        await store.Store.FlushAsync(Flush(store, round, minutes: 20), default).WaitAsync(Patience);
        await AssertIsAsync(store, round, minutes: 20);
    }

    // Connections that the pool still holds are found dead one after the other.
    private static async Task FlushUntilWrittenAsync(PostgresTestStore store, int round)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                await store.Store.FlushAsync(Flush(store, round), default).WaitAsync(Patience);
                return;
            }
            catch (MetricsStoreUnavailableException) when (tries < 20)
            {
                // As a partition does.
            }
        }
    }

    /// <summary>Each ad has been clicked <paramref name="round"/> times in each of the minutes, which are other ones in each round where there are several.</summary>
    private static PartitionFlush Flush(PostgresTestStore store, int round, int minutes = 1)
    {
        var first = Minute + (minutes == 1 ? 0 : round * minutes);
        var counts = from ad in Enumerable.Range(0, Ads) from minute in Enumerable.Range(first, minutes) select new MinuteCount($"a{ad}", 0, minute, ClickOutcome.Accepted, round);
        return store.FlushOf([.. counts]) with
        {
            Progress = store.Progress(0, clockMs: round) with { FlushedOffset = round, Marks = [new GatewayMark("g1", round, round)] },
            LateClicks = [store.Late("late", "2026-11-24T01:02Z")],
            Rejected = [new RejectedRecord(round, "No.", [1])],
        };
    }

    private static async Task AssertIsAsync(PostgresTestStore store, int round, int minutes = 1)
    {
        var rounds = minutes == 1 ? [round] : Enumerable.Range(1, round);
        Assert.Equal(Ads * (long)minutes * rounds.Sum(), await store.ReadAsync("SELECT sum(clicks) FROM click_minute"));
        Assert.Equal(round, await store.ReadAsync("SELECT count(*) FROM late_clicks"));
        Assert.Equal(round, await store.ReadAsync("SELECT count(*) FROM rejected"));
        var row = Assert.Single(await store.Store.ReadProgressAsync(store.Log.Epoch, default));
        Assert.Equal((round, round), (row.FlushedOffset, row.ClockMs));
    }
}
