using System.Reflection;
using Xunit.Sdk;

namespace AdClick.Tests.Support;

/// <summary>The databases that the store tests run on.</summary>
public enum StoreKind
{
    Sqlite,
    Postgres,
    Timescale,
}

/// <summary>Runs a theory on a kind of store, which is its first argument; skipped where there is no such server.</summary>
public abstract class OnStoreAttribute : DataAttribute
{
    private readonly StoreKind _kind;

    protected OnStoreAttribute(StoreKind kind)
    {
        _kind = kind;
        Skip = kind == StoreKind.Sqlite || PostgresServer.Find(kind) is not null
            ? null
            : $"Needs a server: set {PostgresServer.Variable(kind)} to a connection string of a user that may create databases.";
    }

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [[_kind]];
}

[AttributeUsage(AttributeTargets.Method)]
public sealed class OnSqliteAttribute() : OnStoreAttribute(StoreKind.Sqlite);

[AttributeUsage(AttributeTargets.Method)]
public sealed class OnPostgresAttribute() : OnStoreAttribute(StoreKind.Postgres);

[AttributeUsage(AttributeTargets.Method)]
public sealed class OnTimescaleAttribute() : OnStoreAttribute(StoreKind.Timescale);
