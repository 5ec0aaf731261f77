using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Metrics;

/// <summary>What is known of the lake, what is done to it, and what an erasure takes: alike in every store.</summary>
public sealed class LakeUpkeepStoreTests
{
    private static readonly TimeSpan Turn = TimeSpan.FromMinutes(5);

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task The_lake_is_known_by_log_partition_and_hour(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind, partitions: 2);
        var index = (ILakeIndex)file.Store;
        var log = Assert.Single(await index.ListArchivedLogsAsync(default));
        Assert.Equal(file.Log, log.Log);
        Assert.Empty(log.Progress);

        await ArchiveAsync(file, 0, 0, 10, ("clicks/a", 7), ("rejected/b", 8));
        await ArchiveAsync(file, 1, 0, 20, ("clicks/c", 8));
        await ArchiveAsync(file, 1, 20, 25);
        log = Assert.Single(await index.ListArchivedLogsAsync(default));
        Assert.Equal([(0, 10L), (1, 25L)], log.Progress.Select(progress => (progress.Key, progress.Value.Offset)).Order());
        Assert.Equal(["clicks/a", "rejected/b", "clicks/c"], await NamesAsync(index, file, null, 0, 100));
        Assert.Equal(["rejected/b", "clicks/c"], await NamesAsync(index, file, null, 8, 9));
        Assert.Equal(["clicks/c"], await NamesAsync(index, file, [1], 0, 100));
        var found = (await index.FindLakeFilesAsync(file.Log.Epoch, [1], 0, 100, default))[0];
        Assert.Equal((1, 0L, 20L, 8, 3, 5L, 32), (found.Partition, found.FirstOffset, found.EndOffset, found.File.Hour, found.File.Rows, found.File.Bytes, found.File.Sha256.Length));
        Assert.Equal([new LakeGap(1, 20, 25)], await index.ListLakeGapsAsync(file.Log.Epoch, default));
        Assert.Empty(await index.FindLakeFilesAsync(Guid.NewGuid(), null, 0, 100, default));
        Assert.Equal(0, await index.FindFirstKeptHourAsync(default));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task One_at_a_time_has_the_turn_and_whoever_lost_it_changes_nothing(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        var store = (ILakeUpkeepStore)file.Store;
        await ArchiveAsync(file, 0, 0, 10, ("clicks/a", 7));
        var noted = (await ((ILakeIndex)file.Store).FindLakeFilesAsync(file.Log.Epoch, null, 0, 100, default))[0];
        var erasure = await store.RequestErasureAsync("adv1", "key", default);

        var first = await store.TryTakeTurnAsync(TimeSpan.Zero, default);
        var second = await store.TryTakeTurnAsync(Turn, default); // the first one is over at once
        Assert.NotNull(second);
        Assert.Null(await store.TryTakeTurnAsync(Turn, default));
        await Assert.ThrowsAsync<StaleOwnerException>(() => store.LetGoOfHoursAsync(first!.Value, 100, default));
        await Assert.ThrowsAsync<StaleOwnerException>(() => store.ListRemovalsAsync(first!.Value, default));
        await Assert.ThrowsAsync<StaleOwnerException>(() => store.EndRemovalsAsync(first!.Value, ["a"], default));
        await Assert.ThrowsAsync<StaleOwnerException>(() => store.BeginRewriteAsync(first!.Value, noted, "clicks/new", default));
        await Assert.ThrowsAsync<StaleOwnerException>(() => store.EndRewriteAsync(first!.Value, noted, null, erasure.Number, default));
        await Assert.ThrowsAsync<StaleOwnerException>(() => store.EraseCountsAsync(first!.Value, erasure, [], 0, default));
        await Assert.ThrowsAsync<StaleOwnerException>(() => store.EndErasureAsync(first!.Value, erasure.Number, default));
        await store.EndTurnAsync(first!.Value, default); // not its own any more
        Assert.Null(await store.TryTakeTurnAsync(Turn, default));
        Assert.Empty(await store.ListRemovalsAsync(second.Value, default));
        await store.EndTurnAsync(second.Value, default);
        Assert.NotNull(await store.TryTakeTurnAsync(Turn, default));
        await Assert.ThrowsAsync<StaleOwnerException>(() => store.ListRemovalsAsync(second.Value, default));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task A_file_counts_or_is_to_be_removed_and_the_archive_leaves_both_alone(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        var (store, index) = ((ILakeUpkeepStore)file.Store, (ILakeIndex)file.Store);
        await ArchiveAsync(file, 0, 0, 10, ("clicks/a", 7), ("clicks/b", 8), ("clicks/c", 9));
        var turn = (await store.TryTakeTurnAsync(Turn, default))!.Value;
        Assert.Equal(1, await store.LetGoOfHoursAsync(turn, 8, default));
        Assert.Equal(0, await store.LetGoOfHoursAsync(turn, 8, default));
        Assert.Equal(0, await store.LetGoOfHoursAsync(turn, 3, default));
        Assert.Equal(8, await index.FindFirstKeptHourAsync(default));
        Assert.Equal(["clicks/b", "clicks/c"], await NamesAsync(index, file, null, 0, 100));

        var erasure = await store.RequestErasureAsync("adv1", "key", default);
        var files = await index.FindLakeFilesAsync(file.Log.Epoch, null, 0, 100, default);
        await store.BeginRewriteAsync(turn, files[0], "clicks/b2", default);
        Assert.Equal(["clicks/a", "clicks/b2"], (await store.ListRemovalsAsync(turn, default)).Order());
        await store.EndRewriteAsync(turn, files[0], new LakeFile("clicks/b2", 8, 1, 4, new byte[32]), erasure.Number, default);
        await store.EndRewriteAsync(turn, files[1], null, erasure.Number, default);
        await Assert.ThrowsAsync<InvalidOperationException>(() => store.EndRewriteAsync(turn, files[1], null, erasure.Number, default));
        Assert.Equal(["clicks/a", "clicks/b", "clicks/c"], (await store.ListRemovalsAsync(turn, default)).Order());
        var rewritten = Assert.Single(await index.FindLakeFilesAsync(file.Log.Epoch, null, 0, 100, default));
        Assert.Equal(("clicks/b2", 0L, 10L, 8, 1), (rewritten.File.Name, rewritten.FirstOffset, rewritten.EndOffset, rewritten.File.Hour, rewritten.File.Rows));
        var owner = new ArchiveOwner(file.Log.Epoch, 0, 1);
        Assert.Equal(["clicks/a", "clicks/b", "clicks/b2", "clicks/c"], (await ((IArchiveStore)file.Store).ListLakeFilesAsync(owner, default)).Order());

        await store.EndRemovalsAsync(turn, ["clicks/a", "clicks/c"], default);
        Assert.Equal(["clicks/b"], await store.ListRemovalsAsync(turn, default));
        await store.EndErasureAsync(turn, erasure.Number, default);
        var ended = Assert.Single(await store.ListErasuresAsync("adv1", default));
        Assert.Equal((1, 1, 5), (ended.FilesRewritten, ended.FilesRemoved, ended.Clicks));
        Assert.NotNull(ended.EndedAtMs);
        Assert.NotEqual(erasure.Number, (await store.RequestErasureAsync("adv1", "key", default)).Number);
        Assert.Empty(await store.ListErasuresAsync("adv2", default));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task An_erasure_takes_counts_rollups_and_late_clicks_of_its_ads_up_to_its_end(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        var store = (ILakeUpkeepStore)file.Store;
        var endMs = DateTimeOffset.Parse("2026-11-24T10:15Z", null).ToUnixTimeMilliseconds();
        var erasure = new Erasure { Number = 1, AdvertiserId = "adv1", RequestedBy = "key", RequestedAtMs = endMs - 1 };
        Assert.Equal(endMs, erasure.BeforeMs);
        Assert.Equal(endMs, (erasure with { RequestedAtMs = endMs - (15 * 60_000) }).BeforeMs);
        string[] times = ["2026-11-01T00:00Z", "2026-11-23T23:59Z", "2026-11-24T00:00Z", "2026-11-24T10:14Z", "2026-11-24T10:15Z", "2026-11-24T23:59Z", "2026-11-25T00:00Z"];
        string[] ads = ["a1", "a2", "other"];
        await file.FlushAsync([.. times.SelectMany(time => ads.SelectMany(ad => (MinuteCount[])
        [
            new MinuteCount(ad, 0, TestStore.Minute(time), ClickOutcome.Accepted, 1), new MinuteCount(ad, 5, TestStore.Minute(time), ClickOutcome.Bot, 1),
        ]))]);
        await file.Store.FlushAsync(file.FlushOf() with { LateClicks = [.. ads.SelectMany(ad => times.Select(time => file.Late(ad, time)))] }, default);
        await file.SetClockAsync("2026-11-26T00:00Z");
        await file.RollUpAllAsync();
        await file.FlushAsync(new MinuteCount("a1", 0, TestStore.Minute("2026-11-01T00:00Z"), ClickOutcome.Duplicate, 9)); // marked, not rolled up

        await store.RequestErasureAsync("adv1", "key", default);
        var turn = (await store.TryTakeTurnAsync(Turn, default))!.Value;
        for (long? position = 0; position is { } from;)
        {
            position = await store.EraseCountsAsync(turn, erasure, ["a1", "a2", "unknown"], from, default);
        }

        foreach (var again in (bool[])[false, true])
        {
            foreach (var granularity in (Granularity[])[Granularity.Minute, Granularity.QuarterHour, Granularity.Hour, Granularity.Day])
            {
                var from = granularity == Granularity.Minute ? "2026-11-23T12:00Z" : "2026-10-30T00:00Z";
                foreach (var ad in ads)
                {
                    var report = await file.AskAsync(ad, from, "2026-11-26T00:00Z", granularity);
                    var wanted = times.Where(time => string.CompareOrdinal(time, ad == "other" ? from : "2026-11-24T10:15Z") >= 0).ToList();
                    Assert.Equal((wanted.Count, wanted.Count, wanted.Count), (report.Total.Clicks, report.Total.Bot, report.Total.Late));
                    Assert.True(wanted.Select(time => DateTimeOffset.Parse(time, null)).Min() >= report.Series[0].Start);
                    Assert.Equal(0, report.Total.Duplicates);
                }
            }

            if (!again)
            {
                await file.RollUpAllAsync(); // what is computed again has not come back
            }
        }

        Assert.True((await store.ListErasuresAsync(null, default))[0].Counts >= 4 * 2 * 4);
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task Repeats_are_found_by_minute(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        var store = (IRepeatStore)file.Store;
        var minute = TestStore.Minute("2026-11-24T01:00Z");
        await file.FlushAsync(
            new MinuteCount("a1", 0, minute, ClickOutcome.Repeat, 2), new MinuteCount("a1", 1, minute, ClickOutcome.Repeat, 3), new MinuteCount("a1", 0, minute, ClickOutcome.Accepted, 9),
            new MinuteCount("a1", 0, minute + 500, ClickOutcome.Repeat, 4), new MinuteCount("a2", 0, minute, ClickOutcome.Repeat, 5));
        await file.Store.FlushAsync(file.FlushOf() with { LateClicks = [file.Late("a1", "2026-11-24T01:00Z", ClickOutcome.Repeat), file.Late("a1", "2026-11-24T01:00Z")] }, default);
        Assert.Equal([(minute, 6L), (minute + 500, 4L)], await store.FindRepeatsAsync("a1", minute, minute + 501, default));
        Assert.Equal([(minute, 6L)], await store.FindRepeatsAsync("a1", minute - 10_000, minute + 500, default));
        Assert.Equal([], await store.FindRepeatsAsync("nobody", 0, minute * 2, default));
    }

    private static async Task ArchiveAsync(TestStore file, int partition, long first, long end, params (string Name, int Hour)[] files)
    {
        var store = (IArchiveStore)file.Store;
        var owner = new ArchiveOwner(file.Log.Epoch, partition, 1);
        await store.StartArchiveAsync(owner, 0, 0, default);
        await store.CommitCutAsync(
            new ArchiveCut
            {
                Owner = owner,
                FirstOffset = first,
                EndOffset = end,
                ClockMs = end,
                Files = [.. files.Select(each => new LakeFile(each.Name, each.Hour, 3, 5, new byte[32]))],
                IsLost = files.Length == 0,
            },
            default);
    }

    private static async Task<List<string>> NamesAsync(ILakeIndex index, TestStore file, int[]? partitions, int firstHour, int endHour) =>
        [.. (await index.FindLakeFilesAsync(file.Log.Epoch, partitions, firstHour, endHour, default)).OrderBy(each => each.Partition).ThenBy(each => each.File.Name, StringComparer.Ordinal)
            .Select(each => each.File.Name)];
}
