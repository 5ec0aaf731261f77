using System.Net;
using AdClick.Actors.Clicks;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Xunit;

namespace AdClick.Tests.Clicks;

public class ClientNetworkTests
{
    [Theory]
    [InlineData("203.0.113.77", "203.0.113.0/24")]
    [InlineData("0.0.0.0", "0.0.0.0/24")]
    [InlineData("255.255.255.255", "255.255.255.0/24")]
    [InlineData("::ffff:203.0.113.77", "203.0.113.0/24")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48")]
    [InlineData("2001:db8::1", "2001:db8::/48")]
    [InlineData("2001:db80:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db80:ffff::/48")]
    [InlineData("::1", "::/48")]
    [InlineData("::", "::/48")]
    [InlineData("fe80::1%3", "fe80::/48")]
    [InlineData("64:ff9b::203.0.113.77", "64:ff9b::/48")]
    [InlineData("2002:cb00:714d::1", "203.0.113.0/24")] // 6to4 of 203.0.113.77
    public void An_address_is_cut_to_its_network(string address, string network) =>
        Assert.Equal(network, ClientNetwork.Cut(IPAddress.Parse(address)));

    [Fact]
    public void No_address_is_no_network() => Assert.Equal("", ClientNetwork.Cut(null));

    [Property(MaxTest = 500)]
    public Property Two_addresses_of_one_network_are_not_told_apart() => Prop.ForAll(
        Gen.ArrayOf(Gen.Choose(0, 255).Select(b => (byte)b), 16).ToArbitrary(),
        bytes =>
        {
            var network = ClientNetwork.Cut(new IPAddress(bytes));
            Assert.InRange(network.Length, 1, ClientNetwork.MaxLength);
            Assert.Equal(network, ClientNetwork.Cut(new IPAddress([.. bytes[..6], .. new byte[10]])));
            Assert.Equal(ClientNetwork.Cut(new IPAddress(bytes[..4])), ClientNetwork.Cut(new IPAddress([.. bytes[..3], 0])));
        });
}
