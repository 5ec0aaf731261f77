using AdClick.Actors.Lake;
using AdClick.Actors.Metrics;
using AdClick.Tests.Partitions;
using Xunit;

namespace AdClick.Tests.Lake;

/// <summary>
/// The archive of a log is crashed, or has a failure, before and after every single operation on store and lake in turn. Then the lake must hold every record
/// once, and no other file.
/// </summary>
public sealed class LakeCrashTests
{
    private static readonly LakeSettings Settings = LakeFixture.Fast with { MaxRows = 13 }; // two cuts

    [Fact]
    public async Task After_a_crash_at_any_operation_the_lake_holds_every_record_once()
    {
        foreach (var (step, occurrence) in await StepsAsync())
        {
            await using var fixture = NewFixture();
            var crash = new CrashPoint(step, occurrence);
            var crashed = fixture.Open(Settings, storage: new CrashingLake(fixture.Storage, crash), store: new CrashingStore(fixture.Store, crash));
            using var gone = new CancellationTokenSource();
            _ = RunAsync(fixture, crashed, gone.Token); // its archivers wait for ever for what was never answered
            await crash.Crashed.WaitAsync(TimeSpan.FromMinutes(2));
            await gone.CancelAsync();
            await fixture.ArchiveAllAsync();
            await fixture.AssertIsTheLogAsync();
        }
    }

    [Fact]
    public async Task A_failure_at_any_operation_is_made_good_by_itself()
    {
        foreach (var (step, occurrence) in await StepsAsync())
        {
            await using var fixture = NewFixture();
            var crash = new CrashPoint(step, occurrence, survives: true);
            await using var archive = fixture.Open(Settings, storage: new CrashingLake(fixture.Storage, crash), store: new CrashingStore(fixture.Store, crash));
            await RunAsync(fixture, archive);
            Assert.True(crash.Crashed.IsCompleted, $"{crash} never came.");

            // What a failed cut has left is removed by the next start at the latest.
            await fixture.ArchiveAllAsync();
            await fixture.AssertIsTheLogAsync();
        }
    }

    private static LakeFixture NewFixture()
    {
        var fixture = new LakeFixture();
        for (var i = 0; i < 20; i++)
        {
            fixture.Log.Append(0, TestClick.Start, i == 12 ? [0xff] : TestClick.Record("ad", i, (ulong)i, TestClick.Start - (i % 2 * TestClick.Hour)));
        }

        File.WriteAllText(Path.Combine(Directory.CreateDirectory(Path.Combine(fixture.Lake, "_writing")).FullName, LeftoverOf(fixture)), "unfinished");
        return fixture;
    }

    private static string LeftoverOf(LakeFixture fixture) =>
        Path.GetFileName(LakeFileName.New(LakeFileName.Clicks, 0, fixture.Log.Identity.Epoch, 0, 0, 7));

    private static async Task RunAsync(LakeFixture fixture, LakeArchive archive, CancellationToken cancellationToken = default)
    {
        try
        {
            await fixture.StartAsync(archive);
        }
        catch (MetricsStoreUnavailableException)
        {
            await fixture.StartAsync(archive); // as the partition's entity does
        }

        await fixture.DrainAsync(archive, cancellationToken);
    }

    private static async Task<List<(string Step, int Occurrence)>> StepsAsync()
    {
        await using var fixture = NewFixture();
        var crash = new CrashPoint(null, 0);
        await using var archive = fixture.Open(Settings, storage: new CrashingLake(fixture.Storage, crash), store: new CrashingStore(fixture.Store, crash));
        await RunAsync(fixture, archive);
        string[] operations = ["archive store commit", "archive store files", "archive store start", "lake delete", "lake list", "lake write"];
        Assert.Equal(operations.SelectMany(operation => (string[])[$"after {operation}", $"before {operation}"]).Order(), crash.Steps.Keys.Order());
        return [.. crash.Steps.SelectMany(step => Enumerable.Range(1, step.Value).Select(occurrence => (step.Key, occurrence)))];
    }

    private sealed class CrashingLake(FolderLake lake, CrashPoint crash) : ILakeStorage
    {
        public string Place => lake.Place;

        public async Task WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
        {
            // Whoever crashes before the file is there leaves half of it.
            var half = Path.Combine(Directory.CreateDirectory(lake.PathOf("_writing")).FullName, Path.GetFileName(name));
            await File.WriteAllBytesAsync(half, content[..(content.Length / 2)], CancellationToken.None);
            await crash.RunAsync("lake write", () => lake.WriteAsync(name, content, cancellationToken));
        }

        public Task<Stream> OpenReadAsync(string name, CancellationToken cancellationToken) => lake.OpenReadAsync(name, cancellationToken);

        public Task<IReadOnlyList<string>> ListAsync(string prefix, CancellationToken cancellationToken) =>
            crash.RunAsync("lake list", () => lake.ListAsync(prefix, cancellationToken));

        public Task DeleteAsync(string name, CancellationToken cancellationToken) => crash.RunAsync("lake delete", () => lake.DeleteAsync(name, cancellationToken));
    }

    private sealed class CrashingStore(IArchiveStore store, CrashPoint crash) : IArchiveStore
    {
        public Task<ArchiveProgress> StartArchiveAsync(ArchiveOwner owner, long firstOffset, long clockMs, CancellationToken cancellationToken) =>
            crash.RunAsync("archive store start", () => store.StartArchiveAsync(owner, firstOffset, clockMs, cancellationToken));

        public Task<IReadOnlySet<string>> ListLakeFilesAsync(ArchiveOwner owner, CancellationToken cancellationToken) =>
            crash.RunAsync("archive store files", () => store.ListLakeFilesAsync(owner, cancellationToken));

        public Task CommitCutAsync(ArchiveCut cut, CancellationToken cancellationToken) =>
            crash.RunAsync("archive store commit", () => store.CommitCutAsync(cut, cancellationToken));
    }
}
