using AdClick.Gateway.Hosting;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace AdClick.Tests.Gateway.Hosting;

/// <summary>The settings of <c>AdClick:Database=postgres</c>.</summary>
public sealed partial class SettingsReaderTests
{
    private const string Primary = "Host=db-1,db-2;Database=adclick;Username=adclick;Password=pass-word-one;Target Session Attributes=primary";
    private const string Replica = "Host=db-3;Port=6432;Database=adclick;Username=reader;Password=pass-word-two";

    private static (string Name, string Value)[] Postgres =>
    [
        ("AdClick:Database", "postgres"), ("ConnectionStrings:AdClick", Primary), ("ConnectionStrings:AdClickReplica", Replica),
        ("AdClick:MetricsRetention", "400.00:00:00"), ("AdClick:AdminKey", "0123456789abcdef"), ("AdClick:SigningKeys:k1", Secret),
    ];

    [Fact]
    public void PostgreSQL_is_described_by_connection_strings_that_are_handed_on_as_they_are()
    {
        var options = ReadNamed(Postgres).Postgres!;
        Assert.Equal((Primary, Replica, TimeSpan.FromDays(400)), (options.ConnectionString, options.ReplicaConnectionString, options.MinutesRetention));
        Assert.Null(ReadNamed().Postgres);
        Assert.Null(ReadNamed(("AdClick:Database", "sqlite")).Postgres);
        Assert.NotNull(ReadNamed(With("AdClick:Database", "Postgres")).Postgres);
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    public void Replica_and_retention_may_be_left_out(string nothing)
    {
        var settings = With("ConnectionStrings:AdClickReplica", nothing).Where(setting => setting.Name != "AdClick:MetricsRetention");
        var options = ReadNamed([.. settings, ("AdClick:MetricsRetention", nothing)]).Postgres!;
        Assert.Equal((Primary, null, (TimeSpan?)null), (options.ConnectionString, options.ReplicaConnectionString, options.MinutesRetention));
    }

    [Theory]
    [InlineData("ConnectionStrings:AdClick", "")]
    [InlineData("ConnectionStrings:AdClick", "postgres://adclick@db/adclick")]
    [InlineData("ConnectionStrings:AdClick", "Database=adclick;Username=adclick")]
    [InlineData("ConnectionStrings:AdClick", "Host=db;Colour=blue")]
    [InlineData("ConnectionStrings:AdClick", "Host=db;Port=many")]
    [InlineData("ConnectionStrings:AdClick", "Host=db;SSL Mode=perhaps")]
    [InlineData("ConnectionStrings:AdClick", "Host=db;Minimum Pool Size=9;Maximum Pool Size=8")]
    [InlineData("ConnectionStrings:AdClick", "Host=db;Target Session Attributes=leader")]
    [InlineData("ConnectionStrings:AdClick", "Host=db-1,db-2:70000000000")]
    [InlineData("ConnectionStrings:AdClickReplica", "Host=db;Colour=blue")]
    [InlineData("ConnectionStrings:AdClickReplica", "Database=adclick")]
    [InlineData("AdClick:MetricsRetention", "7.00:00:00")]
    [InlineData("AdClick:MetricsRetention", "10000.00:00:00")]
    [InlineData("AdClick:MetricsRetention", "a year")]
    [InlineData("AdClick:Database", "postgresql")]
    [InlineData("AdClick:AdminKey", "")]
    [InlineData("AdClick:SigningKeys:k1", "")]
    public void A_wrong_setting_of_PostgreSQL_is_refused_by_name(string name, string value)
    {
        var refused = Assert.Throws<InvalidSettingsException>(() => ReadNamed(With(name, value)));
        Assert.Contains(refused.Problems, problem => problem.StartsWith($"{name} ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("ConnectionStrings:AdClick", "Host=db;Password=pass-word-three;Colour=blue")]
    [InlineData("ConnectionStrings:AdClick", "Host=db;Port=pass-word-three")]
    [InlineData("ConnectionStrings:AdClick", "pass-word-three")]
    [InlineData("ConnectionStrings:AdClick", "Password=pass-word-three")]
    [InlineData("ConnectionStrings:AdClickReplica", "Host=db;pass-word-three=1")]
    [InlineData("AdClick:MetricsRetention", "soon")]
    public void A_refusal_does_not_repeat_a_password(string name, string value)
    {
        var refused = Assert.Throws<InvalidSettingsException>(() => ReadNamed(With(name, value)));
        Assert.DoesNotContain("pass-word", refused.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_options_do_not_show_a_password_in_a_log()
    {
        Assert.DoesNotContain("pass-word", ReadNamed(Postgres).ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("pass-word", $"{ReadNamed(Postgres).Postgres}", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ConnectionStrings:AdClick", Primary)]
    [InlineData("ConnectionStrings:AdClickReplica", Replica)]
    [InlineData("AdClick:MetricsRetention", "400.00:00:00")]
    public void Settings_of_PostgreSQL_without_PostgreSQL_are_refused(string name, string value)
    {
        var refused = Assert.Throws<InvalidSettingsException>(() => ReadNamed((name, value)));
        Assert.StartsWith($"{name} is set, but AdClick:Database is not 'postgres'", Assert.Single(refused.Problems), StringComparison.Ordinal);
    }

    private static (string Name, string Value)[] With(string name, string value) => [.. Postgres.Where(setting => setting.Name != name), (name, value)];

    private static GatewayOptions ReadNamed(params (string Name, string Value)[] settings) => SettingsReader.Read(new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Select(setting => new KeyValuePair<string, string?>(setting.Name, setting.Value)))
        .Build());
}
