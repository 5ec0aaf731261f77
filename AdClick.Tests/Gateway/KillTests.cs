using System.Diagnostics;
using AdClick.Benchmarks.Load;
using AdClick.Benchmarks.Processes;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Gateway;

/// <summary>The real executable under load, killed with SIGKILL again and again, or with what it stands on failing: every count must come out exact (I1, I2).</summary>
[Collection(HeavyTests.Name)]
public sealed class KillTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("adclick-kills-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public Task Ten_kills_at_random_moments_lose_no_click_and_count_none_twice() => RunAsync(kills: 10);

    [Fact]
    public Task Five_kills_on_Kafka_lose_no_click_and_count_none_twice() => RunAsync(kills: 5, kafka: new KafkaLoad());

    [TimescaleFact]
    public async Task Five_kills_on_TimescaleDB_lose_no_click_and_count_none_twice()
    {
        await using var database = await TestDatabase.CreateAsync(TestDatabases.Timescale!);
        await RunAsync(kills: 5, settings: InDatabase(database));
    }

    [TimescaleFact]
    public async Task Five_kills_on_Kafka_and_TimescaleDB_lose_no_click_and_count_none_twice()
    {
        await using var database = await TestDatabase.CreateAsync(TestDatabases.Timescale!);
        await RunAsync(kills: 5, kafka: new KafkaLoad(), settings: InDatabase(database));
    }

    [Theory]
    [InlineData("down@2+6")]
    [InlineData("brokerdown@2+4")]
    [InlineData("errors@2+4")]
    [InlineData("slow@2+4")]
    [InlineData("leadermoved@2+2")]
    [InlineData("reportlost@2+3")]
    public Task A_fault_of_Kafka_under_load_loses_no_click_and_counts_none_twice(string fault) =>
        RunAsync(kafka: new KafkaLoad { Faults = [KafkaFault.Parse(fault)] }, seconds: 10);

    [Fact]
    public Task Kills_while_Kafka_is_away_lose_no_click_and_count_none_twice() =>
        RunAsync(kills: 3, kafka: new KafkaLoad { Faults = [KafkaFault.Parse("down@2+10")] }, seconds: 12);

    private static string[] InDatabase(TestDatabase database) => ["AdClick:Database=postgres", $"ConnectionStrings:AdClick={database.ConnectionString}"];

    private async Task RunAsync(int kills = 0, KafkaLoad? kafka = null, string[]? settings = null, double seconds = 20)
    {
        var seed = (ulong)Stopwatch.GetTimestamp();
        var report = await LoadRun.RunAsync(
            new LoadSettings
            {
                Keys = BenchmarkKeys.Make(),
                Folder = _folder,
                Rate = 500,
                Duration = TimeSpan.FromSeconds(seconds),
                Ads = 300,
                Connections = 16,
                Kills = kills,
                Kafka = kafka,
                Seed = seed,
                Patience = TimeSpan.FromMinutes(3),
                GatewaySettings = ["AdClick:CheckpointInterval=00:00:01", "AdClick:FlushInterval=00:00:00.200", .. settings ?? []],
            },
            TextWriter.Null);
        Assert.True(report.IsGood, $"Seed {seed}:\n{report}");
        Assert.Equal(kills, report.Restarts.Count);
    }
}
