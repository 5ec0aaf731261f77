using System.Globalization;
using SQLitePCL;

namespace AdClick.Actors.Metrics.Sqlite;

/// <summary>
/// One connection, used by one thread at a time. Straight on SQLite's own calls: a flush steps one prepared statement tens of thousands of times a
/// second, for which Microsoft.Data.Sqlite makes a command, a reader and named parameters each time; and its busy wait sleeps where SQLite's own
/// polls.
/// </summary>
internal sealed class SqliteDatabase : IDisposable
{
    private const int BusyTimeoutMs = 5_000;

    private readonly Dictionary<string, SqliteStatement> _statements = [];
    private readonly sqlite3 _handle;

    static SqliteDatabase() => Batteries_V2.Init();

    private SqliteDatabase(string file, sqlite3 handle)
    {
        File = file;
        _handle = handle;
    }

    /// <summary>The database file.</summary>
    public string File { get; }

    /// <summary>Rows that the last statement changed.</summary>
    public int Changes => raw.sqlite3_changes(_handle);

    private bool IsInTransaction => raw.sqlite3_get_autocommit(_handle) == 0;

    /// <summary>Opens a database file.</summary>
    /// <param name="file">Path.</param>
    /// <param name="create">Whether it is created when it is not there.</param>
    /// <exception cref="MetricsStoreUnavailableException">It can't be opened now.</exception>
    public static SqliteDatabase Open(string file, bool create)
    {
        // Never read-only: the first reader after a crash has to recover the write-ahead log.
        var flags = raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_NOMUTEX | (create ? raw.SQLITE_OPEN_CREATE : 0);
        var result = raw.sqlite3_open_v2(file, out var handle, flags, null);
        var database = new SqliteDatabase(file, handle);
        try
        {
            database.Check(result);
            database.Check(raw.sqlite3_extended_result_codes(handle, 1));
            database.Check(raw.sqlite3_busy_timeout(handle, BusyTimeoutMs));
            return database;
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    /// <summary>A statement, prepared at its first use and kept. Reset it after use: an open one holds its snapshot.</summary>
    public SqliteStatement Prepare(string sql)
    {
        if (!_statements.TryGetValue(sql, out var statement))
        {
            Check(raw.sqlite3_prepare_v3(_handle, sql, raw.SQLITE_PREPARE_PERSISTENT, out var handle));
            _statements.Add(sql, statement = new SqliteStatement(this, handle));
        }

        return statement;
    }

    /// <summary>Runs statements without parameters or results, separated by semicolons.</summary>
    public void Execute(string sql) => Check(raw.sqlite3_exec(_handle, sql));

    /// <summary>Runs one prepared statement without parameters.</summary>
    public void Run(string sql) => Prepare(sql).Run();

    /// <summary>The first column of the first row, or 0.</summary>
    public long ReadInt64(string sql)
    {
        var statement = Prepare(sql);
        var value = statement.Step() ? statement.Int64(0) : 0;
        statement.Reset();
        return value;
    }

    /// <summary>The first column of the first row as text.</summary>
    public string ReadText(string sql)
    {
        var statement = Prepare(sql);
        var value = statement.Step() ? statement.Text(0) : "";
        statement.Reset();
        return value;
    }

    /// <summary>Sets a pragma; its answer, if it gives one, is not looked at.</summary>
    public void Pragma(string name, long value) => Execute(string.Create(CultureInfo.InvariantCulture, $"PRAGMA {name} = {value}"));

    /// <summary>Ends whatever statements are under way and takes back the open transaction, if any. Never throws: it runs after a failure.</summary>
    public void Abandon()
    {
        foreach (var statement in _statements.Values)
        {
            statement.Reset();
        }

        if (IsInTransaction)
        {
            _ = raw.sqlite3_exec(_handle, "ROLLBACK"); // where SQLite can't even do that, closing the connection does
        }
    }

    /// <summary>
    /// Makes the running statement fail with <see cref="OperationCanceledException"/>. May be called from any thread while the database is open.
    /// </summary>
    public void Interrupt() => raw.sqlite3_interrupt(_handle);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var statement in _statements.Values)
        {
            statement.Dispose();
        }

        _statements.Clear();
        _handle.Dispose();
    }

    internal void Check(int result)
    {
        if (result is not (raw.SQLITE_OK or raw.SQLITE_ROW or raw.SQLITE_DONE))
        {
            throw SqliteErrors.ToException(File, result, raw.sqlite3_errmsg(_handle).utf8_to_string());
        }
    }
}
