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
        Skip = kind switch
        {
            StoreKind.Postgres => TestDatabases.PostgresIsMissing,
            StoreKind.Timescale => TestDatabases.TimescaleIsMissing,
            _ => null,
        };
    }

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [[_kind]];
}

[AttributeUsage(AttributeTargets.Method)]
public sealed class OnSqliteAttribute() : OnStoreAttribute(StoreKind.Sqlite);

[AttributeUsage(AttributeTargets.Method)]
public sealed class OnPostgresAttribute() : OnStoreAttribute(StoreKind.Postgres);

[AttributeUsage(AttributeTargets.Method)]
public sealed class OnTimescaleAttribute() : OnStoreAttribute(StoreKind.Timescale);
