using AdClick.Actors.Ads;
using AdClick.Actors.Metrics;
using AdClick.Actors.Partitions;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Partitions;

/// <summary>What a node goes through before it joins leaves no trace, and keeps no node from joining.</summary>
public sealed class PartitionRehearsalTests : PartitionTest
{
    [Theory, OnSqlite, OnPostgres]
    public async Task A_rehearsal_reads_the_log_from_its_last_record_and_takes_no_partition(JournalKind journal)
    {
        await UseAsync(journal);
        Append(1, 10);
        var watched = new WatchedClickLog(Log);
        await PartitionRehearsal.RunAsync(Harness.System, PartitionHarness.Context(watched, Store));
        Assert.Equal([9], watched.Offsets);

        var context = PartitionHarness.Context(Log, Store);
        Harness.Start(context);
        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        Assert.Equal(1, context.Board.Snapshot()[0].OwnerEpoch);
        AssertCounts(accepted: 10, duplicates: 0);
    }

    [Fact]
    public async Task A_rehearsal_reads_snapshot_and_journal_to_their_end_and_writes_to_neither()
    {
        using var folder = new TestFolder();
        await using var journal = await TestJournal.OpenAsync(JournalKind.Sqlite, folder);
        var watch = new CrashPoint(null, 0);
        await using var harness = new PartitionHarness(journal, journal.CrashingHocon, new CrashPointSetup(watch));
        await TestJournal.WriteAsync(harness.System, PersistenceId, new AdDelta { AdId = "ad" }, new CheckpointReached { AllowedLatenessMs = TestClick.Hour, AliveUntilMs = long.MaxValue });
        var before = watch.Steps;
        await PartitionRehearsal.RunAsync(harness.System, PartitionHarness.Context(Log, Store));
        Assert.Equal(
            ["after journal replay", "after journal sequence number", "after snapshot load"],
            watch.Steps.Where(step => step.Key.StartsWith("after", StringComparison.Ordinal) && step.Value > before.GetValueOrDefault(step.Key))
                .Select(step => step.Key).Order(StringComparer.Ordinal));
    }

    [Theory, OnSqlite, OnPostgres]
    public async Task A_rehearsal_ends_though_the_store_is_away(JournalKind journal)
    {
        await UseAsync(journal);
        Store.Fault = new MetricsStoreUnavailableException("The store is away on purpose.");
        await PartitionRehearsal.RunAsync(Harness.System, PartitionHarness.Context(Log, Store)).WaitAsync(TimeSpan.FromMinutes(2));
    }
}
