namespace AdClick.Actors.Metrics.Postgres;

/// <summary>Where the database is, and how long it may take.</summary>
public sealed record PostgresStoreOptions
{
    /// <summary>
    /// Connection string as Npgsql reads it, several hosts with <c>Target Session Attributes=primary</c> included. The database must exist; its
    /// tables are made in the first schema of the search path. Whatever it does not say about preparing, keep-alive and time to connect is set by the store.
    /// </summary>
    public required string ConnectionString { get; init; }

    /// <summary>Connection string of a hot standby that answers questions about clicks; null where the primary does.</summary>
    public string? ReplicaConnectionString { get; init; }

    /// <summary>Longest time for one statement that reads: 10 s.</summary>
    public TimeSpan ReadTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Longest time for one statement that writes, and for silence within a transaction: 30 s, half of what a partition waits.</summary>
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(30);
}
