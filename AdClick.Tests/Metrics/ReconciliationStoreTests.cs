using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Metrics;

/// <summary>Corrections beside the streamed counts, on every store.</summary>
public sealed class ReconciliationStoreTests
{
    private const string Day = "2026-11-20T00:00Z";
    private const string NextDay = "2026-11-21T00:00Z";

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task Answers_show_corrections_before_and_after_they_are_rolled_up(StoreKind kind)
    {
        await using var file = await OpenAsync(kind);
        await file.FlushAsync(Accepted("a1", "2026-11-20T01:02Z", 5), Accepted("a1", "2026-11-20T01:40Z", 2), Accepted("a2", "2026-11-20T01:02Z", 3));
        foreach (var isRolledUp in (bool[])[false, true])
        {
            if (isRolledUp)
            {
                await file.SetClockAsync("2026-11-24T00:00Z");
                await file.RollUpAllAsync();
            }

            // One is corrected, one was never there, one should not be; then all of it again with other numbers.
            foreach (var (recounted, extra) in ((long, long)[])[(9, 4), (1, 6)])
            {
                await CommitAsync(
                    file, 1,
                    Cell("a1", "2026-11-20T01:02Z", ClickOutcome.Accepted, 5, recounted), Cell("a2", "2026-11-20T01:02Z", ClickOutcome.Accepted, 3, 0),
                    Cell("a3", "2026-11-20T01:59Z", ClickOutcome.Bot, 0, extra), Cell("a1", "2026-11-20T01:03Z", ClickOutcome.Repeat, 0, 1));
                await AssertTotalsAsync(file, new(2 + recounted, 0, 0, 0, 0, 0), default, new(0, 0, 0, extra, 0, 0));
                await file.RollUpAllAsync();
                await AssertTotalsAsync(file, new(2 + recounted, 0, 0, 0, 0, 0), default, new(0, 0, 0, extra, 0, 0));
            }

            await CommitAsync(file, 1);
            await file.RollUpAllAsync();
            await AssertTotalsAsync(file, new(7, 0, 0, 0, 0, 0), new(3, 0, 0, 0, 0, 0), default);
            Assert.Equal(10, await file.ReadAsync($"SELECT sum(clicks) FROM {file.MinuteRows}"));
        }

        Assert.Equal(4 * 4, await file.ReadAsync("SELECT count(*) FROM corrections")); // what stood there before is on record
        Assert.Equal(3, await file.ReadAsync("SELECT count(*) FROM quarter_clicks"));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task Ads_of_an_advertiser_are_corrected_in_groups_and_sums(StoreKind kind)
    {
        await using var file = await OpenAsync(kind);
        foreach (var ad in (string[])["a1", "a2"])
        {
            await file.Catalogue.PutAdAsync(new Ad(ad, "v1", ad, "https://shop.example/", AdStatus.Active, null), default);
        }

        await file.FlushAsync(Accepted("a1", "2026-11-20T01:02Z", 5), Accepted("a2", "2026-11-20T01:02Z", 3));
        await CommitAsync(file, 1, Cell("a2", "2026-11-20T01:02Z", ClickOutcome.Accepted, 3, 30));
        foreach (var isRolledUp in (bool[])[false, true])
        {
            var query = TestStore.Ask("a1", Day, NextDay, Granularity.Hour) with { AdId = null, AdvertiserId = "v1" };
            Assert.Equal(35, (await file.Store.QueryAsync(query, default)).Total.Clicks);
            var groups = (await file.Store.QueryAsync(query with { GroupByAd = true }, default)).Groups!;
            Assert.Equal([("a2", 30L, 30L), ("a1", 5L, 5L)], groups.Select(group => (group.AdId, group.Total.Clicks, Assert.Single(group.Series).Totals.Clicks)));
            await file.SetClockAsync("2026-11-24T00:00Z");
            Assert.Equal(!isRolledUp, await file.RollUpAllAsync() > 0);
        }
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task A_bucket_is_reconciled_when_all_of_its_hours_are(StoreKind kind)
    {
        await using var file = await OpenAsync(kind);
        await file.FlushAsync(Accepted("a1", "2026-11-20T01:02Z", 1), Accepted("a1", "2026-11-20T02:59Z", 1), Accepted("a1", "2026-11-20T03:00Z", 1));
        await file.SetClockAsync("2026-11-24T00:00Z");
        await CommitAsync(file, 1);
        await CommitAsync(file, 2);
        Assert.Equal(["01:02 Reconciled", "02:59 Reconciled", "03:00 Final"], await StatesAsync(file, Granularity.Minute));
        Assert.Equal(["01:00 Reconciled", "02:00 Reconciled", "03:00 Final"], await StatesAsync(file, Granularity.Hour));
        Assert.Equal(["00:30 Final", "02:30 Final"], await StatesAsync(file, Granularity.Hour, "Asia/Kolkata"));
        Assert.Equal(["00:00 Final"], await StatesAsync(file, Granularity.Day));
        for (var hour = 0; hour < 24; hour++)
        {
            await CommitAsync(file, hour);
        }

        Assert.Equal(["00:00 Reconciled"], await StatesAsync(file, Granularity.Day));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task A_late_click_that_comes_after_a_run_is_added_and_opens_its_hour_again(StoreKind kind)
    {
        await using var file = await OpenAsync(kind);
        await file.FlushAsync(Accepted("a1", "2026-11-20T01:02Z", 5));
        await file.SetClockAsync("2026-11-24T00:00Z");
        await CommitAsync(file, 1, Cell("a1", "2026-11-20T01:02Z", ClickOutcome.Accepted, 5, 6));
        await CommitAsync(file, 2);

        var late = file.Late("a1", "2026-11-20T01:02Z");
        await file.Store.FlushAsync(file.FlushOf() with { LateClicks = [late] }, default);
        var report = await file.AskAsync("a1", Day, NextDay, Granularity.Hour);
        Assert.Equal((new ClickTotals(6, 0, 1, 0, 0, 0), BucketState.Final), (report.Total, Assert.Single(report.Series).State));
        Assert.Equal([(true, false)], Verdicts(await file.Reconciliation.ReadVerdictsAsync(Hours(1), default)));
        Assert.Equal([(false, true)], Verdicts(await file.Reconciliation.ReadVerdictsAsync(Hours(2), default)));

        // A run that has not seen it leaves the hour open; one that has closes it.
        await CommitAsync(file, 1);
        Assert.Equal([(true, false)], Verdicts(await file.Reconciliation.ReadVerdictsAsync(Hours(1), default)));
        await file.Reconciliation.CommitRunAsync(Run(file, 1) with { Covered = [new CoveredOffsets(file.Log.Epoch, 0, 0, late.Offset + 1)] }, default);
        Assert.Equal([(false, true)], Verdicts(await file.Reconciliation.ReadVerdictsAsync(Hours(1), default)));

        static IEnumerable<(bool, bool)> Verdicts(IReadOnlyList<HourVerdict> verdicts) => verdicts.Select(verdict => (verdict.IsStale, verdict.IsReconciled));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task Streamed_counts_and_the_archive_are_read_in_one_snapshot_up_to_the_covered_offsets(StoreKind kind)
    {
        await using var file = await OpenAsync(kind, partitions: 2);
        var owner = new ArchiveOwner(file.Log.Epoch, 1, 1);
        var archive = (IArchiveStore)file.Store;
        await archive.StartArchiveAsync(owner, 0, 0, default);
        var hour = Hours(1).First;
        await archive.CommitCutAsync(
            new ArchiveCut
            {
                Owner = owner,
                FirstOffset = 0,
                EndOffset = 4,
                ClockMs = Hours(1).EndMs,
                Files = [new LakeFile("clicks/x", hour, 3, 7, new byte[32]), new LakeFile("rejected/y", hour, 1, 7, new byte[32])],
            },
            default);
        await archive.CommitCutAsync(new ArchiveCut { Owner = owner, FirstOffset = 4, EndOffset = 9, ClockMs = Hours(2).EndMs, Files = [] }, default);
        var late = file.Late("a1", "2026-11-20T01:05Z");
        await file.Store.FlushAsync(
            new PartitionFlush
            {
                Progress = file.Progress(1, clockMs: 99) with { FlushedOffset = 8 },
                Counts = [Accepted("a1", "2026-11-20T01:02Z", 2), Accepted("a1", "2026-11-20T01:02Z", 3) with { SubShard = 1 }, Accepted("a1", "2026-11-20T02:00Z", 9)],
                LateClicks = [late, late with { Offset = late.Offset + 100 }],
                Rejected = [],
            },
            default);

        var counts = new Counts { EndOffset = late.Offset + 1 };
        ReconciliationBasis? found = null;
        await file.Reconciliation.ReadBasisAsync(Hours(1), Hours(1), basis => (found = basis) is null ? null : counts, default);
        Assert.Equal(file.Log, found!.Log);
        Assert.Equal((0, 9L, Hours(2).EndMs, 8L, 99L), found.Partitions.Single() is var partition
            ? ((int)partition.BeginOffset, partition.ArchivedOffset, partition.ArchivedClockMs, partition.FlushedOffset!.Value, partition.FlushedClockMs!.Value) : default);
        Assert.Equal([(0L, 4L, 3L), (4L, 9L, 0L)], found.Cuts.Select(cut => (cut.FirstOffset, cut.EndOffset, cut.HourRows.GetValueOrDefault(hour))));
        Assert.Equal("clicks/x", Assert.Single(found.Files).File.Name);
        Assert.Equal(TestStore.LatenessMs, Assert.Single(found.Lateness).AllowedLatenessMs);
        Assert.Equal([("a1", ClickOutcome.Accepted, 5L), ("a1", ClickOutcome.Late, 1L)], counts.Sums);
        Assert.Equal(hour, await file.Reconciliation.FindFirstLakeHourAsync(default));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task A_proof_holds_both_numbers_and_what_its_runs_rest_on(StoreKind kind)
    {
        await using var file = await OpenAsync(kind);
        await file.FlushAsync(Accepted("a1", "2026-11-20T01:02Z", 5), Accepted("a2", "2026-11-20T01:02Z", 5));
        var run = await file.Reconciliation.CommitRunAsync(
            Run(file, 1) with
            {
                State = RunState.Mismatch,
                Corrections = [Cell("a1", "2026-11-20T01:02Z", ClickOutcome.Accepted, 5, 6), Cell("a2", "2026-11-20T01:02Z", ClickOutcome.Accepted, 5, 7)],
                Files = [new ReadFile("clicks/x", Hours(1).First, 7, new byte[32], "")],
            },
            default);
        var unproven = await file.Reconciliation.CommitRunAsync(
            Run(file, 2) with { State = RunState.Unproven, Reasons = ["File clicks/z is missing."], Files = [new ReadFile("clicks/z", Hours(2).First, 7, new byte[32], "is missing")] }, default);

        var proof = await file.Reconciliation.ReadProofAsync("a1", new HourRange(Hours(1).First, Hours(2).End), default);
        Assert.Equal([(TestStore.Minute("2026-11-20T01:02Z"), ClickOutcome.Accepted, 5L)], proof.Streamed);
        Assert.Equal((5L, 6L), Assert.Single(proof.Corrections) is var cell ? (cell.Streamed, cell.Recounted) : default);
        Assert.Equal([(run, RunState.Mismatch), (unproven, RunState.Unproven)], proof.Verdicts.Select(verdict => (verdict.Run, verdict.State)));
        Assert.Equal(["clicks/x ", "clicks/z is missing"], proof.Runs.SelectMany(evidence => evidence.Files).Select(read => $"{read.Name} {read.Problem}"));
        Assert.Equal(file.Log.Epoch, proof.Runs[0].Covered.Single().LogEpoch);
        Assert.Equal([unproven, run], (await file.Reconciliation.ListRunsAsync(5, default)).Select(record => record.Run));
        Assert.Equal("File clicks/z is missing.", proof.Runs[1].Record.Reason);
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task A_change_of_the_allowed_lateness_is_on_record_from_its_checkpoint_on(StoreKind kind)
    {
        await using var file = await OpenAsync(kind);
        await FlushAsync(0, 60);
        await FlushAsync(10, 60);
        await FlushAsync(20, 90);
        await FlushAsync(30, 90);
        await Assert.ThrowsAsync<StaleOwnerException>(() => file.Store.FlushAsync(file.FlushOf() with { Progress = file.Progress(ownerEpoch: 7) with { AllowedLatenessMs = 1 } }, default));
        ReconciliationBasis? found = null;
        await file.Reconciliation.ReadBasisAsync(
            Hours(1), Hours(1),
            basis =>
            {
                found = basis;
                return null;
            },
            default);
        Assert.Equal([(0L, 60L), (20L, 90L)], found!.Lateness.Select(change => (change.FromOffset, change.AllowedLatenessMs)));

        Task FlushAsync(long checkpoint, long lateness) =>
            file.Store.FlushAsync(file.FlushOf() with { Progress = file.Progress() with { CheckpointOffset = checkpoint, AllowedLatenessMs = lateness } }, default);
    }

    private static async Task<TestStore> OpenAsync(StoreKind kind, int partitions = 1) => await TestStore.OpenAsync(kind, partitions);

    private static HourRange Hours(int hour)
    {
        var first = TestStore.Minute(Day) / 60;
        return new HourRange(first + hour, first + hour + 1);
    }

    private static MinuteCount Accepted(string adId, string time, long clicks) => new(adId, 0, TestStore.Minute(time), ClickOutcome.Accepted, clicks);

    private static Correction Cell(string adId, string time, ClickOutcome outcome, long streamed, long recounted) =>
        new(adId, TestStore.Minute(time), outcome, streamed, recounted, 0);

    private static ReconciliationRun Run(TestStore file, int hour) => new()
    {
        Kind = RunKind.Requested,
        RequestedBy = "test",
        StartedAt = DateTimeOffset.UnixEpoch,
        FinishedAt = DateTimeOffset.UnixEpoch,
        Hours = Hours(hour),
        State = RunState.Match,
        Covered = [new CoveredOffsets(file.Log.Epoch, 0, 0, 1)],
    };

    private static Task<long> CommitAsync(TestStore file, int hour, params Correction[] corrections) =>
        file.Reconciliation.CommitRunAsync(Run(file, hour) with { State = corrections.Length > 0 ? RunState.Mismatch : RunState.Match, Corrections = corrections }, default);

    private static async Task AssertTotalsAsync(TestStore file, params ClickTotals[] totals)
    {
        foreach (var granularity in Enum.GetValues<Granularity>())
        {
            foreach (var (ad, total) in totals.Index())
            {
                Assert.Equal(total, (await file.AskAsync($"a{ad + 1}", Day, NextDay, granularity)).Total);
            }
        }
    }

    private static async Task<IEnumerable<string>> StatesAsync(TestStore file, Granularity granularity, string zone = "UTC") =>
        (await file.AskAsync("a1", Day, NextDay, granularity, zone)).Series.Select(bucket => FormattableString.Invariant($"{bucket.Start:HH:mm} {bucket.State}"));

    private sealed class Counts : IStreamedCounts
    {
        private readonly SortedDictionary<(string AdId, ClickOutcome Outcome), long> _sums = [];

        public required long EndOffset { get; init; }

        public IEnumerable<(string AdId, ClickOutcome Outcome, long Clicks)> Sums => _sums.Select(sum => (sum.Key.AdId, sum.Key.Outcome, sum.Value));

        public bool Covers(Guid logEpoch, int partition, long offset) => offset < EndOffset;

        public void Take(string adId, int minute, ClickOutcome outcome, long clicks) => _sums[(adId, outcome)] = _sums.GetValueOrDefault((adId, outcome)) + clicks;
    }
}
