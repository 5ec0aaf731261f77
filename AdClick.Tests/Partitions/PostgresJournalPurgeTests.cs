using AdClick.Actors.Ads;
using AdClick.Actors.Metrics;
using AdClick.Actors.Partitions;
using AdClick.Tests.Support;
using Npgsql;
using Xunit;

namespace AdClick.Tests.Partitions;

public sealed class PostgresJournalPurgeTests
{
    private static readonly Guid Epoch = Guid.NewGuid();

    [PostgresFact]
    public async Task Rows_below_the_bound_go_in_batches_the_newest_stays_and_other_partitions_and_logs_are_not_touched()
    {
        await using var database = await TestDatabase.CreateAsync(TestDatabases.Postgres!);
        await using var journal = TestJournal.OpenPostgres(database);
        await using var harness = new PartitionHarness(journal);
        var many = new AdDelta { AdId = "ad" };
        foreach (var partition in (int[])[1, 2, 10])
        {
            await TestJournal.WriteAsync(harness.System, Id(partition), many, new CheckpointReached());
        }

        // Many more of the kind.
        await database.RunAsync(
            $"""
            INSERT INTO adclick_journal.journal (created, deleted, persistence_id, sequence_number, message, tags, manifest, identifier, writer_uuid)
            SELECT created, deleted, persistence_id, sequence_number + 2 * i, message, tags, manifest, identifier, writer_uuid
            FROM adclick_journal.journal, generate_series(1, CASE persistence_id WHEN '{Id(1)}' THEN 199 ELSE 2 END) AS i
            """);

        Assert.Equal(300, await journal.Purge.PurgeAsync([Row(1, purgeBelow: 301), Row(2, purgeBelow: 0)], default)); // three batches
        Assert.Equal(0, await journal.Purge.PurgeAsync([Row(1, purgeBelow: 301), Row(2, purgeBelow: 0)], default));
        Assert.Equal(Enumerable.Range(301, 100), SequenceNumbers(1));
        Assert.Equal(99, await journal.Purge.PurgeAsync([Row(1, purgeBelow: 10_000), Row(1, 10_000) with { LogEpoch = Guid.NewGuid() }], default));
        Assert.Equal([400], SequenceNumbers(1));
        Assert.Equal(Enumerable.Range(1, 6), SequenceNumbers(2));
        Assert.Equal(Enumerable.Range(1, 6), SequenceNumbers(10));

        await TestJournal.WriteAsync(harness.System, Id(1), many, new CheckpointReached { Offset = 200 });
        Assert.Equal([400, 401, 402], SequenceNumbers(1)); // the numbering goes on

        IEnumerable<int> SequenceNumbers(int partition) => journal.Read(Id(partition)).Select(row => (int)row.SequenceNr);
    }

    [PostgresFact]
    public async Task A_journal_without_a_table_has_nothing_to_purge_and_one_that_is_away_is_said_to_be()
    {
        NpgsqlDataSource source;
        await using (var database = await TestDatabase.CreateAsync(TestDatabases.Postgres!))
        {
            source = NpgsqlDataSource.Create(database.ConnectionString);
            Assert.Equal(0, await new PostgresJournalPurge(source).PurgeAsync([Row(1, 5)], default));
        }

        await using (source)
        {
            await Assert.ThrowsAsync<MetricsStoreUnavailableException>(() => new PostgresJournalPurge(source).PurgeAsync([Row(1, 5)], default));
        }
    }

    private static string Id(int partition) => PartitionActor.PersistenceIdOf(Epoch, partition);

    private static PartitionProgress Row(int partition, long purgeBelow) =>
        new() { LogEpoch = Epoch, Partition = partition, OwnerEpoch = 1, PurgeBelow = purgeBelow };
}
