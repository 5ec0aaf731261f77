using AdClick.Actors.Metrics;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Metrics;

public sealed class ArchiveStoreTests
{
    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task An_archive_begins_once_and_goes_on_cut_by_cut(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind, partitions: 2);
        var store = (IArchiveStore)file.Store;
        var owner = new ArchiveOwner(file.Log.Epoch, 1, 1);
        Assert.Equal(new ArchiveProgress(5, 70), await store.StartArchiveAsync(owner, 5, 70, default));
        Assert.Equal(new ArchiveProgress(5, 70), await store.StartArchiveAsync(owner, 9, 90, default));

        await store.CommitCutAsync(Cut(owner, 5, 8, "a", "b"), default);
        await store.CommitCutAsync(Cut(owner, 8, 9) with { IsLost = true }, default);
        await file.ReopenAsync();
        store = (IArchiveStore)file.Store;
        Assert.Equal(new ArchiveProgress(9, 9000), await store.StartArchiveAsync(owner, 0, 0, default));
        Assert.Equal(["a", "b"], (await store.ListLakeFilesAsync(owner, default)).Order());
        Assert.Empty(await store.ListLakeFilesAsync(owner with { Partition = 0 }, default));
        Assert.Equal(1, await file.ReadAsync("SELECT count(*) FROM lake_gaps WHERE partition = 1 AND first_offset = 8 AND end_offset = 9"));
        Assert.Equal(2, await file.ReadAsync("SELECT count(*) FROM lake_files WHERE end_offset = 8 AND hour = 7 AND bytes = 3"));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task A_cut_that_does_not_follow_the_last_one_is_refused(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        var store = (IArchiveStore)file.Store;
        var owner = new ArchiveOwner(file.Log.Epoch, 0, 1);
        await store.StartArchiveAsync(owner, 0, 0, default);
        await store.CommitCutAsync(Cut(owner, 0, 4, "a"), default);
        await Assert.ThrowsAsync<InvalidOperationException>(() => store.CommitCutAsync(Cut(owner, 0, 4, "b"), default));
        await Assert.ThrowsAsync<InvalidOperationException>(() => store.CommitCutAsync(Cut(owner, 5, 6, "b"), default));
        Assert.Equal(["a"], await store.ListLakeFilesAsync(owner, default));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task A_former_owner_changes_and_learns_nothing(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        var store = (IArchiveStore)file.Store;
        var former = new ArchiveOwner(file.Log.Epoch, 0, 1);
        await store.StartArchiveAsync(former, 0, 0, default);
        await file.Store.AcquireAsync(file.Log, 0, default);

        await Assert.ThrowsAsync<StaleOwnerException>(() => store.StartArchiveAsync(former, 0, 0, default));
        await Assert.ThrowsAsync<StaleOwnerException>(() => store.ListLakeFilesAsync(former, default));
        await Assert.ThrowsAsync<StaleOwnerException>(() => store.CommitCutAsync(Cut(former, 0, 4, "a"), default));
        Assert.Empty(await store.ListLakeFilesAsync(former with { OwnerEpoch = 2 }, default));
    }

    private static ArchiveCut Cut(ArchiveOwner owner, long first, long end, params string[] names) => new()
    {
        Owner = owner,
        FirstOffset = first,
        EndOffset = end,
        ClockMs = end * 1000,
        Files = [.. names.Select(name => new LakeFile(name, 7, 2, 3, new byte[32]))],
    };
}
