using System.Net.Sockets;
using Npgsql;

namespace AdClick.Actors.Metrics.Postgres;

/// <summary>What an error of PostgreSQL (Appendix A of its manual) or of the connection to it means to whoever asked the store.</summary>
internal static class PostgresErrors
{
    private const string IdleInTransactionSessionTimeout = "25P03";

    /// <summary>The exception that a failure stands for; the failure itself where it is not the database's.</summary>
    /// <param name="database">Host, port and name; never the connection string, which holds the password.</param>
    /// <param name="failure">What was thrown.</param>
    public static Exception ToException(string database, Exception failure) => failure switch
    {
        MetricsStoreUnavailableException or MetricsStoreDamagedException => failure,
        PostgresException refused => OfState(database, refused),
        NpgsqlException { InnerException: TimeoutException } => Unavailable(database, "does not answer in time", failure),
        NpgsqlException or SocketException or IOException or TimeoutException => Unavailable(database, "can't be reached", failure),
        _ => failure,
    };

    /// <summary>Whether a statement gave up waiting for a lock.</summary>
    public static bool IsLocked(MetricsStoreUnavailableException failure) =>
        failure.InnerException is PostgresException { SqlState: PostgresErrorCodes.LockNotAvailable };

    private static Exception OfState(string database, PostgresException refused) => refused.SqlState switch
    {
        PostgresErrorCodes.DiskFull => Unavailable(database, "can't be written: its disk is full", refused),
        PostgresErrorCodes.TooManyConnections => Unavailable(
            database, "has no connection free: raise its max_connections, or lower Maximum Pool Size on the nodes", refused),
        PostgresErrorCodes.ReadOnlySqlTransaction => Unavailable(database, "can't be written: it is a standby, or set to read only", refused),
        PostgresErrorCodes.QueryCanceled => Unavailable(database, "took too long, or an administrator stopped the statement", refused),
        PostgresErrorCodes.InsufficientPrivilege => Unavailable(database, "does not give its user the right to do that", refused),
        PostgresErrorCodes.InvalidCatalogName => Unavailable(database, "is not there: create it, or correct ConnectionStrings:AdClick", refused),
        PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.UndefinedFunction
            or PostgresErrorCodes.DuplicateTable or PostgresErrorCodes.DuplicateFunction => new MetricsStoreDamagedException(
                $"The schema of the metrics database {database} is not what this program has made: {Reason(refused)} Nothing was repaired. Give AdClick "
                + "a database or schema of its own, or restore it from a backup.",
                refused),
        PostgresErrorCodes.LockNotAvailable or IdleInTransactionSessionTimeout or PostgresErrorCodes.IoError
            or PostgresErrorCodes.SystemError => Unavailable(database, "can't do that now", refused),
        ['X', 'X', ..] => new MetricsStoreDamagedException(
            $"The metrics database {database} is damaged: {Reason(refused)} Nothing was repaired. Stop its writers, look at the server's log, and "
            + "restore it from a backup together with the journal.",
            refused),
        ['2', '8', ..] => Unavailable(database, "refuses user or password", refused),

        // 08 connection, 40 taken back (deadlock, serialization), 53 resources, 57 intervention (shutting down, starting up, terminated).
        ['0', '8', ..] or ['4', '0', ..] or ['5', '3', ..] or ['5', '7', ..] => Unavailable(database, "can't do that now", refused),
        _ => new InvalidOperationException($"The metrics database {database} refused a statement: {Reason(refused)}", refused),
    };

    private static MetricsStoreUnavailableException Unavailable(string database, string what, Exception failure) =>
        new($"The metrics database {database} {what}: {Reason(failure)}", failure);

    private static string Reason(Exception failure) => failure is PostgresException refused
        ? $"{refused.MessageText} (SQLSTATE {refused.SqlState})."
        : $"{(failure.InnerException is SocketException inner ? inner : failure).Message.TrimEnd('.')}.";
}
