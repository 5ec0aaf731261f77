using System.Data.Common;
using AdClick.Actors.Ads;
using AdClick.Actors.Hosting;
using AdClick.Actors.Journal;
using AdClick.Actors.Partitions;
using AdClick.Tests.Support;
using Akka.Actor;
using Akka.Persistence;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace AdClick.Tests.Partitions;

/// <summary>A journal with its snapshots; looks into what partitions wrote, and writes what no partition would.</summary>
internal abstract class TestJournal : IAsyncDisposable
{
    private TestJournal()
    {
    }

    /// <summary>Settings that name it.</summary>
    public abstract string Hocon { get; }

    /// <summary>Settings that put a <see cref="CrashPoint"/> into it.</summary>
    public abstract string CrashingHocon { get; }

    public abstract IJournalPurge Purge { get; }

    protected abstract string Table { get; }

    /// <summary>Opens the journal of a folder, or an empty one in a database of its own.</summary>
    public static async Task<TestJournal> OpenAsync(JournalKind kind, TestFolder folder) => kind == JournalKind.Sqlite
        ? OpenSqlite(folder)
        : new InPostgres(await TestDatabase.CreateAsync(TestDatabases.Postgres!), ownsDatabase: true);

    /// <summary>Opens the journal of a folder.</summary>
    public static TestJournal OpenSqlite(TestFolder folder) => new InSqlite(folder);

    /// <summary>Opens the journal in a database that goes on when this ends.</summary>
    public static TestJournal OpenPostgres(TestDatabase database) => new InPostgres(database, ownsDatabase: false);

    /// <summary>Sequence number and message of every row, in order.</summary>
    public IReadOnlyList<(long SequenceNr, object Message)> Read(string persistenceId)
    {
        using var connection = Connect();
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT sequence_number, manifest, message FROM {Table} WHERE persistence_id = @id ORDER BY sequence_number";
        var id = command.CreateParameter();
        (id.ParameterName, id.Value) = ("id", persistenceId);
        command.Parameters.Add(id);
        var read = new List<(long, object)>();
        try
        {
            using var rows = command.ExecuteReader();
            while (rows.Read())
            {
                var bytes = (byte[])rows[2];
                read.Add(
                    (rows.GetInt64(0), rows.GetString(1) == "C" ? CheckpointReached.Parser.ParseFrom(bytes) : PartitionDelta.Parser.ParseFrom(bytes)));
            }
        }
        catch (DbException e) when (e is PostgresException { SqlState: PostgresErrorCodes.UndefinedTable } or SqliteException { SqliteErrorCode: 1 })
        {
            // No table yet: nothing was ever written.
        }

        return read;
    }

    /// <summary>The checkpoints among the rows.</summary>
    public IReadOnlyList<CheckpointReached> Checkpoints(string persistenceId) =>
        [.. Read(persistenceId).Select(row => row.Message).OfType<CheckpointReached>()];

    /// <summary>Writes a checkpoint of one ad.</summary>
    public static async Task WriteAsync(ActorSystem system, string persistenceId, AdDelta delta, CheckpointReached checkpoint)
    {
        var writer = system.ActorOf(Props.Create(() => new Writer(persistenceId)));
        await writer.Ask<string>(new object[] { new PartitionDelta { Ads = { delta } }, checkpoint }, TimeSpan.FromSeconds(30));
        await writer.GracefulStop(TimeSpan.FromSeconds(30));
    }

    public abstract ValueTask DisposeAsync();

    protected abstract DbConnection Connect();

    private sealed class InSqlite(TestFolder folder) : TestJournal
    {
        public override string Hocon => AdClickAkkaExtensions.SqlitePersistence(folder["journal.db"], folder["snapshots.db"]);

        public override string CrashingHocon =>
            """
            akka.persistence.journal.sqlite.class = "AdClick.Tests.Partitions.CrashingJournal, AdClick.Tests"
            akka.persistence.snapshot-store.sqlite.class = "AdClick.Tests.Partitions.CrashingSnapshotStore, AdClick.Tests"

            """;

        public override IJournalPurge Purge => new SqliteJournalPurge(folder["journal.db"]);

        protected override string Table => "journal";

        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;

        protected override DbConnection Connect() => new SqliteConnection($"Data Source={folder["journal.db"]};Pooling=false");
    }

    private sealed class InPostgres(TestDatabase database, bool ownsDatabase) : TestJournal
    {
        private readonly NpgsqlDataSource _source = NpgsqlDataSource.Create(database.ConnectionString);

        public override string Hocon => AdClickAkkaExtensions.PostgresPersistence(database.ConnectionString);

        public override string CrashingHocon =>
            """
            akka.persistence.journal.postgres.class = "AdClick.Tests.Partitions.CrashingPostgresJournal, AdClick.Tests"
            akka.persistence.snapshot-store.postgres.class = "AdClick.Tests.Partitions.CrashingPostgresSnapshotStore, AdClick.Tests"

            """;

        public override IJournalPurge Purge => new PostgresJournalPurge(_source);

        protected override string Table => PostgresJournalTables.Journal;

        public override async ValueTask DisposeAsync()
        {
            await _source.DisposeAsync();
            if (ownsDatabase)
            {
                await database.DisposeAsync();
            }
        }

        protected override DbConnection Connect() => _source.CreateConnection();
    }

    private sealed class Writer : UntypedPersistentActor
    {
        public Writer(string persistenceId) => PersistenceId = persistenceId;

        public override string PersistenceId { get; }

        protected override void OnCommand(object message)
        {
            var sender = Sender;
            var events = (object[])message;
            PersistAllAsync(events, persisted =>
            {
                if (ReferenceEquals(persisted, events[^1]))
                {
                    sender.Tell("written");
                }
            });
        }

        protected override void OnRecover(object message)
        {
        }
    }
}
