using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.Lake;
using AdClick.Actors.Lake.Receipts;
using AdClick.Actors.Metrics;
using AdClick.Tests.Partitions;
using AdClick.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace AdClick.Tests.Lake;

public sealed class LakeUpkeepTests
{
    private const long Lateness = TestClick.Hour;

    private static readonly DateTimeOffset Start = DateTimeOffset.FromUnixTimeMilliseconds(TestClick.Start);

    [Fact]
    public async Task Files_go_when_both_clocks_have_passed_the_retention_and_receipts_say_so()
    {
        await using var fixture = new LakeFixture();
        Append(fixture, hours: 40);
        await fixture.ArchiveAllAsync(LakeFixture.Fast with { MaxRows = 1000 });
        var time = new FakeTimeProvider(Start + TimeSpan.FromHours(40));
        var upkeep = Upkeep(fixture, time, retention: TimeSpan.FromHours(30));

        await upkeep.RunAsync(default);
        Assert.Equal(40, fixture.Files.Length); // nothing is counted yet, so no partition's clock is known
        await FlushAsync(fixture, TestClick.Start + (35 * TestClick.Hour));
        await upkeep.RunAsync(default);
        Assert.Equal(35, fixture.Files.Length); // the slower clock is the partition's
        await FlushAsync(fixture, TestClick.Start + (400 * TestClick.Hour));
        await upkeep.RunAsync(default);
        Assert.Equal(30, fixture.Files.Length); // and now the machine's
        Assert.All(LakeReader.Clicks(fixture.Lake), click => Assert.True(click.EffectiveMs >= TestClick.Start + (10 * TestClick.Hour)));

        using var receipts = Receipts(fixture);
        var gone = await receipts.FindAsync(new ReceiptQuestion(TestClick.Impression(3)), default);
        Assert.Empty(gone.Clicks);
        Assert.Equal((TestClick.Start / TestClick.Hour * TestClick.Hour) + (10 * TestClick.Hour), gone.KeptFromMs);
        Assert.Single((await receipts.FindAsync(new ReceiptQuestion(TestClick.Impression(20)), default)).Clicks);
    }

    [Fact]
    public async Task An_erasure_waits_until_no_click_can_come_back_and_takes_those_of_the_advertiser_and_no_others()
    {
        await using var fixture = new LakeFixture();
        await fixture.Store.PutAdAsync(new Ad("theirs", "adv1", "x", "https://x.example/", AdStatus.Active, null), default);
        await fixture.Store.PutAdAsync(new Ad("alone", "adv1", "x", "https://x.example/", AdStatus.Active, null), default);
        await fixture.Store.PutAdAsync(new Ad("other", "adv2", "x", "https://x.example/", AdStatus.Active, null), default);
        var requestedAt = Start + TimeSpan.FromHours(10) + TimeSpan.FromMinutes(1);
        var time = new FakeTimeProvider(requestedAt);
        string[] ads = ["theirs", "other", "alone"];
        for (var i = 0; i < 36; i++)
        {
            // The third hour has clicks of one ad alone; the last ones come after the request.
            var at = TestClick.Start + (i * TestClick.Hour / 3);
            fixture.Log.Append(0, at, TestClick.Record(i is >= 6 and < 9 ? "alone" : ads[i % 2], i, (ulong)i, at));
        }

        await fixture.ArchiveAllAsync(LakeFixture.Fast with { MaxRows = 1000 });
        var before = LakeReader.Clicks(fixture.Lake);
        var noted = await NotedAsync(fixture);

        // The store's clock is the system's; the erasure's time is what it was asked at.
        await fixture.Store.RequestErasureAsync("adv1", "the-key", default);
        var erasure = Assert.Single(await fixture.Store.ListErasuresAsync("adv1", default));
        Assert.Equal(erasure, await fixture.Store.RequestErasureAsync("adv1", "another-key", default));
        await fixture.Store.RunOnWriterAsync(database =>
        {
            database.Execute($"UPDATE erasures SET requested_at_ms = {requestedAt.ToUnixTimeMilliseconds()}");
            return true;
        });
        var endMs = TestClick.Start + (10 * TestClick.Hour) + (15 * TestClick.Minute);
        Assert.Equal(endMs, (await fixture.Store.ListErasuresAsync(null, default))[0].BeforeMs);

        var upkeep = Upkeep(fixture, time);
        await upkeep.RunAsync(default);
        await FlushAsync(fixture, endMs + Lateness, checkpoint: 36, counts: Counts(before)); // not passed yet
        await upkeep.RunAsync(default);
        await FlushAsync(fixture, endMs + Lateness + 1_000);
        await upkeep.RunAsync(default);
        Assert.Equal(before, LakeReader.Clicks(fixture.Lake));
        Assert.Null((await fixture.Store.ListErasuresAsync("adv1", default))[0].EndedAtMs);

        await FlushAsync(fixture, endMs + Lateness + 1_000, checkpoint: 38);
        fixture.Log.Append(0, endMs + Lateness, TestClick.Mark("g1", endMs + Lateness, endMs + Lateness));
        fixture.Log.Append(0, endMs + Lateness, TestClick.Mark("g1", endMs + Lateness, endMs + Lateness));
        await fixture.ArchiveAllAsync();
        await upkeep.RunAsync(default);

        var expected = before.Where(click => click.AdId == "other" || click.EffectiveMs >= endMs).ToList();
        Assert.Equal(expected, LakeReader.Clicks(fixture.Lake));
        var done = (await fixture.Store.ListErasuresAsync("adv1", default))[0];
        Assert.NotNull(done.EndedAtMs);
        Assert.Equal(("the-key", before.Count - expected.Count, 1), (done.RequestedBy, done.Clicks, done.FilesRemoved));
        Assert.True(done.FilesRewritten > 5 && done.Counts > 0);
        await AssertNotedFilesAreThereAsync(fixture);
        Assert.True(noted.Intersect(await NotedAsync(fixture)).Count() is > 0 and < 6); // those without their clicks are the same as before
        Assert.Equal(Counts(expected).Sum(count => count.Clicks), await fixture.Store.RunOnWriterAsync(database => database.ReadInt64("SELECT sum(clicks) FROM minute_cells")));

        // The archive leaves the new files alone, and goes on.
        await fixture.ArchiveAllAsync();
        await AssertNotedFilesAreThereAsync(fixture);
    }

