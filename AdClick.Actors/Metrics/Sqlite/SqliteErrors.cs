using SQLitePCL;

namespace AdClick.Actors.Metrics.Sqlite;

/// <summary>What SQLite's result codes (sqlite.org/rescode.html) mean to whoever asked the store.</summary>
internal static class SqliteErrors
{
    private const int PrimaryCodeMask = 0xff;

    /// <summary>The exception that a result code stands for.</summary>
    /// <param name="file">Database file.</param>
    /// <param name="code">Extended result code.</param>
    /// <param name="message">SQLite's own words.</param>
    public static Exception ToException(string file, int code, string message)
    {
        var reason = $"{message} (SQLite error {code})";
        switch (code & PrimaryCodeMask)
        {
            case raw.SQLITE_CORRUPT:
            case raw.SQLITE_NOTADB:
                return new MetricsStoreDamagedException(
                    $"The database {file} is damaged: {reason}. Nothing was repaired. Stop the node, keep a copy of the data folder, and restore it "
                    + "whole (log, journal, snapshots and metrics) from a backup.");
            case raw.SQLITE_FULL:
                return new MetricsStoreUnavailableException($"The database {file} can't be written: the disk is full: {reason}.");
            case raw.SQLITE_READONLY:
            case raw.SQLITE_PERM:
                return new MetricsStoreUnavailableException($"The database {file} can't be written: it or its folder is read-only: {reason}.");
            case raw.SQLITE_BUSY:
            case raw.SQLITE_LOCKED:
            case raw.SQLITE_PROTOCOL:
                return new MetricsStoreUnavailableException($"The database {file} is locked by another process: {reason}.");
            case raw.SQLITE_IOERR:
            case raw.SQLITE_CANTOPEN:
            case raw.SQLITE_NOMEM:
                return new MetricsStoreUnavailableException($"The database {file} can't be reached: {reason}.");
            case raw.SQLITE_INTERRUPT:
                return new OperationCanceledException("The question was taken back.");
            default:
                return new InvalidOperationException($"The database {file} refused a statement: {reason}.");
        }
    }
}
