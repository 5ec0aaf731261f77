using AdClick.Actors.Clicks;
using Google.Protobuf;

namespace AdClick.Tests.Partitions;

/// <summary>Records of the log, as a gateway would write them, with few words.</summary>
internal static class TestClick
{
    /// <summary>A quiet Tuesday, at the start of a minute and of an expiry bucket.</summary>
    public const long Start = 1_790_000_100_000 / 300_000 * 300_000;

    public const long Second = 1_000;
    public const long Minute = 60_000;
    public const long Hour = 60 * Minute;

    /// <summary>An impression ID that is a UUIDv7 in form: number and low bits are the caller's.</summary>
    public static ImpressionId Impression(long number, int subShard = 0) =>
        new(((ulong)Start << 16) | 0x7000, 0x8000_0000_0000_0000 | ((ulong)number << 6) | (uint)subShard);

    /// <summary>A click's record.</summary>
    public static byte[] Record(
        string adId,
        long impression,
        ulong nonce,
        long clickTimeMs,
        int subShard = 0,
        long? expiresAtMs = null,
        ClickVerdict verdict = ClickVerdict.Valid)
    {
        var id = Impression(impression, subShard);
        return new LogRecord
        {
            Click = new Click
            {
                Nonce = nonce,
                ImpressionHigh = id.High,
                ImpressionLow = id.Low,
                ExpiresAtMs = expiresAtMs ?? Start + (24 * Hour),
                AdId = adId,
                SubShard = (uint)subShard,
                ClickTimeMs = clickTimeMs,
                Verdict = verdict,
                UserAgent = "Mozilla/5.0",
            },
        }.ToByteArray();
    }

    /// <summary>A mark's record.</summary>
    public static byte[] Mark(string gateway, long timeMs, long openFromMs) =>
        new LogRecord { Mark = new Mark { Gateway = gateway, TimeMs = timeMs, OpenFromMs = openFromMs } }.ToByteArray();

    /// <summary>The partition that an ad key's clicks belong to.</summary>
    public static int PartitionOf(string adId, int subShard, int partitions) => new AdKey(adId, subShard).Partition(partitions);

    /// <summary>An ad ID with this prefix whose clicks go to the partition.</summary>
    public static string AdIn(int partition, int partitions, string prefix = "ad") => Enumerable.Range(0, int.MaxValue)
        .Select(i => $"{prefix}{i}")
        .First(adId => PartitionOf(adId, 0, partitions) == partition);
}