    [Fact]
    public async Task After_a_failure_at_any_operation_the_next_run_ends_the_erasure()
    {
        var steps = 0;
        for (var step = 0; steps == 0 || step < steps; step++)
        {
            await using var fixture = new LakeFixture();
            await fixture.Store.PutAdAsync(new Ad("theirs", "adv1", "x", "https://x.example/", AdStatus.Active, null), default);
            for (var i = 0; i < 6; i++)
            {
                var at = TestClick.Start + (i * TestClick.Hour / 2);
                fixture.Log.Append(0, at, TestClick.Record(i % 3 == 0 ? "other" : "theirs", i, (ulong)i, at));
            }

            await fixture.ArchiveAllAsync(LakeFixture.Fast with { MaxRows = 1000 });
            var clicks = LakeReader.Clicks(fixture.Lake);
            await fixture.Store.RequestErasureAsync("adv1", "key", default);
            await fixture.Store.RunOnWriterAsync(database =>
            {
                database.Execute($"UPDATE erasures SET requested_at_ms = {TestClick.Start + (3 * TestClick.Hour)}");
                return true;
            });
            await FlushAsync(fixture, TestClick.Start + (5 * TestClick.Hour), checkpoint: 1, counts: Counts(clicks), flushed: 1);
            var failing = new FailingLake(fixture.Storage, step);
            var time = new FakeTimeProvider(Start + TimeSpan.FromHours(5));
            try
            {
                await Upkeep(fixture, time, storage: failing).RunAsync(default);
                steps = failing.Operations; // it did not come to that
            }
            catch (IOException)
            {
                // Whatever the store and the lake say now is what a killed node leaves, but for its turn.
            }

            await fixture.ArchiveAllAsync(); // a node that starts in the midst of it removes nothing that is needed
            await Upkeep(fixture, time).RunAsync(default);
            Assert.Equal(clicks.Where(click => click.AdId == "other"), LakeReader.Clicks(fixture.Lake));
            Assert.NotNull((await fixture.Store.ListErasuresAsync("adv1", default))[0].EndedAtMs);
            await AssertNotedFilesAreThereAsync(fixture);
        }

        Assert.True(steps > 6, $"Only {steps} operations.");
    }

