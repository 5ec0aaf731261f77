using AdClick.Actors.Journal;
using AdClick.Actors.Partitions;
using AdClick.Tests.Partitions;
using AdClick.Tests.Support;
using Npgsql;
using Xunit;

namespace AdClick.Tests.Journal;

/// <summary>The journal's tables come by themselves, and are left alone when they are there.</summary>
public sealed class PostgresJournalTests
{
    [PostgresFact]
    public async Task Nodes_that_start_at_once_on_an_empty_database_all_find_the_tables_with_the_fence()
    {
        await using var database = await TestDatabase.CreateAsync(TestDatabases.Postgres!);
        var nodes = Enumerable.Range(0, 8).Select(_ => new PostgresJournalTables(database.ConnectionString)).ToList();
        await Task.WhenAll(nodes.SelectMany(node => (Task[])[Task.Run(node.EnsureAsync), Task.Run(node.EnsureAsync)]));
        Assert.All(nodes, node => Assert.True(node.AreThere));
        Assert.Equal("PRIMARY KEY (persistence_id, sequence_number)", await database.RunAsync(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'journal_uq' AND conrelid = 'adclick_journal.journal'::regclass"));
    }

    [PostgresFact]
    public async Task A_user_who_may_not_create_anything_uses_tables_that_are_there()
    {
        await using var database = await TestDatabase.CreateAsync(TestDatabases.Postgres!);
        var user = $"{database.Name}_user";
        await database.RunAsync($"CREATE ROLE {user} LOGIN PASSWORD 'p'");
        try
        {
            var asUser = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Username = user, Password = "p", Pooling = false }.ConnectionString;
            var tables = new PostgresJournalTables(asUser);
            var refused = await Assert.ThrowsAsync<PostgresException>(tables.EnsureAsync);
            Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
            Assert.False(tables.AreThere);

            await new PostgresJournalTables(database.ConnectionString).EnsureAsync();
            await tables.EnsureAsync(); // a failure is not remembered
            Assert.True(tables.AreThere);
        }
        finally
        {
            await database.DisposeAsync();
            await using var server = NpgsqlDataSource.Create(TestDatabases.Postgres!);
            await using var drop = server.CreateCommand($"DROP ROLE {user}");
            await drop.ExecuteNonQueryAsync();
        }
    }

    [PostgresFact]
    public async Task A_node_starts_and_checkpoints_while_a_backup_reads_the_journal()
    {
        await using var database = await TestDatabase.CreateAsync(TestDatabases.Postgres!);
        await new PostgresJournalTables(database.ConnectionString).EnsureAsync();
        await using var backup = new NpgsqlConnection(database.ConnectionString);
        await backup.OpenAsync();
        await using var reading = await backup.BeginTransactionAsync();
        await using (var dump = new NpgsqlCommand("LOCK TABLE adclick_journal.journal, adclick_journal.snapshot IN ACCESS SHARE MODE", backup))
        {
            await dump.ExecuteNonQueryAsync();
        }

        await using var journal = TestJournal.OpenPostgres(database);
        await using var harness = new PartitionHarness(journal);
        var (log, store) = (new InMemoryClickLog(1), new InMemoryMetricsStore());
        log.Append(0, TestClick.Start, TestClick.Record("ad", 1, 1, TestClick.Start));
        var context = PartitionHarness.Context(log, store);
        var entity = harness.Start(context);
        await Board.WaitForAsync(context.Board, board => board.Any(status => status.CheckpointOffset == 1), "a checkpoint beside the backup");
        await PartitionHarness.HandOffAsync(entity);
        await reading.RollbackAsync();
    }
}
