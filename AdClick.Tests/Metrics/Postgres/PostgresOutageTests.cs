using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Postgres;
using AdClick.Tests.Support;
using Npgsql;
using Xunit;

namespace AdClick.Tests.Metrics.Postgres;

public sealed class PostgresOutageTests
{
    private static readonly int Minute = TestStore.Minute("2026-11-24T01:02Z");
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory, OnPostgres, OnTimescale]
    public async Task A_flush_that_fails_in_the_middle_leaves_nothing(StoreKind kind)
    {
        await using var store = await PostgresTestStore.OpenAsync(kind);
        await FailAsync(store, "RAISE EXCEPTION 'in the middle'");
        var flush = FlushThatMeetsTheTrigger(store);
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => store.Store.FlushAsync(flush, default));

        Assert.Contains("in the middle", failure.Message, StringComparison.Ordinal);
        await AssertNothingAsync(store);
        await store.SqlAsync("DROP TRIGGER fail ON rejected");
        await store.Store.FlushAsync(flush, default);
        Assert.Equal(5, await store.ClicksAsync("a1"));
        Assert.Equal(1, (await store.AskAsync("a2", "2026-11-24T01:00Z", "2026-11-24T02:00Z")).Total.Late);
    }

    [Theory, OnPostgres, OnTimescale]
    public async Task A_connection_that_is_cut_in_the_middle_of_a_flush_is_an_outage_and_the_next_try_gets_through(StoreKind kind)
    {
        await using var store = await PostgresTestStore.OpenAsync(kind);
        await FailAsync(store, "PERFORM pg_terminate_backend(pg_backend_pid())");
        var flush = FlushThatMeetsTheTrigger(store);
        await Assert.ThrowsAsync<MetricsStoreUnavailableException>(() => store.Store.FlushAsync(flush, default));

        await AssertNothingAsync(store);
        await store.SqlAsync("DROP TRIGGER fail ON rejected");
        await store.Store.FlushAsync(flush, default);
        await store.Store.FlushAsync(flush, default); // as after a commit whose answer was lost
        Assert.Equal(5, await store.ClicksAsync("a1"));
        Assert.Equal(1, await store.ReadAsync("SELECT count(*) FROM late_clicks"));
    }

    [Theory, OnPostgres, OnTimescale]
    public async Task An_owner_that_is_frozen_in_the_middle_of_a_flush_is_shut_out_by_the_next_one(StoreKind kind)
    {
        await using var store = await PostgresTestStore.OpenAsync(kind);
        await using var frozen = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(store.ConnectionString) { Pooling = false }.ConnectionString);
        await frozen.OpenAsync();
        await using var transaction = await frozen.BeginTransactionAsync();
        await using var command = new NpgsqlCommand("CREATE TEMPORARY TABLE counts (clicks bigint); SELECT FROM progress FOR UPDATE", frozen);
        await command.ExecuteNonQueryAsync();
        var copying = await frozen.BeginBinaryImportAsync("COPY counts FROM STDIN (FORMAT BINARY)"); // and says nothing more

        await using var next = store.Connect();
        Assert.Equal(2, (await next.AcquireAsync(store.Log, 0, default)).OwnerEpoch);
        await Assert.ThrowsAnyAsync<Exception>(async () => await copying.DisposeAsync());
    }

    [Theory, OnPostgres, OnTimescale]
    public async Task A_full_disk_is_an_outage(StoreKind kind)
    {
        await using var store = await PostgresTestStore.OpenAsync(kind);
        await FailAsync(store, "RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'");
        var failure = await Assert.ThrowsAsync<MetricsStoreUnavailableException>(
            () => store.Store.FlushAsync(FlushThatMeetsTheTrigger(store), default));

        Assert.Contains("disk is full", failure.Message, StringComparison.Ordinal);
        await AssertNothingAsync(store);
    }

    [Theory, OnPostgres, OnTimescale]
    public async Task Connections_that_are_cut_while_idle_are_replaced(StoreKind kind)
    {
        await using var store = await PostgresTestStore.OpenAsync(kind);
        await store.FlushAsync(new MinuteCount("a1", 0, Minute, ClickOutcome.Accepted, 1));
        await using (var other = store.Connect())
        {
            await other.RunAsync(session => session.ReadValueAsync(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
                + "AND backend_type = 'client backend'"));
        }

        // One try may find the dead connection, the next one does not.
        for (var tries = 0; ; tries++)
        {
            try
            {
                await store.FlushAsync(new MinuteCount("a1", 0, Minute, ClickOutcome.Accepted, 2));
                break;
            }
            catch (MetricsStoreUnavailableException) when (tries < 20)
            {
                // The pool had more of them.
            }
        }

        Assert.Equal(2, await store.ClicksAsync("a1"));
    }

    [Theory, OnPostgres, OnTimescale]
    public async Task A_question_that_is_taken_back_is_cancelled(StoreKind kind)
    {
        await using var store = await PostgresTestStore.OpenAsync(kind);
        using var cancellation = new CancellationTokenSource();
        await store.Store.RunAsync(async session =>
        {
            await session.RunAsync(PostgresSession.Sql("LOCK TABLE rollup_frontier"));
            var waiting = store.Store.QueryAsync(TestStore.Ask("a1", "2026-11-24T01:00Z", "2026-11-24T02:00Z"), cancellation.Token);
            Assert.False(waiting.IsCompleted);
            await cancellation.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(Patience));
            return true;
        });

        Assert.Equal(0, await store.ClicksAsync("a1"));
    }

    [Theory, OnPostgres, OnTimescale]
    public async Task A_question_that_takes_too_long_is_given_up(StoreKind kind)
    {
        await using var store = await PostgresTestStore.OpenAsync(kind);
        var options = new PostgresStoreOptions { ConnectionString = store.ConnectionString, ReadTimeout = TimeSpan.FromSeconds(1) };
        await using var hasty = new PostgresMetricsStore(options, TimeProvider.System);
        await store.Store.RunAsync(async session =>
        {
            await session.RunAsync(PostgresSession.Sql("LOCK TABLE ads"));
            var failure = await Assert.ThrowsAsync<MetricsStoreUnavailableException>(() => hasty.FindAdAsync("a1", default).WaitAsync(Patience));
            Assert.Contains("too long", failure.Message, StringComparison.Ordinal);
            return true;
        });
    }

    [Theory, OnPostgres, OnTimescale]
    public async Task A_schema_that_has_lost_a_table_is_damage(StoreKind kind)
    {
        await using var store = await PostgresTestStore.OpenAsync(kind);
        await store.SqlAsync("DROP TABLE rollup_frontier");
        var failure = await Assert.ThrowsAsync<MetricsStoreDamagedException>(() => store.ClicksAsync("a1"));
        Assert.Contains("rollup_frontier", failure.Message, StringComparison.Ordinal);
    }

    [Theory, OnPostgres, OnTimescale]
    public async Task Two_nodes_that_flush_the_same_ads_do_not_block_each_other_for_good(StoreKind kind)
    {
        await using var store = await PostgresTestStore.OpenAsync(kind, partitions: 4);
        await using var other = store.Connect();
        const int Rounds = 15;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async partition =>
        {
            var random = new Random(partition);
            for (var round = 1; round <= Rounds; round++)
            {
                // The same counters from four partitions, which no partition of a healthy log has; in an order of its own each time.
                MinuteCount[] counts =
                [
                    .. Enumerable.Range(0, 200).Select(
                        i => new MinuteCount($"a{i % 40}", i / 40, Minute + (round % 3), ClickOutcome.Accepted, round)),
                ];
                random.Shuffle(counts);
                var flush = store.FlushOf(counts) with { Progress = store.Progress(partition) };
                await (partition % 2 == 0 ? store.Store : other).FlushAsync(flush, default).WaitAsync(Patience);
            }
        }));

        Assert.Equal(Rounds + (Rounds - 1) + (Rounds - 2), (await store.AskAsync("a7", "2026-11-24T01:00Z", "2026-11-24T02:00Z")).Total.Clicks / 5);
    }

    private static async Task FailAsync(PostgresTestStore store, string how)
    {
        // In one statement, as it holds a semicolon.
        await store.Store.RunAsync(session => session.RunAsync(
            PostgresSession.Sql($"CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {how}; RETURN NEW; END $$"),
            PostgresSession.Sql("CREATE TRIGGER fail BEFORE INSERT ON rejected FOR EACH ROW EXECUTE FUNCTION fail()")));
    }

    private static PartitionFlush FlushThatMeetsTheTrigger(PostgresTestStore store) =>
        store.FlushOf(new MinuteCount("a1", 0, Minute, ClickOutcome.Accepted, 5)) with
        {
            Progress = store.Progress(0, clockMs: 77),
            LateClicks = [store.Late("a2", "2026-11-24T01:02Z")],
            Rejected = [new RejectedRecord(1, "No.", [1])],
        };

    private static async Task AssertNothingAsync(PostgresTestStore store)
    {
        Assert.Equal(0, await store.ClicksAsync("a1"));
        Assert.Equal(0, await store.ReadAsync(
            "SELECT (SELECT count(*) FROM late_clicks) + (SELECT count(*) FROM ad_ids) + (SELECT count(*) FROM click_days)"));
        var row = Assert.Single(await store.Store.ReadProgressAsync(store.Log.Epoch, default));
        Assert.Equal((0, 0), (row.FlushedOffset, row.ClockMs));
    }
}
