using AdClick.Actors.ClickLog.Kafka;
using Xunit;

namespace AdClick.Tests.ClickLog.Kafka;

/// <summary>Every line of the table in <see cref="TopicCheck"/>.</summary>
public sealed class TopicCheckTests
{
    private static readonly TimeSpan NeededRetention = TimeSpan.FromHours(25);
    private static readonly KafkaOptions Options = new() { BootstrapServers = "broker:9092", Partitions = 8 };

    private static readonly Dictionary<string, string> Good = new()
    {
        ["message.timestamp.type"] = "LogAppendTime",
        ["cleanup.policy"] = "delete",
        ["retention.ms"] = "604800000",
        ["retention.bytes"] = "-1",
        ["min.insync.replicas"] = "2",
        ["unclean.leader.election.enable"] = "false",
        ["max.message.bytes"] = "1048588",
    };

    [Fact]
    public void A_topic_as_it_should_be_passes_without_a_word()
    {
        AssertNothing(Judge(Topic()));
        AssertNothing(Judge(Topic(setting: ("retention.ms", "-1")))); // for ever
    }

    [Theory]
    [InlineData("message.timestamp.type", "CreateTime")]
    [InlineData("cleanup.policy", "compact")]
    [InlineData("cleanup.policy", "compact,delete")]
    [InlineData("retention.ms", "89999999")]
    [InlineData("min.insync.replicas", "4")]
    [InlineData("max.message.bytes", "8192")]
    public void What_would_break_a_promise_is_refused_by_name(string setting, string value)
    {
        var (refusals, warnings) = Judge(Topic(setting: (setting, value)));

        Assert.Contains($"{setting} {value}", Assert.Single(refusals), StringComparison.Ordinal);
        Assert.Empty(warnings);
    }

    [Theory]
    [InlineData("retention.ms", "90000000")]
    [InlineData("retention.bytes", "1000000000")]
    [InlineData("min.insync.replicas", "1")]
    [InlineData("min.insync.replicas", "3")]
    [InlineData("unclean.leader.election.enable", "true")]
    [InlineData("max.message.bytes", "500000")]
    public void What_weakens_a_promise_is_a_warning_by_name(string setting, string value)
    {
        var (refusals, warnings) = Judge(Topic(setting: (setting, value)));

        Assert.Contains(setting, Assert.Single(warnings), StringComparison.Ordinal);
        Assert.Empty(refusals);
    }

    [Theory]
    [InlineData(7)]
    [InlineData(9)]
    public void Another_number_of_partitions_is_refused(int partitions) =>
        Assert.Contains($"has {partitions} partitions", Assert.Single(Judge(Topic(partitions: partitions)).Refusals), StringComparison.Ordinal);

    [Fact]
    public void Fewer_replicas_than_configured_are_a_warning() =>
        Assert.Contains(Judge(Topic(replicas: 2)).Warnings, warning => warning.Contains("has 2 replicas", StringComparison.Ordinal));

    [Fact]
    public void A_single_replica_is_a_warning_even_where_it_is_asked_for()
    {
        var (refusals, warnings) = TopicCheck.Judge(
            Options with { ReplicationFactor = 1, MinInsyncReplicas = 1 },
            Topic(replicas: 1, setting: ("min.insync.replicas", "1")),
            NeededRetention);

        Assert.Empty(refusals);
        Assert.Contains("one disk only", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Batches_that_are_set_smaller_fit_a_small_topic()
    {
        var options = Options with { ClientSettings = new Dictionary<string, string> { ["batch.size"] = "400000" } };

        AssertNothing(TopicCheck.Judge(options, Topic(setting: ("max.message.bytes", "500000")), NeededRetention));
    }

    [Fact]
    public void Settings_that_are_not_told_are_not_judged_but_partitions_are()
    {
        var untold = new TopicFacts(Guid.NewGuid(), 7, 3, null);

        Assert.Contains("has 7 partitions", Assert.Single(Judge(untold).Refusals), StringComparison.Ordinal);
        AssertNothing(Judge(Topic() with { Settings = new Dictionary<string, string>() }));
    }

    private static void AssertNothing((IReadOnlyList<string> Refusals, IReadOnlyList<string> Warnings) findings) =>
        Assert.Empty(findings.Refusals.Concat(findings.Warnings));

    private static (IReadOnlyList<string> Refusals, IReadOnlyList<string> Warnings) Judge(TopicFacts topic) =>
        TopicCheck.Judge(Options, topic, NeededRetention);

    private static TopicFacts Topic(int partitions = 8, int replicas = 3, (string Name, string Value)? setting = null)
    {
        var settings = new Dictionary<string, string>(Good);
        if (setting is { } changed)
        {
            settings[changed.Name] = changed.Value;
        }

        return new TopicFacts(Guid.NewGuid(), partitions, replicas, settings);
    }
}
