using AdClick.Actors.Partitions;
using AdClick.Tests.Partitions;
using AdClick.Tests.Support;
using Akka.Actor;
using Akka.Persistence;
using Xunit;

namespace AdClick.Tests.Journal;

public sealed class SnapshotSaveFailureTests
{
    [Fact]
    public Task In_SQLite_a_snapshot_that_was_written_stays_although_its_saving_failed() => AssertStaysAsync(JournalKind.Sqlite);

    [PostgresFact]
    public Task In_PostgreSQL_a_snapshot_that_was_written_stays_although_its_saving_failed() => AssertStaysAsync(JournalKind.Postgres);

    // A partition that recovers just then builds on it.
    private static async Task AssertStaysAsync(JournalKind kind)
    {
        using var folder = new TestFolder();
        await using var journal = await TestJournal.OpenAsync(kind, folder);
        var failure = new CrashPoint("after snapshot save", 1, survives: true);
        await using var harness = new PartitionHarness(journal, journal.CrashingHocon, new CrashPointSetup(failure));
        var store = Persistence.Instance.Apply(harness.System).SnapshotStoreFor(string.Empty);
        var snapshot = new PartitionSnapshot { Checkpoint = new CheckpointReached { Offset = 7 } };

        // Its tables are made when the first snapshot is looked for.
        Assert.Null((await AskAsync<LoadSnapshotResult>(new LoadSnapshot("partition", SnapshotSelectionCriteria.Latest, long.MaxValue))).Snapshot);
        await AskAsync<SaveSnapshotFailure>(new SaveSnapshot(new SnapshotMetadata("partition", 3, DateTime.UnixEpoch), snapshot));
        await AskAsync<DeleteSnapshotsSuccess>(new DeleteSnapshots("partition", new SnapshotSelectionCriteria(2))); // behind whatever the store began by itself
        var loaded = await AskAsync<LoadSnapshotResult>(new LoadSnapshot("partition", SnapshotSelectionCriteria.Latest, long.MaxValue));

        Assert.Equal(3, loaded.Snapshot?.Metadata.SequenceNr);
        Assert.Equal(snapshot, loaded.Snapshot?.Snapshot);

        Task<T> AskAsync<T>(object message) => store.Ask<T>(message, TimeSpan.FromMinutes(2));
    }
}
