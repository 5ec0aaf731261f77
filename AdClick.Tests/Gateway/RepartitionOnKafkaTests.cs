using System.Net;
using AdClick.Gateway.Commands;
using AdClick.Gateway.Hosting;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Gateway;

/// <summary>Changing the number of partitions on Kafka, as an operator does it (docs/operations.md).</summary>
public sealed class RepartitionOnKafkaTests : IAsyncLifetime
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"adclick-{Guid.NewGuid():N}");
    private readonly KafkaCluster _kafka = new();
    private TestDatabase? _database;

    public Task InitializeAsync() => _kafka.InitializeAsync();

    public async Task DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        await _kafka.DisposeAsync();
        if (_database is not null)
        {
            await _database.DisposeAsync();
        }
    }

    [Fact]
    public Task Clicks_before_and_after_the_change_are_counted_as_if_there_had_been_none() => RunAsync([]);

    [TimescaleFact]
    public async Task Clicks_before_and_after_the_change_are_counted_as_if_there_had_been_none_on_TimescaleDB()
    {
        _database = await TestDatabase.CreateAsync(TestDatabases.Timescale!);
        await RunAsync(["--AdClick:Database=postgres", $"--ConnectionStrings:AdClick={_database.ConnectionString}"]);
    }

    private async Task RunAsync(string[] settings)
    {
        var (before, after) = (await _kafka.CreateTopicAsync(3), await _kafka.CreateTopicAsync(5));
        string[] ads = ["a1", "a2", "a3", "a4", "a5", "a6"];
        var urls = new Dictionary<string, List<string>>();
        var gateway = new KafkaGateway(_folder, _kafka, before) { Partitions = 3, MoreSettings = settings };
        await gateway.StartAsync();
        foreach (var ad in ads)
        {
            await gateway.PutAdAsync(ad);
            urls[ad] = [await gateway.IssueAsync(ad), await gateway.IssueAsync(ad), await gateway.IssueAsync(ad)];
            await ClickAsync(gateway, urls[ad][..2]);
        }

        await gateway.StopAsync();

        await Assert.ThrowsAsync<StartupException>(() => RepartitionCommand.RunAsync(5, null, [.. gateway.AllSettings], TextWriter.Null));
        await Assert.ThrowsAsync<StartupException>(() => RepartitionCommand.RunAsync(5, before, [.. gateway.AllSettings], TextWriter.Null));
        var output = new StringWriter();
        Assert.Equal(0, await RepartitionCommand.RunAsync(5, after, [.. gateway.AllSettings], output));
        Assert.Contains($"set AdClick:Partitions to 5 and AdClick:Kafka:Topic to {after}", output.ToString(), StringComparison.Ordinal);

        // The former topic is refused from here on, and the command may be run again.
        var refused = await Assert.ThrowsAsync<StartupException>(gateway.StartAsync);
        Assert.Contains(after, refused.Message, StringComparison.Ordinal);

        var changed = new KafkaGateway(_folder, _kafka, after) { Partitions = 5, MoreSettings = settings };
        await changed.StartAsync();
        foreach (var ad in ads)
        {
            await ClickAsync(changed, urls[ad][1..]); // one clicked before, one new
        }

        foreach (var ad in ads)
        {
            var total = await changed.WaitForTotalsAsync(ad, total => total.GetProperty("clicks").GetInt64() == 3, $"the clicks of {ad}");
            Assert.Equal(1, total.GetProperty("duplicates").GetInt64());
        }

        await changed.StopAsync();
    }

    private static async Task ClickAsync(RunningGateway gateway, List<string> urls)
    {
        foreach (var url in urls)
        {
            using var click = await gateway.ClickAsync(new Uri(gateway.Address, new Uri(url).AbsolutePath).ToString());
            Assert.Equal(HttpStatusCode.Found, click.StatusCode);
        }
    }
}
