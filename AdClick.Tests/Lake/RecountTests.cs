using AdClick.Actors.Clicks;
using AdClick.Actors.Lake;
using AdClick.Actors.Metrics;
using AdClick.Tests.Partitions;
using FsCheck.Xunit;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace AdClick.Tests.Lake;

public sealed class RecountTests
{
    private const int Partitions = 3;

    [Property(MaxTest = 6, EndSize = 400)]
    public async Task A_re_count_gives_what_the_rule_says_hour_by_hour_and_as_a_whole(ClickSpec[] specs)
    {
        await using var fixture = new RecountFixture(Partitions);
        var written = ClickSpec.WriteLog(specs, Partitions);
        for (var partition = 0; partition < Partitions; partition++)
        {
            foreach (var (appendTimeMs, record) in written[partition])
            {
                fixture.Log.Append(partition, appendTimeMs, record);
            }
        }

        fixture.Mark(TestClick.Start + (80 * TestClick.Hour));
        await fixture.CountAsync();

        for (var first = fixture.Hours.First; first < fixture.Hours.End; first += 24)
        {
            await AssertMatchAsync(fixture, new HourRange(first, Math.Min(first + 24, fixture.Hours.End)));
        }

        foreach (var hour in new[] { fixture.Hours.First, (fixture.Hours.First + fixture.Hours.End) / 2 })
        {
            await AssertMatchAsync(fixture, new HourRange(hour, hour + 1));
        }
    }

    [Fact]
    public async Task What_a_partition_remembers_of_an_impression_is_read_back()
    {
        await using var fixture = new RecountFixture();
        var nextHour = FirstHourEnd();
        fixture.Click("a1", 1, 1, nextHour - TestClick.Minute, expiresAtMs: nextHour + TestClick.Hour);
        fixture.Click("a1", 1, 2, nextHour + TestClick.Minute, expiresAtMs: nextHour + TestClick.Hour);
        fixture.Mark(nextHour + (2 * TestClick.Hour));
        await fixture.CountAsync();

        var run = await fixture.RunAsync(new HourRange(RecountFixture.FirstHour.End, RecountFixture.FirstHour.End + 1));
        Assert.Equal((RunState.Match, 1, 1), (run.State, run.Clicks, run.Cells));
    }

    [Fact]
    public async Task Beyond_nine_nonces_a_copy_is_a_duplicate()
    {
        await using var fixture = new RecountFixture();
        for (var nonce = 1UL; nonce <= 12; nonce++)
        {
            fixture.Click("a1", 1, nonce, TestClick.Start + TestClick.Second);
        }

        foreach (var nonce in (ulong[])[1, 9, 10, 12, 9])
        {
            fixture.Click("a1", 1, nonce, TestClick.Start + TestClick.Second);
        }

        fixture.Mark(TestClick.Start + (3 * TestClick.Hour));
        await fixture.CountAsync();
        await AssertMatchAsync(fixture, RecountFixture.FirstHour);
        Assert.Equal(new ClickTotals(1, 13, 0, 0, 0, 0), (await fixture.AskAsync("a1")).Total);
    }

    [Fact]
    public async Task Tokens_of_one_impression_with_several_expiries_are_judged_by_the_rule()
    {
        await using var fixture = new RecountFixture();
        foreach (var (minute, nonce, expiresIn) in new[] { (0, 1UL, 1), (2, 2UL, 30), (20, 1UL, 5), (25, 3UL, 40), (45, 2UL, 50), (46, 3UL, 50) })
        {
            fixture.Click("a1", 1, nonce, TestClick.Start + (minute * TestClick.Minute), expiresAtMs: TestClick.Start + (expiresIn * TestClick.Minute));
        }

        fixture.Mark(TestClick.Start + (3 * TestClick.Hour));
        await fixture.CountAsync();
        await AssertMatchAsync(fixture, new HourRange(RecountFixture.FirstHour.First, RecountFixture.FirstHour.First + 2));
    }

