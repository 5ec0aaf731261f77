using AdClick.Actors.ClickLog.Kafka;
using Confluent.Kafka;
using Xunit;

namespace AdClick.Tests.ClickLog.Kafka;

/// <summary>Settings of the Kafka clients: passed through, unless a promise rests on them; wrong ones named, secrets never.</summary>
public sealed class KafkaClientConfigTests
{
    private const string Secret = "s3cret-of-the-operator";

    [Fact]
    public void Properties_are_passed_through_to_every_client()
    {
        var options = With(
            ("security.protocol", "SASL_SSL"), ("sasl.mechanism", "SCRAM-SHA-512"), ("sasl.username", "adclick"), ("sasl.password", Secret),
            ("compression.type", "zstd"));

        Assert.Empty(KafkaClientConfig.Problems(options));
        Assert.Equal(Secret, KafkaClientConfig.Producer(options).SaslPassword);
        Assert.Equal("zstd", KafkaClientConfig.Producer(options).Get("compression.type"));
        Assert.Equal("SCRAM-SHA-512", KafkaClientConfig.Consumer(options).Get("sasl.mechanism"));
        Assert.Equal("SASL_SSL", KafkaClientConfig.Admin(options).Get("security.protocol"));
    }

    [Fact]
    public void What_the_promises_rest_on_is_set()
    {
        var options = With() with { Linger = TimeSpan.FromMilliseconds(7), DeliveryTimeout = TimeSpan.FromSeconds(3), Group = "counting" };

        var producer = KafkaClientConfig.Producer(options);
        Assert.Equal("broker:9092", producer.BootstrapServers);
        Assert.Equal(Acks.All, producer.Acks);
        Assert.True(producer.EnableIdempotence);
        Assert.Equal(7, producer.LingerMs);
        Assert.Equal(3_000, producer.MessageTimeoutMs);
        Assert.Equal(CompressionType.Lz4, producer.CompressionType);
        var consumer = KafkaClientConfig.Consumer(options);
        Assert.Equal("counting", consumer.GroupId);
        Assert.False(consumer.EnableAutoCommit);
        Assert.False(consumer.EnableAutoOffsetStore);
        Assert.Equal(AutoOffsetReset.Error, consumer.AutoOffsetReset);
        Assert.False(consumer.AllowAutoCreateTopics);
    }

    [Theory]
    [InlineData("bootstrap.servers", "AdClick:Kafka:BootstrapServers")]
    [InlineData("metadata.broker.list", "AdClick:Kafka:BootstrapServers")]
    [InlineData("message.timeout.ms", "AdClick:Kafka:DeliveryTimeout")]
    [InlineData("delivery.timeout.ms", "AdClick:Kafka:DeliveryTimeout")]
    [InlineData("linger.ms", "AdClick:Kafka:Linger")]
    [InlineData("queue.buffering.max.ms", "AdClick:Kafka:Linger")]
    [InlineData("group.id", "AdClick:Kafka:Group")]
    [InlineData("acks", "can't be set")]
    [InlineData("ACKS", "can't be set")]
    [InlineData("request.required.acks", "can't be set")]
    [InlineData("enable.idempotence", "can't be set")]
    [InlineData("enable.gapless.guarantee", "can't be set")]
    [InlineData("transactional.id", "can't be set")]
    [InlineData("partitioner", "can't be set")]
    [InlineData("delivery.report.only.error", "can't be set")]
    [InlineData("enable.auto.commit", "can't be set")]
    [InlineData("auto.commit.enable", "can't be set")]
    [InlineData("auto.commit.interval.ms", "can't be set")]
    [InlineData("enable.auto.offset.store", "can't be set")]
    [InlineData("auto.offset.reset", "can't be set")]
    [InlineData("enable.partition.eof", "can't be set")]
    [InlineData("group.protocol", "can't be set")]
    [InlineData("group.instance.id", "can't be set")]
    [InlineData("partition.assignment.strategy", "can't be set")]
    [InlineData("allow.auto.create.topics", "can't be set")]
    [InlineData("dotnet.producer.enable.delivery.reports", "can't be set")]
    [InlineData("test.mock.num.brokers", "can't be set")]
    public void Properties_that_a_promise_rests_on_are_refused_by_name(string property, string why)
    {
        var problem = Assert.Single(KafkaClientConfig.Problems(With((property, Secret))));

        Assert.StartsWith($"AdClick:Kafka:Client:{property} ", problem, StringComparison.Ordinal);
        Assert.Contains(why, problem, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no.such.property", "is not a property of librdkafka")]
    [InlineData("security.protocol", "has a value that librdkafka does not take")]
    [InlineData("retries", "has a value that librdkafka does not take")] // which librdkafka calls message.send.max.retries
    public void A_wrong_property_or_value_is_named_without_the_value(string property, string why)
    {
        var problem = Assert.Single(KafkaClientConfig.Problems(With((property, Secret))));

        Assert.StartsWith($"AdClick:Kafka:Client:{property} {why}", problem, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_problem_is_told_at_once()
    {
        var options = With(("acks", "1"), ("no.such.property", "1"), ("retries", "often"), ("socket.timeout.ms", "5000"));

        Assert.Equal(3, KafkaClientConfig.Problems(options).Count);
    }

    [Fact]
    public void Properties_that_do_not_go_together_are_told_without_secrets()
    {
        var problem = Assert.Single(KafkaClientConfig.Problems(
            With(("security.protocol", "SSL"), ("ssl.ca.location", $"/nowhere/{Secret}"), ("ssl.key.password", Secret))));

        Assert.Contains("ssl.ca.location", problem, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_property_that_another_completes_is_no_problem_by_itself()
    {
        var problem = Assert.Single(KafkaClientConfig.Problems(With(("ssl.keystore.location", "/k.p12"))));

        Assert.Contains("ssl.keystore.password", problem, StringComparison.Ordinal);
        Assert.Empty(KafkaClientConfig.Problems(With(("ssl.keystore.location", "/k.p12"), ("ssl.keystore.password", Secret))));
    }

    [Fact]
    public void Options_are_printed_without_the_values_of_client_settings()
    {
        var text = With(("sasl.username", "adclick"), ("sasl.password", Secret)).ToString();

        Assert.Contains("broker:9092", text, StringComparison.Ordinal);
        Assert.Contains("sasl.password, sasl.username", text, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, text, StringComparison.Ordinal);
    }

    [Fact]
    public void Texts_of_the_client_are_cleared_of_secrets_but_not_of_the_rest() => Assert.Equal(
        "the broker does not know adclick with ***",
        KafkaClientConfig.WithoutSecrets(
            $"the broker does not know adclick with {Secret}.",
            With(("sasl.username", "adclick"), ("sasl.password", Secret), ("ssl.key.password", ""))));

    private static KafkaOptions With(params (string Property, string Value)[] settings) => new()
    {
        BootstrapServers = "broker:9092",
        ClientSettings = settings.ToDictionary(setting => setting.Property, setting => setting.Value),
    };
}
