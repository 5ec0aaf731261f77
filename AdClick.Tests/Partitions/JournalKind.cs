using System.Reflection;
using AdClick.Tests.Support;
using Xunit.Sdk;

namespace AdClick.Tests.Partitions;

/// <summary>Where journal and snapshots of a test are.</summary>
public enum JournalKind
{
    /// <summary>In two files.</summary>
    Sqlite,

    /// <summary>In a database of <see cref="TestDatabases.Postgres"/>.</summary>
    Postgres,
}

/// <summary>Runs a theory on a SQLite journal.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OnSqliteAttribute : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [[JournalKind.Sqlite]];
}

/// <summary>Runs a theory on a PostgreSQL journal; skipped where there is no server.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OnPostgresAttribute : DataAttribute
{
    public OnPostgresAttribute() => Skip = TestDatabases.PostgresIsMissing;

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [[JournalKind.Postgres]];
}
