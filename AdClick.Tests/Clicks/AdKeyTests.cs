using System.Text;
using AdClick.Actors.Clicks;
using Xunit;

namespace AdClick.Tests.Clicks;

public class AdKeyTests
{
    [Fact]
    public void The_text_of_a_key_is_the_same_in_bytes()
    {
        Span<byte> utf8 = stackalloc byte[Ids.MaxLength + 4];
        foreach (var key in new[] { new AdKey("ad7", 0), new AdKey(new string('x', Ids.MaxLength), AdKey.MaxSubShards - 1) })
        {
            Assert.Equal(key.ToString(), Encoding.UTF8.GetString(utf8[..key.WriteUtf8(utf8)]));
        }

        Assert.Equal("ad7/12", new AdKey("ad7", 12).ToString());
    }

    [Fact]
    public void The_partition_is_the_one_that_Kafka_gives_a_keyed_record()
    {
        var hash = Murmur2.Hash("ad7/12"u8);
        Assert.Equal((hash & 0x7fffffff) % 12, new AdKey("ad7", 12).Partition(12));
        var used = Enumerable.Range(0, 1000).Select(i => new AdKey($"ad{i}", 0).Partition(8)).ToHashSet();
        Assert.Equal(Enumerable.Range(0, 8), used.Order());
    }
}
