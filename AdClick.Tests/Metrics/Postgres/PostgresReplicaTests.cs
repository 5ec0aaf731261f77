using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Postgres;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Metrics.Postgres;

/// <summary>Questions about clicks go to the replica and nothing else does. Another database with other counts stands for a replica that lags.</summary>
public sealed class PostgresReplicaTests
{
    private static readonly int Minute = TestStore.Minute("2026-11-24T01:02Z");

    [Theory, OnPostgres, OnTimescale]
    public async Task Questions_about_clicks_go_to_the_replica_and_all_else_to_the_primary(StoreKind kind)
    {
        await using var primary = await PostgresTestStore.OpenAsync(kind);
        await using var replica = await PostgresTestStore.OpenAsync(kind);
        await replica.FlushAsync(new MinuteCount("a1", 0, Minute, ClickOutcome.Accepted, 3));
        await using var node = Connect(primary.ConnectionString, replica.ConnectionString);

        await node.FlushAsync(primary.FlushOf(new MinuteCount("a1", 0, Minute, ClickOutcome.Accepted, 7)), default);
        Assert.Equal(PutAdResult.Created, await node.PutAdAsync(new Ad("a1", "v1", "n", "http://x", AdStatus.Active, null), default));
        Assert.True(await node.TryAddKeyAsync(new ApiKey("k1", KeyScope.Admin, null, new byte[32], DateTimeOffset.UnixEpoch), default));

        Assert.Equal(3, (await node.QueryAsync(TestStore.Ask("a1", "2026-11-24T01:00Z", "2026-11-24T02:00Z"), default)).Total.Clicks);
        Assert.Equal(7, await primary.ClicksAsync("a1"));
        Assert.NotNull(await node.FindAdAsync("a1", default));
        Assert.Single(await node.ListAdsAsync(null, null, 10, default));
        Assert.Single((await node.ReadAdChangesAsync(0, 10, default)).Ads);
        Assert.Single(await node.ListKeysAsync(default));
        Assert.Equal(primary.Log, await node.FindLogAsync(default));
        Assert.Single(await node.ReadProgressAsync(primary.Log.Epoch, default));
        Assert.Empty(await replica.Store.ListAdsAsync(null, null, 10, default));
    }

    [Theory, OnPostgres]
    public async Task A_replica_that_is_away_puts_questions_off_by_its_own_name_and_counting_goes_on(StoreKind kind)
    {
        await using var primary = await PostgresTestStore.OpenAsync(kind);
        var away = PostgresServer.Of(kind).NewDatabase();
        await using var node = Connect(primary.ConnectionString, away);

        var failure = await Assert.ThrowsAsync<MetricsStoreUnavailableException>(
            () => node.QueryAsync(TestStore.Ask("a1", "2026-11-24T01:00Z", "2026-11-24T02:00Z"), default));
        Assert.Contains(new Npgsql.NpgsqlConnectionStringBuilder(away).Database!, failure.Message, StringComparison.Ordinal);
        await node.FlushAsync(primary.FlushOf(new MinuteCount("a1", 0, Minute, ClickOutcome.Accepted, 7)), default);
        Assert.Equal(7, await primary.ClicksAsync("a1"));
    }

    private static PostgresMetricsStore Connect(string primary, string replica) =>
        new(new PostgresStoreOptions { ConnectionString = primary, ReplicaConnectionString = replica }, TimeProvider.System);
}
