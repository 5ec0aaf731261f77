using Xunit;

namespace AdClick.Tests.Support;

/// <summary>A test on <see cref="TestDatabases.Postgres"/>; skipped where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PostgresFactAttribute : FactAttribute
{
    public PostgresFactAttribute() => Skip = TestDatabases.PostgresIsMissing;
}

/// <summary>A test on <see cref="TestDatabases.Postgres"/> for each of several data; skipped where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PostgresTheoryAttribute : TheoryAttribute
{
    public PostgresTheoryAttribute() => Skip = TestDatabases.PostgresIsMissing;
}

/// <summary>A test on <see cref="TestDatabases.Timescale"/>; skipped where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class TimescaleFactAttribute : FactAttribute
{
    public TimescaleFactAttribute() => Skip = TestDatabases.TimescaleIsMissing;
}

/// <summary>A test that starts and stops a server of its own; skipped where it may not.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OwnPostgresFactAttribute : FactAttribute
{
    public OwnPostgresFactAttribute() => Skip = TestDatabases.ControlIsMissing;
}

/// <summary>A test that starts a server of its own and gives it a small file system; skipped where it may not.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OwnPostgresOnTmpfsFactAttribute : FactAttribute
{
    public OwnPostgresOnTmpfsFactAttribute() => Skip = TestDatabases.ControlIsMissing ?? new ClickLog.TmpfsFactAttribute().Skip;
}
