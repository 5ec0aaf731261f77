using AdClick.Actors.ClickLog.Kafka;
using Confluent.Kafka;
using Xunit;

namespace AdClick.Tests.ClickLog.Kafka;

public sealed class ConsumerSettingsTests
{
    [Theory]
    [InlineData(1, 8 * 1024 * 1024)]
    [InlineData(64, 1024 * 1024)]
    [InlineData(1024, 256 * 1024)]
    public void A_partitions_share_of_the_buffer_is_equal_within_bounds(int partitions, int expected) =>
        Assert.Equal(expected, Settings([]).HighWaterMark(partitions));

    [Fact]
    public void The_operator_sets_what_fetching_costs_but_not_what_counting_rests_on()
    {
        var config = Settings(new ConsumerConfig { FetchWaitMaxMs = 7, IsolationLevel = IsolationLevel.ReadCommitted, GroupId = "mine" }).ToConsumerConfig();
        Assert.Equal((7, 1, "mine"), (config.FetchWaitMaxMs, config.FetchMinBytes, config.GroupId));
        Assert.Equal(IsolationLevel.ReadUncommitted, config.IsolationLevel);
    }

    private static ConsumerSettings Settings(ConsumerConfig client) => new() { Topic = "t", Partitions = 1, Client = client };
}
