using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace AdClick.Actors.Clicks;

/// <summary>What is kept of a client's address: the network, never the address itself.</summary>
public static class ClientNetwork
{
    /// <summary>Longest text, in characters: <c>2001:db80:ffff::/48</c>.</summary>
    public const int MaxLength = 19;

    /// <summary>
    /// The address cut to /24 (IPv4, also where it is wrapped in IPv6) or /48 (IPv6), such as <c>203.0.113.0/24</c>, <c>2001:db8:1::/48</c>; ""
    /// for null.
    /// </summary>
    public static string Cut(IPAddress? address)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (address is null || !address.TryWriteBytes(bytes, out var length))
        {
            return "";
        }

        if (address.AddressFamily == AddressFamily.InterNetwork)
        {
            return V4(bytes);
        }

        if (address.IsIPv4MappedToIPv6)
        {
            return V4(bytes[12..]);
        }

        // 6to4 (RFC 3056) has the whole IPv4 address in bits 16 to 47, which a /48 would keep.
        if (bytes is [0x20, 0x02, ..])
        {
            return V4(bytes[2..]);
        }

        bytes[6..length].Clear();
        return $"{new IPAddress(bytes)}/48";
    }

    private static string V4(ReadOnlySpan<byte> bytes) =>
        string.Create(CultureInfo.InvariantCulture, $"{bytes[0]}.{bytes[1]}.{bytes[2]}.0/24");
}