    [Fact]
    public async Task A_partition_that_starts_while_a_file_is_written_anew_leaves_it_alone()
    {
        await using var fixture = new LakeFixture();
        await fixture.Store.PutAdAsync(new Ad("theirs", "adv1", "x", "https://x.example/", AdStatus.Active, null), default);
        fixture.Log.Append(0, TestClick.Start, TestClick.Record("theirs", 1, 1, TestClick.Start));
        fixture.Log.Append(0, TestClick.Start, TestClick.Record("other", 2, 2, TestClick.Start));
        await fixture.ArchiveAllAsync();
        await fixture.Store.RequestErasureAsync("adv1", "key", default);
        await FlushAsync(fixture, DateTimeOffset.UtcNow.AddDays(1).ToUnixTimeMilliseconds(), checkpoint: 2, flushed: 2);
        var starting = new StartingLake(fixture);
        await Upkeep(fixture, TimeProvider.System, storage: starting).RunAsync(default);
        Assert.Equal(1, starting.Writes);
        Assert.Equal("other", Assert.Single(LakeReader.Clicks(fixture.Lake)).AdId);
        await AssertNotedFilesAreThereAsync(fixture);
    }

    [Fact]
    public async Task A_store_from_before_a_file_was_written_anew_costs_no_clicks()
    {
        await using var fixture = new LakeFixture();
        Append(fixture, hours: 3);
        await fixture.ArchiveAllAsync(LakeFixture.Fast with { MaxRows = 1000 });
        var file = (await fixture.Store.FindLakeFilesAsync(fixture.Log.Identity.Epoch, null, 0, int.MaxValue, default))[1];
        var anew = LakeFileName.New(LakeFileName.Clicks, file.File.Hour, file.LogEpoch, file.Partition, file.FirstOffset, file.EndOffset);
        File.Move(fixture.Storage.PathOf(file.File.Name), fixture.Storage.PathOf(anew));
        await fixture.ArchiveAllAsync();
        Assert.Equal(3, fixture.Files.Length);
        Assert.Contains(anew, fixture.Files);
    }

    [Fact]
    public async Task A_file_that_is_not_what_was_archived_holds_an_erasure_up()
    {
        await using var fixture = new LakeFixture();
        await fixture.Store.PutAdAsync(new Ad("theirs", "adv1", "x", "https://x.example/", AdStatus.Active, null), default);
        fixture.Log.Append(0, TestClick.Start, TestClick.Record("theirs", 1, 1, TestClick.Start));
        await fixture.ArchiveAllAsync();
        await File.AppendAllTextAsync(fixture.Storage.PathOf(fixture.Files[0]), "more");
        await fixture.Store.RequestErasureAsync("adv1", "key", default);
        var now = DateTimeOffset.UtcNow.AddDays(1).ToUnixTimeMilliseconds();
        await FlushAsync(fixture, now, checkpoint: 1, flushed: 1);
        var refusal = await Assert.ThrowsAsync<IOException>(() => Upkeep(fixture, TimeProvider.System).RunAsync(default));
        Assert.Contains(fixture.Files[0], refusal.Message, StringComparison.Ordinal);
        Assert.Null((await fixture.Store.ListErasuresAsync("adv1", default))[0].EndedAtMs);
    }

    private static LakeUpkeep Upkeep(LakeFixture fixture, TimeProvider time, TimeSpan? retention = null, ILakeStorage? storage = null) =>
        new(fixture.Store, fixture.Store, fixture.Store, fixture.Store, storage ?? fixture.Storage, retention, time, NullLogger.Instance);

    private static ClickReceipts Receipts(LakeFixture fixture) => new(
        fixture.Log, fixture.Store, fixture.Store, fixture.Storage,
        new ReceiptSettings { ImpressionLifetime = TimeSpan.FromHours(24), AllowedLateness = TimeSpan.FromMilliseconds(Lateness) }, TimeProvider.System);

    private static void Append(LakeFixture fixture, int hours)
    {
        for (var hour = 0; hour < hours; hour++)
        {
            var at = TestClick.Start + (hour * TestClick.Hour);
            fixture.Log.Append(0, at, TestClick.Record("ad", hour, (ulong)hour, at));
        }
    }

