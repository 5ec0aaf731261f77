using System.Data;
using System.Data.Common;
using Npgsql;

namespace AdClick.Actors.Metrics.Postgres;

/// <summary>
/// The pooled connections to the primary and, where there is one, to a replica. Nothing is opened before it is needed; the first contact brings the
/// schema up to date, and is tried again by whoever comes next when it fails.
/// </summary>
internal sealed class PostgresDatabase : IAsyncDisposable
{
    private static readonly (string Keyword, object Value)[] Defaults =
    [
        ("Application Name", "adclick"),
        ("Max Auto Prepare", 100),
        ("Timeout", 5), // seconds to connect
        ("Tcp Keepalive", true), // so that a dead host is noticed within a minute or so, not after two hours
        ("Tcp Keepalive Time", 15),
        ("Tcp Keepalive Interval", 15),
    ];

    private readonly PostgresStoreOptions _options;
    private readonly NpgsqlDataSource _primary;
    private readonly NpgsqlDataSource? _replica;
    private readonly string _replicaName;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private Task? _ready;
    private bool _isDisposed;

    /// <exception cref="ArgumentException">A connection string is wrong.</exception>
    public PostgresDatabase(PostgresStoreOptions options, TimeProvider time)
    {
        _options = options;
        _time = time;
        (_primary, Name) = Source(options.ConnectionString);
        (_replica, _replicaName) = options.ReplicaConnectionString is { } replica ? Source(replica) : (null, Name);
    }

    /// <summary>Host, port and database, for messages.</summary>
    public string Name { get; }

    /// <summary>Runs work in a transaction that may write. What it throws takes the transaction back.</summary>
    public Task<T> WriteAsync<T>(Func<PostgresSession, Task<T>> work, CancellationToken cancellationToken) => GuardAsync(
        Name,
        async () =>
        {
            await ReadyAsync(cancellationToken).ConfigureAwait(false);
            return await TransactAsync(work, cancellationToken).ConfigureAwait(false);
        },
        cancellationToken);

    /// <summary>Runs work that reads, in one snapshot of the primary.</summary>
    public Task<T> ReadAsync<T>(Func<PostgresSession, Task<T>> work, CancellationToken cancellationToken) =>
        ReadAsync(_primary, Name, work, cancellationToken);

    /// <summary>Runs work that reads, in one snapshot of the replica; of the primary where there is no replica.</summary>
    public Task<T> ReadFromReplicaAsync<T>(Func<PostgresSession, Task<T>> work, CancellationToken cancellationToken) =>
        ReadAsync(_replica ?? _primary, _replicaName, work, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _isDisposed = true;
        await _primary.DisposeAsync().ConfigureAwait(false);
        if (_replica is not null)
        {
            await _replica.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static (NpgsqlDataSource Source, string Name) Source(string connectionString)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        var given = new DbConnectionStringBuilder { ConnectionString = connectionString }.Keys.Cast<string>()
            .Select(keyword => keyword.Replace(" ", "", StringComparison.Ordinal)).ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var (keyword, value) in Defaults)
        {
            if (!given.Contains(keyword.Replace(" ", "", StringComparison.Ordinal)))
            {
                settings[keyword] = value;
            }
        }

        // Nothing is set beyond a transaction; and a flush finds its temporary tables where it left them.
        settings.NoResetOnClose = true;
        return (new NpgsqlDataSourceBuilder(settings.ConnectionString).Build(), $"{settings.Host}:{settings.Port}/{settings.Database}");
    }

    private async Task<T> TransactAsync<T>(Func<PostgresSession, Task<T>> work, CancellationToken cancellationToken)
    {
        await using var connection = await _primary.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken).ConfigureAwait(false);
        var session = new PostgresSession(connection, _options.WriteTimeout, cancellationToken);

        // A node that vanishes must not keep its rows locked from the next owner. The journal's checkpoint rests on what was committed here.
        await session.RunAsync(
            PostgresSession.Limit("statement_timeout", _options.WriteTimeout),
            PostgresSession.Limit("idle_in_transaction_session_timeout", _options.WriteTimeout),
            PostgresSession.Sql("SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'"),
            PostgresSession.Sql("SELECT set_config('client_min_messages', 'warning', true)")).ConfigureAwait(false);
        var result = await work(session).ConfigureAwait(false);
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        return result;
    }

    private Task<T> ReadAsync<T>(
        NpgsqlDataSource source, string name, Func<PostgresSession, Task<T>> work, CancellationToken cancellationToken) => GuardAsync(
        name,
        async () =>
        {
            await ReadyAsync(cancellationToken).ConfigureAwait(false);
            await using var connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            await using var snapshot = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken).ConfigureAwait(false);
            var session = new PostgresSession(connection, _options.ReadTimeout, cancellationToken);

            // A plan for the values at hand leaves out the days that are not asked for; compiling it would take longer than running it.
            await session.RunAsync(
                PostgresSession.Sql("SET TRANSACTION READ ONLY"),
                PostgresSession.Sql("SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true)"),
                PostgresSession.Limit("statement_timeout", _options.ReadTimeout)).ConfigureAwait(false);
            return await work(session).ConfigureAwait(false);
        },
        cancellationToken);

    /// <summary>Ends when the schema is up to date. Whoever comes while somebody is at it shares the outcome.</summary>
    private Task ReadyAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, typeof(PostgresMetricsStore));
            if (_ready is null or { IsFaulted: true } or { IsCanceled: true })
            {
                _ready = GuardAsync(Name, () => PostgresMigrations.ApplyAsync(_primary, Name, _time), CancellationToken.None);
            }

            return _ready.IsCompletedSuccessfully ? _ready : _ready.WaitAsync(cancellationToken);
        }
    }

    private async Task<T> GuardAsync<T>(string name, Func<Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            return await work().ConfigureAwait(false);
        }
        catch (Exception e) when (cancellationToken.IsCancellationRequested && e is OperationCanceledException or NpgsqlException)
        {
            throw new OperationCanceledException("The question was taken back.", e, cancellationToken);
        }
        catch (Exception e) when (_isDisposed && e is NpgsqlException or ObjectDisposedException)
        {
            throw new ObjectDisposedException("The metrics store is closed.", e);
        }
        catch (Exception e) when (PostgresErrors.ToException(name, e) is var meaning && !ReferenceEquals(meaning, e))
        {
            throw meaning;
        }
    }
}
