namespace AdClick.Gateway.Hosting;

/// <summary>The database of <c>AdClick:Database=postgres</c>.</summary>
/// <param name="ConnectionString"><c>ConnectionStrings:AdClick</c>: the primary, as Npgsql reads it. Holds a password.</param>
/// <param name="ReplicaConnectionString"><c>ConnectionStrings:AdClickReplica</c>: a hot standby that answers questions about clicks; null: the primary does.</param>
/// <param name="MinutesRetention"><c>AdClick:MetricsRetention</c>: how long counts by minute are kept; null for ever. Rollups stay.</param>
public sealed record PostgresOptions(string ConnectionString, string? ReplicaConnectionString, TimeSpan? MinutesRetention)
{
    /// <inheritdoc/>
    public override string ToString() => "PostgreSQL"; // the connection strings hold passwords
}
