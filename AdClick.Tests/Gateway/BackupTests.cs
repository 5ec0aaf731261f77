using System.Net;
using System.Text.Json;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Gateway;

/// <summary>Backup and restore of the database as docs/operations.md describes them.</summary>
[Collection(HeavyTests.Name)]
public sealed class BackupTests
{
    [BackupFact(StoreKind.Postgres)]
    public Task What_came_after_the_backup_is_counted_again_from_the_log() => RunAsync(StoreKind.Postgres);

    [BackupFact(StoreKind.Timescale)]
    public Task The_same_on_TimescaleDB() => RunAsync(StoreKind.Timescale);

    private static async Task RunAsync(StoreKind kind)
    {
        var server = (kind == StoreKind.Timescale ? TestDatabases.Timescale : TestDatabases.Postgres)!;
        await using var first = await TestDatabase.CreateAsync(server);
        await using var second = await TestDatabase.CreateAsync(server);
        var gateway = new TimescaleGateway(first);
        await gateway.InitializeAsync();
        try
        {
            await gateway.PutAdAsync("a1");
            var before = await ClickNewAsync(gateway, 10);
            await AssertTotalsAsync(gateway, clicks: 10, duplicates: 0);

            // The node goes on while it is backed up.
            var backup = PostgresClient.RunAsync(kind, first, null, "pg_dump", "-Fc");
            await ClickNewAsync(gateway, 15);
            var dump = await backup;
            var after = await ClickNewAsync(gateway, 5);
            await ClickAsync(gateway, before[0]);
            await AssertTotalsAsync(gateway, clicks: 30, duplicates: 1);
            await gateway.StopAsync();

            if (kind == StoreKind.Timescale)
            {
                await PostgresClient.RunAsync(
                    kind, second, null, "psql", "-c", "CREATE EXTENSION IF NOT EXISTS timescaledb", "-c", "SELECT timescaledb_pre_restore()");
            }

            await PostgresClient.RunAsync(kind, second, dump, "pg_restore", "--exit-on-error");
            if (kind == StoreKind.Timescale)
            {
                await PostgresClient.RunAsync(kind, second, null, "psql", "-c", "SELECT timescaledb_post_restore()");
            }

            gateway.Database = second;
            await gateway.StartAsync();
            await AssertTotalsAsync(gateway, clicks: 30, duplicates: 1);

            // Impressions from before and after the backup are remembered, and ads can be put as before.
            await ClickAsync(gateway, before[1]);
            await ClickAsync(gateway, after[0]);
            await gateway.PutAdAsync("a1", "https://example.com/later");
            await ClickNewAsync(gateway, 5);
            await AssertTotalsAsync(gateway, clicks: 35, duplicates: 3);
        }
        finally
        {
            await gateway.DisposeAsync();
        }
    }

    private static async Task<List<string>> ClickNewAsync(RunningGateway gateway, int times)
    {
        var clicked = new List<string>();
        for (var i = 0; i < times; i++)
        {
            clicked.Add(new Uri(await gateway.IssueAsync("a1")).AbsolutePath);
            await ClickAsync(gateway, clicked[^1]);
        }

        return clicked;
    }

    private static async Task ClickAsync(RunningGateway gateway, string path)
    {
        using var answer = await gateway.ClickAsync(path);
        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
    }

    private static async Task AssertTotalsAsync(RunningGateway gateway, int clicks, int duplicates)
    {
        var totals = await gateway.WaitForTotalsAsync(
            "a1", totals => Number(totals, "clicks") >= clicks && Number(totals, "duplicates") >= duplicates, $"{clicks} clicks and {duplicates} duplicates");
        Assert.Equal((clicks, duplicates), (Number(totals, "clicks"), Number(totals, "duplicates")));

        static int Number(JsonElement totals, string name) => totals.GetProperty(name).GetInt32();
    }

    /// <summary>A test with the client programs that <c>.ci/postgres</c> has for a kind of server.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    private sealed class BackupFactAttribute : FactAttribute
    {
        public BackupFactAttribute(StoreKind kind) =>
            Skip = TestDatabases.ControlIsMissing ?? (kind == StoreKind.Timescale ? TestDatabases.TimescaleIsMissing : TestDatabases.PostgresIsMissing);
    }
}
