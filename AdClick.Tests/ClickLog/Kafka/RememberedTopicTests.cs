using AdClick.Actors.ClickLog;
using AdClick.Actors.ClickLog.Kafka;
using Xunit;

namespace AdClick.Tests.ClickLog.Kafka;

public sealed class RememberedTopicTests : IDisposable
{
    private static readonly LogIdentity Identity = new(Guid.Parse("0198c3f1-7a52-7b1e-9d55-2f6f7f0f4a11"), 8);
    private static readonly KafkaOptions Options = new() { BootstrapServers = "broker:9092", Partitions = 8 };

    private readonly TemporaryFolder _folder = new();

    private string File => Path.Combine(_folder.Path, "kafka-topic.json");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Nothing_is_remembered_at_first()
    {
        Assert.Null(RememberedTopic.Read(_folder.Path, Options));
        Assert.Null(RememberedTopic.Read(Path.Combine(_folder.Path, "not-there"), Options));
    }

    [Fact]
    public void What_was_confirmed_is_remembered()
    {
        var folder = Path.Combine(_folder.Path, "new");

        RememberedTopic.Confirm(folder, Options, Identity);
        RememberedTopic.Confirm(folder, Options, Identity);

        Assert.Equal(Identity, RememberedTopic.Read(folder, Options)!.Identity);
        Assert.Single(Directory.GetFiles(folder));
    }

    [Fact]
    public void Another_epoch_is_refused_with_both_and_the_first_stays()
    {
        var other = Identity with { Epoch = Guid.NewGuid() };
        RememberedTopic.Confirm(_folder.Path, Options, Identity);

        var refusal = Assert.Throws<KafkaTopicRefusedException>(() => RememberedTopic.Confirm(_folder.Path, Options, other));

        Assert.Contains(Identity.Epoch.ToString(), refusal.Message, StringComparison.Ordinal);
        Assert.Contains(other.Epoch.ToString(), refusal.Message, StringComparison.Ordinal);
        Assert.Equal(Identity, RememberedTopic.Read(_folder.Path, Options)!.Identity);
    }

    [Fact]
    public void Another_topic_or_number_of_partitions_in_the_settings_is_refused_with_both()
    {
        RememberedTopic.Confirm(_folder.Path, Options, Identity);

        var topic = Assert.Throws<KafkaTopicRefusedException>(() => RememberedTopic.Read(_folder.Path, Options with { Topic = "other" }));
        var partitions = Assert.Throws<KafkaTopicRefusedException>(() => RememberedTopic.Read(_folder.Path, Options with { Partitions = 16 }));

        Assert.Contains("'adclick-clicks'", topic.Message, StringComparison.Ordinal);
        Assert.Contains("'other'", topic.Message, StringComparison.Ordinal);
        Assert.Contains("had 8 partitions", partitions.Message, StringComparison.Ordinal);
        Assert.Contains("asks for 16", partitions.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"topic\":\"adclick-cl")]
    [InlineData("null")]
    [InlineData("{\"topic\":\"adclick-clicks\",\"partitions\":8}")]
    [InlineData("{\"epoch\":\"0198c3f1-7a52-7b1e-9d55-2f6f7f0f4a11\",\"partitions\":8}")]
    [InlineData("{\"topic\":\"adclick-clicks\",\"epoch\":\"0198c3f1-7a52-7b1e-9d55-2f6f7f0f4a11\"}")]
    public void A_file_that_can_not_be_read_is_refused_by_its_name(string content)
    {
        System.IO.File.WriteAllText(File, content);

        var refusal = Assert.Throws<KafkaTopicRefusedException>(() => RememberedTopic.Read(_folder.Path, Options));

        Assert.Contains(File, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_a_crash_left_unfinished_is_not_looked_at()
    {
        System.IO.File.WriteAllText(File + ".new", "{\"top");

        Assert.Null(RememberedTopic.Read(_folder.Path, Options));
        RememberedTopic.Confirm(_folder.Path, Options, Identity);

        Assert.Equal(Identity, RememberedTopic.Read(_folder.Path, Options)!.Identity);
    }
}
