using System.Text;
using AdClick.Actors.Clicks;
using Xunit;

namespace AdClick.Tests.Clicks;

public class Murmur2Tests
{
    /// <summary>The values of Kafka's own test, org.apache.kafka.common.utils.UtilsTest.testMurmur2.</summary>
    [Theory]
    [InlineData("21", -973932308)]
    [InlineData("foobar", -790332482)]
    [InlineData("a-little-bit-long-string", -985981536)]
    [InlineData("a-little-bit-longer-string", -1486304829)]
    [InlineData("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971)]
    [InlineData("abc", 479470107)]
    public void The_hash_is_the_one_that_Kafka_computes(string text, int hash) => Assert.Equal(hash, Murmur2.Hash(Encoding.UTF8.GetBytes(text)));
}
