using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Postgres;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Metrics.Postgres;

/// <summary>A flush's connection ends at every place where that makes a difference; written again, it counts once.</summary>
public sealed class PostgresCutTests
{
    // Some ten messages of COPY.
    private const int Ads = 2_000;
    private const int CutPiece = 4;

    private static readonly int Minute = TestStore.Minute("2026-11-24T01:02Z");
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Theory, OnPostgres, OnTimescale]
    public async Task A_connection_that_is_cut_in_the_middle_of_a_COPY_leaves_nothing(StoreKind kind)
    {
        var pieces = 0;
        await CutAsync(kind, message => message.Type == 'd' && Interlocked.Increment(ref pieces) == CutPiece ? Cut.Before : Cut.No, isWritten: false);
        Assert.True(pieces > 2 * CutPiece, $"A flush has {pieces - CutPiece} pieces: the cut was hardly in the middle.");
    }

    [Theory, OnPostgres, OnTimescale]
    public Task A_connection_that_is_cut_before_its_COMMIT_arrives_leaves_nothing(StoreKind kind) =>
        CutAsync(kind, message => message.IsQuery("COMMIT") ? Cut.Before : Cut.No, isWritten: false);

    [Theory, OnPostgres, OnTimescale]
    public Task A_connection_that_is_cut_before_the_answer_to_its_COMMIT_leaves_all_of_it(StoreKind kind) =>
        CutAsync(kind, message => message.IsQuery("COMMIT") ? Cut.BeforeItsAnswer : Cut.No, isWritten: true);

    [Theory, OnPostgres, OnTimescale]
    public async Task A_server_process_that_ends_in_the_middle_of_a_commit_leaves_nothing(StoreKind kind)
    {
        await using var store = await PostgresTestStore.OpenAsync(kind);
        await store.Store.FlushAsync(Flush(store, 1), default);
        await store.Store.RunAsync(session => session.RunAsync(
            PostgresSession.Sql(
                """
                CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    PERFORM pg_terminate_backend(pg_backend_pid());
                    PERFORM pg_sleep(60); -- where it ends
                    RETURN NEW;
                END $$
                """),
            PostgresSession.Sql(
                "CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON rejected DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cut()")));
        var flush = Flush(store, 2) with { Rejected = [new RejectedRecord(1, "No.", [1])] };
        await Assert.ThrowsAsync<MetricsStoreUnavailableException>(() => store.Store.FlushAsync(flush, default).WaitAsync(Patience));
        await AssertIsAsync(store, 1);

        await store.SqlAsync("DROP TRIGGER cut ON rejected");
        await store.Store.FlushAsync(flush, default);
        await AssertIsAsync(store, 2);
    }

    private static async Task CutAsync(StoreKind kind, Func<ClientMessage, Cut> where, bool isWritten)
    {
        await using var store = await PostgresTestStore.OpenAsync(kind);
        await using var proxy = new PostgresProxy(store.ConnectionString);
        await using var node = store.Connect(proxy.ConnectionString);
        await node.FlushAsync(Flush(store, 1), default);
        var cuts = 0;
        proxy.OnMessage = message => where(message) is not Cut.No and var cut && Interlocked.Increment(ref cuts) == 1 ? cut : Cut.No;
        var flush = Flush(store, 2);
        await Assert.ThrowsAsync<MetricsStoreUnavailableException>(() => node.FlushAsync(flush, default).WaitAsync(Patience));
        Assert.Equal(1, cuts);
        await AssertIsAsync(store, isWritten ? 2 : 1);

        // The partition writes it again, as it can't know.
        await node.FlushAsync(flush, default).WaitAsync(Patience);
        await AssertIsAsync(store, 2);
        await node.FlushAsync(Flush(store, 3), default).WaitAsync(Patience);
        await AssertIsAsync(store, 3);
    }

    /// <summary>Each ad has been clicked <paramref name="round"/> times, and a late click came in each round.</summary>
    private static PartitionFlush Flush(PostgresTestStore store, int round) =>
        store.FlushOf([.. Enumerable.Range(0, Ads).Select(ad => new MinuteCount($"a{ad}", 0, Minute, ClickOutcome.Accepted, round))]) with
        {
            Progress = store.Progress(0, clockMs: round) with { FlushedOffset = round, Marks = [new GatewayMark("g1", round, round)] },
            LateClicks = [store.Late($"late{round}", "2026-11-24T01:02Z")],
        };

    private static async Task AssertIsAsync(PostgresTestStore store, int round)
    {
        Assert.Equal(Ads, await store.ReadAsync("SELECT count(*) FROM click_minute"));
        Assert.Equal(Ads * round, await store.ReadAsync("SELECT sum(clicks) FROM click_minute"));
        Assert.Equal(round, await store.ReadAsync("SELECT count(*) FROM late_clicks"));
        Assert.Equal(Ads + round, await store.ReadAsync("SELECT count(*) FROM ad_ids"));
        var row = Assert.Single(await store.Store.ReadProgressAsync(store.Log.Epoch, default));
        Assert.Equal((round, round), (row.FlushedOffset, row.ClockMs));
        Assert.Equal([new GatewayMark("g1", round, round)], row.Marks);
    }
}
