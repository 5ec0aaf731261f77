namespace AdClick.Benchmarks.Load;

/// <summary>A database server that the gateway of a load run has its counts and its journal on.</summary>
/// <param name="Kind">Which, as <c>.ci/postgres</c> calls it: plain or timescale.</param>
/// <param name="Faults">What happens to the server during the load.</param>
internal sealed record DatabaseLoad(string Kind, IReadOnlyList<DatabaseFault> Faults)
{
    /// <summary>Settings of a gateway on it, <c>Name=value</c>.</summary>
    public static IEnumerable<string> GatewaySettings(string connectionString) =>
        ["AdClick:Database=postgres", $"ConnectionStrings:AdClick={connectionString}"];
}
