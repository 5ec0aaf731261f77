using AdClick.Actors.Clicks;
using NetArchTest.Rules;
using Xunit;

namespace AdClick.Tests.Hosting;

/// <summary>The arrows of docs/architecture.md: dependencies point downwards.</summary>
public sealed class ArchitectureTests
{
    private const string Actors = "AdClick.Actors";

    [Theory]
    [InlineData("Clicks", "Ads", "Partitions", "ClickLog", "Metrics", "HotAds", "Lake", "Hosting")]
    [InlineData("ClickLog", "Ads", "Partitions", "Metrics", "HotAds", "Lake", "Hosting")]
    [InlineData("Metrics", "Ads", "Partitions", "HotAds", "Lake", "Hosting")]
    [InlineData("Ads", "Partitions", "ClickLog", "HotAds", "Lake", "Hosting")]
    [InlineData("Journal", "Clicks", "Ads", "Partitions", "ClickLog", "Metrics", "HotAds", "Lake", "Hosting")]
    [InlineData("Partitions", "HotAds", "Lake", "Hosting")]
    public void A_part_knows_only_what_lies_below_it(string part, params string[] above) =>
        AssertKnowsNothingOf(part, [.. above.Select(other => $"{Actors}.{other}")]);

    [Theory]
    [InlineData("Clicks", "Akka", "Microsoft.Data", "Npgsql", "System.Data", "System.Net.Http", "Microsoft.AspNetCore", "FASTER", "Confluent")]
    [InlineData("ClickLog", "Akka", "Microsoft.Data", "Npgsql", "System.Data", "Microsoft.AspNetCore")]
    [InlineData("Metrics", "Akka.Persistence", "Akka.Cluster", "FASTER", "Confluent", "Microsoft.AspNetCore")]
    [InlineData("Ads", "Akka.Persistence", "Akka.Cluster", "Akka.Streams", "Microsoft.Data", "Npgsql", "System.Data", "FASTER", "Confluent",
        "Microsoft.AspNetCore")]
    [InlineData("Partitions", "Npgsql", "FASTER", "Confluent", "Microsoft.AspNetCore")]
    public void A_part_knows_nothing_of_another_parts_tools(string part, params string[] tools) => AssertKnowsNothingOf(part, tools);

    [Fact]
    public void Nothing_in_the_library_knows_the_gateway_or_http() =>
        AssertKnowsNothingOf(null, ["AdClick.Gateway", "Microsoft.AspNetCore"]);

    private static void AssertKnowsNothingOf(string? part, string[] others)
    {
        var types = Types.InAssembly(typeof(AdKey).Assembly).That().ResideInNamespace(part is null ? Actors : $"{Actors}.{part}");
        Assert.NotEmpty(types.GetTypes());
        var result = types.ShouldNot().HaveDependencyOnAny(others).GetResult();
        Assert.True(result.IsSuccessful, $"These know more than they should: {string.Join(", ", result.FailingTypeNames ?? [])}");
    }
}
