using AdClick.Actors.HotAds;
using AdClick.Tests.Partitions;
using Akka.Actor;
using Xunit;

namespace AdClick.Tests.HotAds;

public sealed class HotAdSerializerTests
{
    [Fact]
    public async Task Messages_between_gateways_keep_their_bytes_and_manifests()
    {
        await using var harness = new PartitionHarness();
        var split = new AdSplit { SubShards = 8, NeededAtMs = 1_800_000_000_123 };
        var traffic = new GatewayTraffic { AtMs = 7, Ads = { new BusyAd { AdId = "a", ClicksPerSecond = 1.5, IssuedPerSecond = 2 } } };
        foreach (var (message, manifest) in ((object, string)[])[(split, "S"), (traffic, "T")])
        {
            var serializer = Assert.IsType<HotAdSerializer>(harness.System.Serialization.FindSerializerFor(message));
            Assert.Equal((7_302, manifest), (serializer.Identifier, serializer.Manifest(message)));
            Assert.Equal(message, serializer.FromBinary(serializer.ToBinary(message), manifest));
        }
    }
}
