using AdClick.Actors.Clicks;

namespace AdClick.Tests.Partitions.Repartitioning;

/// <summary>
/// Records that meet each other often, all within less than the allowed lateness: the clock of a partition, which depends on what else went there, decides
/// nothing about them, and so neither does the number of partitions.
/// </summary>
internal sealed class RandomClicks(Random random)
{
    public const long AllowedLatenessMs = 2 * TestClick.Hour;

    private long _now = TestClick.Start;

    /// <summary>The next record; its key is null when it is no click.</summary>
    public (AdKey? Key, long AppendTimeMs, byte[] Record) Next()
    {
        _now += random.Next(3_000); // some 25 minutes for a thousand
        var clickTimeMs = _now - random.Next(100_000);
        switch (random.Next(20))
        {
            case 0:
                return (null, _now, TestClick.Mark($"g{random.Next(2)}", _now, clickTimeMs));
            case 1:
                return (null, _now, [0xff, 0x01]);
            default:
                var ad = random.Next(5);
                var impression = random.Next(25);
                var key = ad < 2 ? new AdKey($"hot{ad}", impression % 4) : new AdKey($"ad{ad}", 0);
                var expiresAtMs = TestClick.Start + (impression % 5 == 0 ? 10 * TestClick.Minute : TestClick.Hour);
                var verdict = random.Next(10) == 0 ? ClickVerdict.Bot : ClickVerdict.Valid;
                return (key, _now, TestClick.Record(key.AdId, impression, (ulong)random.Next(8), clickTimeMs, key.SubShard, expiresAtMs, verdict));
        }
    }
}
