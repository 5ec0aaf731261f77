using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Sqlite;
using AdClick.Actors.Partitions;
using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Akka.Persistence.Sql;
using Xunit;

namespace AdClick.Tests.Partitions;

public sealed class SqliteJournalPurgeTests : IDisposable
{
    private static readonly Guid Epoch = Guid.NewGuid();

    private readonly string _folder = Directory.CreateTempSubdirectory("adclick-purge-").FullName;

    private string JournalFile => Path.Combine(_folder, "journal.db");

    public void Dispose()
    {
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Rows_below_the_bound_go_and_recovery_goes_on_from_the_rest()
    {
        Assert.Equal(Enumerable.Range(1, 100), await WriteAndRecoverAsync(partition: 1, events: 100));
        await WriteAndRecoverAsync(partition: 2, events: 5);
        var purge = new SqliteJournalPurge(JournalFile);

        Assert.Equal(40, await purge.PurgeAsync([Row(1, purgeBelow: 41), Row(2, purgeBelow: 0)], default));
        Assert.Equal(0, await purge.PurgeAsync([Row(1, purgeBelow: 41), Row(2, purgeBelow: 0)], default));
        Assert.Equal(Enumerable.Range(41, 61), await WriteAndRecoverAsync(partition: 1, events: 1));
        Assert.Equal(Enumerable.Range(1, 6), await WriteAndRecoverAsync(partition: 2, events: 1));
    }

    [Fact]
    public async Task The_newest_row_stays_whatever_the_bound()
    {
        await WriteAndRecoverAsync(partition: 1, events: 10);

        Assert.Equal(9, await new SqliteJournalPurge(JournalFile).PurgeAsync([Row(1, purgeBelow: 1_000)], default));
        Assert.Equal([10, 11], await WriteAndRecoverAsync(partition: 1, events: 1)); // the numbering goes on
    }

    [Fact]
    public async Task Rows_of_another_log_or_partition_are_not_touched()
    {
        await WriteAndRecoverAsync(partition: 1, events: 5);
        var purge = new SqliteJournalPurge(JournalFile);

        Assert.Equal(0, await purge.PurgeAsync([Row(10, 100), Row(1, 100) with { LogEpoch = Guid.NewGuid() }], default));
    }

    [Fact]
    public async Task A_journal_without_a_table_has_nothing_to_purge_and_one_that_is_not_there_is_named()
    {
        await Assert.ThrowsAsync<MetricsStoreUnavailableException>(() => new SqliteJournalPurge(JournalFile).PurgeAsync([Row(1, 5)], default));
        Assert.False(File.Exists(JournalFile));
        SqliteDatabase.Open(JournalFile, create: true).Dispose();
        Assert.Equal(0, await new SqliteJournalPurge(JournalFile).PurgeAsync([Row(1, 5)], default));
    }

    private static PartitionProgress Row(int partition, long purgeBelow) =>
        new() { LogEpoch = Epoch, Partition = partition, OwnerEpoch = 1, PurgeBelow = purgeBelow };

    /// <summary>
    /// Runs a persistent actor on the journal that Akka.Persistence.Sql itself makes; gives the sequence numbers that a recovery sees afterwards.
    /// </summary>
    private async Task<IReadOnlyList<int>> WriteAndRecoverAsync(int partition, int events)
    {
        var config = ConfigurationFactory.ParseString(
            $$"""
            akka.loglevel = WARNING
            akka.persistence.journal.plugin = "akka.persistence.journal.sql"
            akka.persistence.journal.sql {
              connection-string = "Data Source={{JournalFile}}"
              provider-name = "SQLite.MS"
              read-isolation-level = read-uncommitted
              parallelism = 1
            }
            """).WithFallback(SqlPersistence.DefaultConfiguration);
        using var system = ActorSystem.Create("purge", config);
        var persistenceId = PartitionActor.PersistenceIdOf(Epoch, partition);
        var writer = system.ActorOf(Props.Create(() => new Numbers(persistenceId)));
        for (var i = 0; i < events; i++)
        {
            await writer.Ask<string>("event", TimeSpan.FromSeconds(30));
        }

        await writer.GracefulStop(TimeSpan.FromSeconds(30));
        var reader = system.ActorOf(Props.Create(() => new Numbers(persistenceId)));
        var seen = await reader.Ask<IReadOnlyList<int>>("seen", TimeSpan.FromSeconds(30));
        await system.Terminate();
        return seen;
    }

    private sealed class Numbers : ReceivePersistentActor
    {
        private readonly List<int> _seen = [];

        public Numbers(string persistenceId)
        {
            PersistenceId = persistenceId;
            Recover<string>(_ => _seen.Add((int)LastSequenceNr));
            Command<string>(command => command == "event", _ => Persist("event", _ => Sender.Tell("written")));
            Command<string>(command => command == "seen", _ => Sender.Tell(_seen));
        }

        public override string PersistenceId { get; }
    }
}