    [Fact]
    public async Task A_late_click_is_accepted_when_none_of_its_impression_was_and_none_can_be_any_more()
    {
        await using var fixture = new RecountFixture();
        var (now, on) = (TestClick.Start + (2 * TestClick.Minute), TestClick.Start + (20 * TestClick.Minute));
        fixture.Click("a1", 1, 1, on);                   // moves the clock
        fixture.Click("a1", 2, 2, now, appendMs: on);    // late, two of one impression: the first is settled
        fixture.Click("a1", 2, 3, now - 1, appendMs: on);
        fixture.Click("a1", 3, 4, now, appendMs: on);    // late, but accepted elsewhere
        fixture.Click("a1", 3, 5, on + TestClick.Second);
        fixture.Click("a1", 4, 6, now, appendMs: on, verdict: ClickVerdict.Bot);
        fixture.Mark(TestClick.Start + (100 * TestClick.Minute));
        await fixture.CountAsync();

        var early = await fixture.RunAsync();
        Assert.Equal((RunState.Match, 0L, false), (early.State, early.Settled, early.IsSettled));
        Assert.Equal(new ClickTotals(2, 0, 3, 1, 0, 0), (await fixture.AskAsync("a1")).Total);

        fixture.Mark(TestClick.Start + (6 * TestClick.Hour));
        await fixture.CountAsync();
        var run = await fixture.RunAsync();
        Assert.Equal((RunState.Match, 1L, true), (run.State, run.Settled, run.IsSettled));
        var report = await fixture.AskAsync("a1");
        Assert.Equal(new ClickTotals(3, 0, 2, 1, 0, 0), report.Total);
        Assert.Equal(BucketState.Reconciled, Assert.Single(report.Series).State);
    }

