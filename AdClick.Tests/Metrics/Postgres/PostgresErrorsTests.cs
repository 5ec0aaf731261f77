using System.Net.Sockets;
using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Postgres;
using Npgsql;
using Xunit;

namespace AdClick.Tests.Metrics.Postgres;

public sealed class PostgresErrorsTests
{
    [Theory]
    [InlineData("08006")] // connection failure
    [InlineData("25006")] // read only: a standby
    [InlineData("25P03")] // idle in transaction for too long
    [InlineData("28P01")] // password
    [InlineData("3D000")] // no such database
    [InlineData("40001")] // serialization
    [InlineData("40P01")] // deadlock
    [InlineData("42501")] // privilege
    [InlineData("53100")] // disk full
    [InlineData("53200")] // out of memory
    [InlineData("53300")] // too many connections
    [InlineData("55P03")] // lock not available
    [InlineData("57014")] // statement time-out
    [InlineData("57P01")] // shutting down
    [InlineData("57P03")] // starting up
    [InlineData("58030")] // input or output
    public void What_may_pass_is_an_outage(string sqlState)
    {
        var failure = Assert.IsType<MetricsStoreUnavailableException>(Meaning(sqlState));
        Assert.Contains("db:5432/adclick", failure.Message, StringComparison.Ordinal);
        Assert.Contains("why", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("42P01")] // no such table
    [InlineData("42703")] // no such column
    [InlineData("42883")] // no such function
    [InlineData("XX001")] // data corrupted
    [InlineData("XX002")] // index corrupted
    public void What_does_not_pass_is_damage(string sqlState) => Assert.IsType<MetricsStoreDamagedException>(Meaning(sqlState));

    [Fact]
    public void A_full_disk_is_called_one() => Assert.Contains("disk is full", Meaning("53100").Message, StringComparison.Ordinal);

    [Fact]
    public void A_mistake_of_ours_is_neither() => Assert.IsType<InvalidOperationException>(Meaning("42601"));

    [Fact]
    public void A_connection_that_fails_is_an_outage()
    {
        Exception[] failures =
        [
            new NpgsqlException("Exception while reading from stream", new IOException("reset")),
            new NpgsqlException("No time", new TimeoutException()),
            new SocketException((int)SocketError.HostNotFound),
            new TimeoutException(),
        ];
        Assert.All(failures, failure => Assert.IsType<MetricsStoreUnavailableException>(PostgresErrors.ToException("db:5432/adclick", failure)));
    }

    private static Exception Meaning(string sqlState) =>
        PostgresErrors.ToException("db:5432/adclick", new PostgresException("why", "ERROR", "ERROR", sqlState));
}
