using System.Diagnostics;
using AdClick.Actors.ClickLog.Embedded;
using AdClick.Actors.Lake;
using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Sqlite;
using AdClick.Benchmarks.Load;
using AdClick.Benchmarks.Processes;
using AdClick.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace AdClick.Tests.Lake;

/// <summary>The real executable, killed with SIGKILL again and again while it archives: DuckDB finds every logged click in the lake once.</summary>
[Collection(HeavyTests.Name)]
public sealed class LakeKillTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("adclick-lake-kills-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task After_ten_kills_the_lake_holds_every_logged_click_once()
    {
        var seed = (ulong)Stopwatch.GetTimestamp();
        var report = await LoadRun.RunAsync(
            new LoadSettings
            {
                Keys = BenchmarkKeys.Make(),
                Folder = _folder,
                KeepsFolder = true,
                Rate = 500,
                Duration = TimeSpan.FromSeconds(20),
                Ads = 300,
                Connections = 16,
                Kills = 10,
                Seed = seed,
                Patience = TimeSpan.FromMinutes(3),
                GatewaySettings = ["AdClick:CheckpointInterval=00:00:01", "AdClick:FlushInterval=00:00:00.200", "AdClick:Lake:MaxAge=00:00:01", "AdClick:Lake:MaxRows=1000"],
            },
            TextWriter.Null);
        Assert.True(report.IsGood, $"Seed {seed}:\n{report}");
        Assert.Equal(10, report.Restarts.Count);

        // The process is gone; what it had not archived yet, the next owner does.
        var data = Path.GetDirectoryName(Directory.GetFiles(_folder, "metrics.db", SearchOption.AllDirectories).Single())!;
        var lake = Path.Combine(data, "lake");
        var before = LakeReader.Clicks(lake).Count;
        Assert.True(before > 1000, $"Only {before} clicks were archived while the process ran.");
        await using var log = EmbeddedClickLog.Open(Path.Combine(data, "log"), 8, TimeProvider.System);
        await using var store = SqliteMetricsStore.Open(Path.Combine(data, "metrics.db"), TimeProvider.System);
        var noted = await ArchiveRestAsync(log, store, lake);

        var (clicks, rejected) = await LakeReader.ExpectAsync(log, partition => log.RangeOf(partition).End);
        Assert.Empty(rejected);
        Assert.True(clicks.Count >= report.Redirected, $"The log holds {clicks.Count} clicks, but {report.Redirected} were redirected.");
        Assert.Equal(clicks, LakeReader.Clicks(lake));
        Assert.Equal(
            noted.Order(StringComparer.Ordinal),
            Directory.GetFiles(lake, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(lake, path)).Order(StringComparer.Ordinal));
    }

    private static async Task<List<string>> ArchiveRestAsync(EmbeddedClickLog log, SqliteMetricsStore store, string lake)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        await using var archive = new LakeArchive(
            log, store, new FolderLake(lake), new LakeSettings { PollInterval = TimeSpan.FromMilliseconds(5) }, TimeProvider.System, NullLogger.Instance);
        var owners = new List<ArchiveOwner>();
        for (var partition = 0; partition < log.Identity.Partitions; partition++)
        {
            var acquired = await store.AcquireAsync(log.Identity, partition, patience.Token);
            await archive.PrepareAsync(acquired, log.RangeOf(partition), patience.Token);
            owners.Add(new ArchiveOwner(log.Identity.Epoch, partition, acquired.OwnerEpoch));
            archive.Start(acquired);
        }

        await archive.DrainAsync([.. owners.Select(owner => log.RangeOf(owner.Partition))], _ => { }, patience.Token);
        var noted = new List<string>();
        foreach (var owner in owners)
        {
            noted.AddRange(await store.ListLakeFilesAsync(owner, patience.Token));
        }

        return noted;
    }
}
