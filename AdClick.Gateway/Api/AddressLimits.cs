using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace AdClick.Gateway.Api;

/// <summary>Bounds the calls without a known key, by remote address, so that guessing keys is slow and cheap to refuse.</summary>
/// <param name="settings">Rate.</param>
/// <param name="time">Clock.</param>
internal sealed class AddressLimits(ApiSettings settings, TimeProvider time)
{
    /// <summary>Most addresses told apart; the others share one bucket.</summary>
    public const int MaxAddresses = 10_000;

    private readonly ConcurrentDictionary<IPAddress, TokenBucket> _buckets = [];
    private readonly TokenBucket _shared = NewBucket(settings, time);
    private readonly TokenBucket _sweeps = new(1, 1, time);

    /// <summary>Takes one call of the address's rate.</summary>
    public bool TryTake(IPAddress? address, out TimeSpan retryAfter) => BucketOf(address ?? IPAddress.None).TryTake(out retryAfter);

    private TokenBucket BucketOf(IPAddress address)
    {
        var network = NetworkOf(address);
        if (_buckets.TryGetValue(network, out var bucket))
        {
            return bucket;
        }

        // At most once a second, so that calls from ever new addresses don't each walk through all of them.
        if (_buckets.Count >= MaxAddresses && _sweeps.TryTake(out _))
        {
            ForgetFull();
        }

        return _buckets.Count >= MaxAddresses ? _shared : _buckets.GetOrAdd(network, _ => NewBucket(settings, time));
    }

    private void ForgetFull()
    {
        foreach (var bucket in _buckets)
        {
            if (bucket.Value.IsFull)
            {
                _buckets.TryRemove(bucket);
            }
        }
    }

    // One household or machine has a whole /64 of IPv6 addresses to play with.
    private static IPAddress NetworkOf(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }

        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address;
        }

        var bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes);
    }

    private static TokenBucket NewBucket(ApiSettings settings, TimeProvider time) =>
        new(settings.RequestsPerSecondPerKey, 2 * settings.RequestsPerSecondPerKey, time);
}