    private static MinuteCount[] Counts(IEnumerable<LakeClick> clicks) =>
        [.. clicks.GroupBy(click => (click.AdId, Minute: (int)(click.EffectiveMs / 60_000))).Select(group => new MinuteCount(group.Key.AdId, 0, group.Key.Minute, ClickOutcome.Accepted, group.Count()))];

    /// <summary>Moves a partition's clock, as its owner does.</summary>
    private static async Task FlushAsync(LakeFixture fixture, long clockMs, long checkpoint = 0, long flushed = 38, MinuteCount[]? counts = null)
    {
        var acquired = (await fixture.Store.ReadProgressAsync(fixture.Log.Identity.Epoch, default)).Single();
        await fixture.Store.FlushAsync(
            new PartitionFlush
            {
                Progress = acquired with
                {
                    FlushedOffset = flushed,
                    CheckpointOffset = checkpoint,
                    ClockMs = clockMs,
                    AllowedLatenessMs = Lateness,
                    Marks = [new GatewayMark("g1", clockMs, clockMs)],
                },
                Counts = counts ?? [],
                LateClicks = [],
                Rejected = [],
            },
            default);
    }

    private static async Task<List<string>> NotedAsync(LakeFixture fixture) =>
        [.. (await fixture.Store.FindLakeFilesAsync(fixture.Log.Identity.Epoch, null, 0, int.MaxValue, default)).Select(file => file.File.Name)];

    /// <summary>Each file that the store names is there with its bytes, and there is no other.</summary>
    private static async Task AssertNotedFilesAreThereAsync(LakeFixture fixture)
    {
        var reader = new LakeFileReader(fixture.Storage);
        var noted = await fixture.Store.FindLakeFilesAsync(fixture.Log.Identity.Epoch, null, 0, int.MaxValue, default);
        foreach (var file in noted)
        {
            Assert.Equal(file.File.Rows, (await reader.ReadAsync(file.File, stream => ClickRows.ReadAsync(stream, default), default)).Count);
        }

        Assert.Equal(noted.Select(file => file.File.Name).Order(StringComparer.Ordinal), fixture.Files);
    }

    /// <summary>A lake whose partition starts anew as soon as a file is written.</summary>
    private sealed class StartingLake(LakeFixture fixture) : ILakeStorage
    {
        public int Writes { get; private set; }

        public string Place => fixture.Storage.Place;

        public async Task WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
        {
            Writes++;
            await fixture.Storage.WriteAsync(name, content, cancellationToken);
            await fixture.ArchiveAllAsync();
            fixture.Log.Append(0, TestClick.Start, TestClick.Mark("g1", TestClick.Start, TestClick.Start));
            await fixture.ArchiveAllAsync(); // a cut comes after what nobody names was removed
        }

        public Task<Stream> OpenReadAsync(string name, CancellationToken cancellationToken) => fixture.Storage.OpenReadAsync(name, cancellationToken);

        public Task<IReadOnlyList<string>> ListAsync(string prefix, CancellationToken cancellationToken) => fixture.Storage.ListAsync(prefix, cancellationToken);

        public Task DeleteAsync(string name, CancellationToken cancellationToken) => fixture.Storage.DeleteAsync(name, cancellationToken);
    }

    /// <summary>A lake of which one operation fails, after it was done or before, by turns.</summary>
    private sealed class FailingLake(FolderLake lake, int failing) : ILakeStorage
    {
        public int Operations { get; private set; }

        public string Place => lake.Place;

        public Task WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
            RunAsync(() => lake.WriteAsync(name, content, cancellationToken));

        public async Task<Stream> OpenReadAsync(string name, CancellationToken cancellationToken)
        {
            await RunAsync(() => Task.CompletedTask);
            return await lake.OpenReadAsync(name, cancellationToken);
        }

        public Task<IReadOnlyList<string>> ListAsync(string prefix, CancellationToken cancellationToken) => lake.ListAsync(prefix, cancellationToken);

        public Task DeleteAsync(string name, CancellationToken cancellationToken) => RunAsync(() => lake.DeleteAsync(name, cancellationToken));

        private async Task RunAsync(Func<Task> work)
        {
            var (before, after) = (Operations++, Operations++);
            if (before == failing)
            {
                throw new IOException("The lake fails on purpose.");
            }

            await work();
            if (after == failing)
            {
                throw new IOException("The lake fails on purpose.");
            }
        }
    }
}