    [Fact]
    public async Task What_was_accepted_before_the_partition_count_changed_is_remembered_after_it()
    {
        await using var fixture = new RecountFixture(partitions: 2);
        fixture.Click("a1", 1, 1, TestClick.Start);
        fixture.Click("a2", 2, 2, TestClick.Start + TestClick.Second);
        fixture.Mark(TestClick.Start + TestClick.Minute);
        await fixture.CountAsync();

        // The new log goes on with the state and the clock of the old one, and is archived from there.
        var next = new Support.InMemoryClickLog(3);
        var former = await fixture.Store.ReadProgressAsync(fixture.Log.Identity.Epoch, default);
        await fixture.Store.MoveToAsync(
            former, next.Identity,
            [.. Enumerable.Range(0, 3).Select(partition => new PartitionProgress
            {
                LogEpoch = next.Identity.Epoch, Partition = partition, OwnerEpoch = 0, ClockMs = former.Max(row => row.ClockMs), AllowedLatenessMs = fixture.LatenessMs,
            })],
            default);
        var partitionOfAd = TestClick.PartitionOf("a1", 0, 3);
        var again = TestClick.Start + (2 * TestClick.Minute);
        next.Append(partitionOfAd, again, TestClick.Record("a1", 1, 3, again, expiresAtMs: TestClick.Start + TestClick.Hour));
        await using var archive = new Actors.Lake.LakeArchive(
            next, fixture.Store, fixture.Lake.Storage, LakeFixture.Fast, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        for (var partition = 0; partition < 3; partition++)
        {
            next.Append(partition, TestClick.Start + (3 * TestClick.Hour), TestClick.Mark("g1", TestClick.Start + (3 * TestClick.Hour), 0));
            var acquired = await fixture.Store.AcquireAsync(next.Identity, partition, default);
            await archive.PrepareAsync(acquired, next.RangeOf(partition), default);
            archive.Start(acquired);
            MinuteCount[] counts = partition == partitionOfAd ? [new MinuteCount("a1", 0, (int)(again / TestClick.Minute), ClickOutcome.Duplicate, 1)] : [];
            await fixture.Store.FlushAsync(
                new PartitionFlush
                {
                    Progress = acquired with { FlushedOffset = next.RangeOf(partition).End, ClockMs = TestClick.Start + (3 * TestClick.Hour) },
                    Counts = counts,
                    LateClicks = [],
                    Rejected = [],
                },
                default);
        }

        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await archive.DrainAsync([.. Enumerable.Range(0, 3).Select(next.RangeOf)], _ => { }, patience.Token);
        await AssertMatchAsync(fixture, RecountFixture.FirstHour);

        // Without the former log's archive nothing is known of what came before.
        await fixture.SqlAsync("DELETE FROM archive_progress WHERE log = 1; DELETE FROM lake_cuts WHERE log = 1");
        Assert.Contains((await fixture.RunAsync()).Reasons, reason => reason.Contains("has no archive from before", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_changed_row_a_deleted_row_and_a_lost_flush_are_found_and_corrected_beside_the_streamed_numbers()
    {
        await using var fixture = new RecountFixture();
        for (var minute = 0; minute < 4; minute++)
        {
            foreach (var ad in (string[])["a1", "a2"])
            {
                fixture.Click(ad, minute, (ulong)minute, TestClick.Start + (minute * TestClick.Minute));
                fixture.Click(ad, minute, (ulong)minute + 100, TestClick.Start + (minute * TestClick.Minute));
            }
        }

        fixture.Mark(TestClick.Start + (3 * TestClick.Hour));
        await fixture.CountAsync();
        Assert.Equal(RunState.Match, (await fixture.RunAsync()).State);
        Assert.Equal(BucketState.Reconciled, Assert.Single((await fixture.AskAsync("a1")).Series).State);

        var start = (int)(TestClick.Start / TestClick.Minute);
        await fixture.SqlAsync(
            $"UPDATE minute_cells SET clicks = 7 WHERE cell IN (SELECT cell FROM minute_cells WHERE cell >> 36 = {start} AND cell & 7 = 0 ORDER BY cell LIMIT 1);"
            + $"DELETE FROM minute_cells WHERE cell IN (SELECT cell FROM minute_cells WHERE cell >> 36 = {start + 1} AND cell & 7 = 1 ORDER BY cell DESC LIMIT 1)");
        var run = await fixture.RunAsync();
        Assert.Equal(RunState.Mismatch, run.State);
        Assert.Equal(
            [("a1", start, ClickOutcome.Accepted, 7L, 1L), ("a2", start + 1, ClickOutcome.Duplicate, 0L, 1L)],
            run.Corrections.Select(cell => (cell.AdId, cell.Minute, cell.Outcome, cell.Streamed, cell.Recounted)));
        Assert.Equal(new ClickTotals(4, 4, 0, 0, 0, 0), (await fixture.AskAsync("a1")).Total);
        Assert.Equal(new ClickTotals(4, 4, 0, 0, 0, 0), (await fixture.AskAsync("a2")).Total);
        Assert.Equal(7, await fixture.Store.RunOnWriterAsync(database => database.ReadInt64($"SELECT max(clicks) FROM minute_cells WHERE cell >> 36 = {start}")));

        // Once the streamed numbers are as they were, so are the answers.
        await fixture.SqlAsync($"UPDATE minute_cells SET clicks = 1 WHERE clicks = 7");
        Assert.Equal(1, (await fixture.RunAsync()).Mismatches);
        Assert.Equal(new ClickTotals(4, 4, 0, 0, 0, 0), (await fixture.AskAsync("a1")).Total);
        Assert.Equal(2, (await fixture.Store.ListRunsAsync(10, default)).Count(record => record.State == RunState.Mismatch));
    }

    [Fact]
    public async Task Counts_that_never_came_to_the_store_are_found()
    {
        await using var fixture = new RecountFixture();
        fixture.Click("a1", 1, 1, TestClick.Start);
        fixture.Click("a1", 2, 2, TestClick.Start + TestClick.Minute);
        fixture.Mark(TestClick.Start + (3 * TestClick.Hour));
        await fixture.CountAsync(new GatedStore(fixture.Store) { OnFlush = (flush, _) => fixture.Store.FlushAsync(flush with { Counts = [] }, default) });

        var run = await fixture.RunAsync();
        Assert.Equal((RunState.Mismatch, 2L), (run.State, run.Mismatches));
        Assert.Equal(2, (await fixture.AskAsync("a1")).Total.Clicks);
    }

    [Fact]
    public async Task What_is_erased_is_gone_from_both_sides_and_what_is_left_is_proven_as_before()
    {
        await using var fixture = new RecountFixture();
        await fixture.Store.PutAdAsync(new Ad("theirs", "adv1", "x", "https://x.example/", AdStatus.Active, null), default);
        await fixture.Store.PutAdAsync(new Ad("other", "adv2", "x", "https://x.example/", AdStatus.Active, null), default);
        for (var minute = 0; minute < 6; minute++)
        {
            fixture.Click(minute % 2 == 0 ? "theirs" : "other", minute, (ulong)minute, TestClick.Start + (minute * TestClick.Minute));
        }

        fixture.Mark(TestClick.Start + (6 * TestClick.Hour));
        await fixture.CountAsync();
        await fixture.SqlAsync("UPDATE minute_cells SET clicks = 5"); // so that there are corrections to be erased, and others
        await fixture.RunAsync();
        while (await fixture.Store.RecomputeRollupsAsync(100, default) > 0)
        {
        }

        await fixture.Store.RequestErasureAsync("adv1", "the-key", default);
        await fixture.SqlAsync($"UPDATE erasures SET requested_at_ms = {TestClick.Start + (20 * TestClick.Minute)}, files_rewritten = 1");
        Assert.Contains((await fixture.RunAsync()).Reasons, reason => reason.Contains("being erased", StringComparison.Ordinal));

        var owner = await fixture.Store.AcquireAsync(fixture.Log.Identity, 0, default);
        await fixture.Store.FlushAsync(
            new PartitionFlush
            {
                Progress = owner with
                {
                    CheckpointOffset = fixture.Log.RangeOf(0).End,
                    Marks = [new GatewayMark("g1", TestClick.Start + (6 * TestClick.Hour), TestClick.Start + (6 * TestClick.Hour))],
                },
                Counts = [],
                LateClicks = [],
                Rejected = [],
            },
            default);
        await new LakeUpkeep(
            fixture.Store, fixture.Store, fixture.Store, fixture.Store, fixture.Lake.Storage, retention: null, TimeProvider.System, NullLogger.Instance).RunAsync(default);
        Assert.NotNull((await fixture.Store.ListErasuresAsync("adv1", default)).Single().EndedAtMs);

        Assert.Equal(default, (await fixture.AskAsync("theirs")).Total);
        Assert.Equal(3, (await fixture.AskAsync("other")).Total.Clicks);
        Assert.Equal((0, 3), (await AdvertiserAsync("adv1"), await AdvertiserAsync("adv2")));
        var run = await fixture.RunAsync();
        Assert.Equal((RunState.Mismatch, 3L, 3L), (run.State, run.Clicks, run.Mismatches)); // those of the other ad are as wrong as before
        Assert.Equal((0, 3), (await AdvertiserAsync("adv1"), await AdvertiserAsync("adv2")));

        async Task<long> AdvertiserAsync(string advertiserId) => (await fixture.Store.QueryAsync(
            new ClickQuery
            {
                AdvertiserId = advertiserId,
                From = DateTimeOffset.FromUnixTimeMilliseconds(RecountFixture.FirstHour.StartMs),
                To = DateTimeOffset.FromUnixTimeMilliseconds(RecountFixture.FirstHour.EndMs),
                Granularity = Granularity.Hour,
                TimeZone = "UTC",
            },
            default)).Total.Clicks;
    }

    [Fact]
    public async Task An_hour_whose_raw_clicks_are_let_go_of_is_not_proven_any_more()
    {
        await using var fixture = new RecountFixture();
        fixture.Click("a1", 1, 1, TestClick.Start);
        fixture.Mark(TestClick.Start + (40 * TestClick.Hour));
        await fixture.CountAsync();
        Assert.Equal(RunState.Match, (await fixture.RunAsync()).State);

        await new LakeUpkeep(
            fixture.Store, fixture.Store, fixture.Store, fixture.Store, fixture.Lake.Storage, TimeSpan.FromHours(30), TimeProvider.System, NullLogger.Instance).RunAsync(default);
        var run = await fixture.RunAsync();
        Assert.Equal(RunState.Unproven, run.State);
        Assert.StartsWith("Raw clicks are kept from ", Assert.Single(run.Reasons), StringComparison.Ordinal);
        Assert.Equal(1, (await fixture.AskAsync("a1")).Total.Clicks);
    }

    [Theory]
    [InlineData("missing", "is missing")]
    [InlineData("truncated", "is truncated: it has")]
    [InlineData("altered", "is altered: its SHA-256 is")]
    public async Task A_file_that_is_not_what_was_written_is_named_and_nothing_is_said_of_the_numbers(string how, string problem)
    {
        await using var fixture = new RecountFixture();
        fixture.Click("a1", 1, 1, TestClick.Start);
        fixture.Mark(TestClick.Start + (3 * TestClick.Hour));
        await fixture.CountAsync();
        await fixture.SqlAsync("UPDATE minute_cells SET clicks = 5"); // which must not be "corrected"
        var name = fixture.Lake.Files.Single();
        var path = fixture.Lake.Storage.PathOf(name);
        var content = await File.ReadAllBytesAsync(path);
        switch (how)
        {
            case "missing":
                File.Delete(path);
                break;
            case "truncated":
                await File.WriteAllBytesAsync(path, content[..^10]);
                break;
            default:
                content[content.Length / 2] ^= 1;
                await File.WriteAllBytesAsync(path, content);
                break;
        }

        var run = await fixture.RunAsync();
        Assert.Equal(RunState.Unproven, run.State);
        var file = Assert.Single(run.Files);
        Assert.Equal(name, file.Name);
        Assert.StartsWith(problem, file.Problem, StringComparison.Ordinal);
        Assert.StartsWith($"File {name} {problem}", Assert.Single(run.Reasons), StringComparison.Ordinal);
        var report = await fixture.AskAsync("a1");
        Assert.Equal((5L, BucketState.Final), (report.Total.Clicks, Assert.Single(report.Series).State));
    }

    [Theory]
    [InlineData("DELETE FROM lake_files", "lake_files lists files with 0")]
    [InlineData("DELETE FROM lake_cuts WHERE first_offset = (SELECT max(first_offset) FROM lake_cuts)", "has no cut on record for offsets")]
    [InlineData("INSERT INTO lake_cuts SELECT log, partition, end_offset, end_offset + 5, end_clock_ms, end_clock_ms, '', 1 FROM lake_cuts ORDER BY first_offset DESC LIMIT 1; UPDATE lake_cuts SET begin_clock_ms = 0 WHERE is_lost = 1; UPDATE archive_progress SET archived_offset = archived_offset + 5", "has lost offsets")]
    [InlineData("UPDATE lake_cuts SET begin_clock_ms = end_clock_ms WHERE first_offset = 0", "has no archive from before")]
    [InlineData("UPDATE archive_progress SET clock_ms = clock_ms - 100 * 3600000", "is archived up to")]
    [InlineData("UPDATE progress SET clock_ms = clock_ms - 100 * 3600000", "is counted up to")]
    [InlineData("INSERT INTO counting_terms SELECT log, partition, 0, allowed_lateness_ms FROM progress UNION ALL SELECT log, partition, 1, 5 FROM progress", "changed its allowed lateness at offset 1")]
    public async Task What_the_archive_lacks_is_said(string sql, string problem)
    {
        await using var fixture = new RecountFixture();
        for (var click = 0; click < LakeFixture.Fast.MaxRows + 1; click++) // two cuts
        {
            fixture.Click("a1", click, (ulong)click, TestClick.Start);
        }

        fixture.Mark(TestClick.Start + (3 * TestClick.Hour));
        await fixture.CountAsync();
        await fixture.SqlAsync("DELETE FROM counting_terms"); // as a store from before there were any
        Assert.Equal(RunState.Match, (await fixture.RunAsync()).State);
        await fixture.SqlAsync(sql);

        var run = await fixture.RunAsync();
        Assert.Equal(RunState.Unproven, run.State);
        Assert.Contains(run.Reasons, reason => reason.Contains(problem, StringComparison.Ordinal));

        // What was proven before stays proven.
        Assert.Equal(BucketState.Reconciled, Assert.Single((await fixture.AskAsync("a1")).Series).State);
    }

    private static long FirstHourEnd() => RecountFixture.FirstHour.EndMs;

    private static async Task AssertMatchAsync(RecountFixture fixture, HourRange hours)
    {
        var run = await fixture.RunAsync(hours);
        Assert.True(
            run.State == RunState.Match,
            $"{hours}: {run.State} {string.Join(' ', run.Reasons)} {string.Join("; ", run.Corrections.Where(cell => cell.IsMismatch).Take(5))}");
    }
}
