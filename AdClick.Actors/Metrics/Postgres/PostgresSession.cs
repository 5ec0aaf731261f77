using System.Globalization;
using Npgsql;
using NpgsqlTypes;

namespace AdClick.Actors.Metrics.Postgres;

/// <summary>A connection within a transaction. Statements that are given together go to the server in one round trip.</summary>
internal sealed class PostgresSession(NpgsqlConnection connection, TimeSpan timeout, CancellationToken cancellationToken)
{
    // The server gives up first, which leaves the connection in order.
    private readonly int _clientTimeoutSeconds = (int)timeout.TotalSeconds + 5;

    /// <summary>The connection, for COPY.</summary>
    public NpgsqlConnection Connection => connection;

    /// <summary>Ends when whoever asked no longer waits.</summary>
    public CancellationToken CancellationToken => cancellationToken;

    /// <summary>
    /// A statement with its parameters $1, $2, … A text array that is the only one must be cast to object, or it would be taken for all of them.
    /// </summary>
    public static NpgsqlBatchCommand Sql(string text, params ReadOnlySpan<object?> parameters)
    {
        var command = new NpgsqlBatchCommand(text);
        foreach (var value in parameters)
        {
            command.Parameters.Add(value is null
                ? new NpgsqlParameter { Value = DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text }
                : new NpgsqlParameter { Value = value });
        }

        return command;
    }

    /// <summary>Sets a setting until the end of the transaction.</summary>
    public static NpgsqlBatchCommand Limit(string setting, TimeSpan time) =>
        Sql("SELECT set_config($1, $2, true)", setting, ((long)time.TotalMilliseconds).ToString(CultureInfo.InvariantCulture));

    /// <summary>Runs statements; the results of those that give rows come one after the other.</summary>
    public Task<NpgsqlDataReader> ReadAsync(params IEnumerable<NpgsqlBatchCommand> statements) =>
        Batch(statements).ExecuteReaderAsync(cancellationToken);

    /// <summary>Runs statements whose rows nobody wants; returns how many rows they have written.</summary>
    public async Task<int> RunAsync(params IEnumerable<NpgsqlBatchCommand> statements) =>
        Math.Max(0, await Batch(statements).ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false));

    /// <summary>First column of the first row, or null.</summary>
    public async Task<object?> ReadValueAsync(string text, params object[] parameters) =>
        await Batch([Sql(text, parameters)]).ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);

    private NpgsqlBatch Batch(IEnumerable<NpgsqlBatchCommand> statements)
    {
        var batch = new NpgsqlBatch(connection) { Timeout = _clientTimeoutSeconds };
        foreach (var statement in statements)
        {
            batch.BatchCommands.Add(statement);
        }

        return batch;
    }
}
