namespace AdClick.Actors.Metrics.Postgres;

/// <summary>
/// Ends sessions that hold a new owner up because their client says nothing. A node that is frozen in the middle of a flush keeps the partition's row locked: its connection is alive, and while the server waits for the rest
/// of a COPY neither <c>statement_timeout</c> nor <c>idle_in_transaction_session_timeout</c> ends it.
/// </summary>
internal static class PostgresSilentSessions
{
    /// <summary>How long a client may be silent while somebody waits for its locks; between two statements of ours lie milliseconds.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    // What waits for a lock, or works, is left alone: only its own client can be what it waits for.
    private const string EndBlocking =
        """
        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE pid = ANY (pg_blocking_pids($1)) AND usename = current_user AND wait_event_type = 'Client'
            AND greatest(state_change, query_start) < clock_timestamp() - make_interval(secs => $2)
        """;

    /// <summary>Runs work in a transaction, and ends silent sessions that it has to wait for.</summary>
    public static async Task<T> EndWhileAsync<T>(PostgresDatabase database, Func<PostgresSession, Task<T>> work, CancellationToken cancellationToken)
    {
        var process = 0;
        var working = database.WriteAsync(
            session =>
            {
                Volatile.Write(ref process, session.Connection.ProcessID);
                return work(session);
            },
            cancellationToken);
        while (await Task.WhenAny(working, Task.Delay(Patience, cancellationToken)).ConfigureAwait(false) != working)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                break;
            }

            if (Volatile.Read(ref process) is var waiting and not 0)
            {
                try
                {
                    await database.WriteAsync(
                        session => session.ReadValueAsync(EndBlocking, waiting, Patience.TotalSeconds), cancellationToken).ConfigureAwait(false);
                }
                catch (MetricsStoreUnavailableException)
                {
                    // The work itself finds out what is wrong.
                }
            }
        }

        return await working.ConfigureAwait(false);
    }
}
