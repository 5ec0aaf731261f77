using Npgsql;

namespace AdClick.Actors.Journal;

/// <summary>
/// The tables of journal and snapshots in PostgreSQL, created when they are first needed. They are those that Akka.Persistence.Sql 1.5.73 makes with its
/// default table mapping, less the indexes on columns by which nobody here searches.
/// </summary>
internal sealed class PostgresJournalTables(string connectionString)
{
    /// <summary>The journal's table.</summary>
    public const string Journal = "adclick_journal.journal";

    /// <summary>The snapshots' table.</summary>
    public const string Snapshot = "adclick_journal.snapshot";

    private const string Create =
        """
        CREATE SCHEMA IF NOT EXISTS adclick_journal;
        CREATE TABLE adclick_journal.journal (
            ordering bigint GENERATED ALWAYS AS IDENTITY,
            created bigint NOT NULL,
            deleted boolean NOT NULL,
            persistence_id text NOT NULL,
            sequence_number bigint NOT NULL,
            message bytea NOT NULL,
            tags text,
            manifest text,
            identifier integer,
            writer_uuid text,
            -- The fence: of two owners who think that a partition is theirs, one fails here.
            CONSTRAINT journal_uq PRIMARY KEY (persistence_id, sequence_number)
        );
        CREATE TABLE adclick_journal.snapshot (
            persistence_id text NOT NULL,
            sequence_number bigint NOT NULL,
            created bigint NOT NULL,
            snapshot bytea,
            manifest text,
            serializer_id integer,
            CONSTRAINT snapshot_uq PRIMARY KEY (persistence_id, sequence_number)
        );
        """;

    // Any number that nobody else locks in this database: "adclickj" in ASCII.
    private const long LockKey = 0x616463_6c69636b_6a;

    private readonly Lock _gate = new();
    private Task _creating = Task.CompletedTask;
    private volatile bool _areThere;

    /// <summary>Whether they were seen.</summary>
    public bool AreThere => _areThere;

    /// <summary>Ends when the tables are there. Who asks while they are being created waits for the same attempt; after a failure the next one tries again.</summary>
    /// <exception cref="NpgsqlException">The database can't answer now, or doesn't let this user create them.</exception>
    public Task EnsureAsync()
    {
        if (AreThere)
        {
            return Task.CompletedTask;
        }

        lock (_gate)
        {
            if (_creating.IsCompleted && !AreThere)
            {
                _creating = CreateAsync();
            }

            return _creating;
        }
    }

    private async Task CreateAsync()
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();

        // Looked for first: a user who may not create anything can use tables that another made. IF NOT EXISTS would refuse him.
        if (!await AreInAsync(connection))
        {
            await using var transaction = await connection.BeginTransactionAsync();

            // Two nodes that start at once would both find nothing, and one would fail.
            await RunAsync(connection, $"SELECT pg_advisory_xact_lock({LockKey})");
            if (!await AreInAsync(connection))
            {
                await RunAsync(connection, Create);
            }

            await transaction.CommitAsync();
        }

        _areThere = true;
    }

    private static async Task<bool> AreInAsync(NpgsqlConnection connection) =>
        await RunAsync(
            connection, "SELECT count(*) = 2 FROM pg_tables WHERE schemaname = 'adclick_journal' AND tablename IN ('journal', 'snapshot')")
            is true;

    private static async Task<object?> RunAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
