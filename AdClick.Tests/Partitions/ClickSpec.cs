using AdClick.Actors.Clicks;

namespace AdClick.Tests.Partitions;

/// <summary>
/// One record of a log, in small numbers that FsCheck makes and shrinks. Few ads, impressions and nonces, so that they meet; times that go well
/// beyond expiry and allowed lateness, so that everything dies and comes again.
/// </summary>
public sealed record ClickSpec(byte Ad, byte Impression, byte Nonce, byte Delay, byte Step, byte Kind)
{
    /// <summary>Short enough for a log of some hundred records to outlive it several times.</summary>
    public const long AllowedLatenessMs = 10 * TestClick.Minute;

    public const int Ads = 6;

    /// <summary>Writes the specified log, one list of records for each partition, as (append time, record).</summary>
    public static List<(long AppendTimeMs, byte[] Record)>[] WriteLog(IEnumerable<ClickSpec> specs, int partitions)
    {
        List<(long, byte[])>[] log = [.. Enumerable.Range(0, partitions).Select(_ => new List<(long, byte[])>())];
        var now = TestClick.Start;
        foreach (var spec in specs)
        {
            now += spec.Step < 240 ? spec.Step * 20 : (spec.Step - 239) * 30 * TestClick.Second;
            log[spec.Partition(partitions)].Add((now, spec.ToRecord(now)));
        }

        return log;
    }

    /// <summary>The ad and sub-shard: two ads are hot, and split by the impression's low bits.</summary>
    public AdKey Key => Ad % Ads is var ad && ad < 2 ? new AdKey($"hot{ad}", Impression % 4) : new AdKey($"ad{ad}", 0);

    private int Partition(int partitions) => Kind switch
    {
        250 => (Key.Partition(partitions) + 1) % partitions, // a record that strayed
        >= 240 => Ad % partitions,
        _ => Key.Partition(partitions),
    };

    private byte[] ToRecord(long appendTimeMs)
    {
        // Skewed clocks and spools: half of the clicks come at once, the others up to half an hour before or after their time.
        var clickTimeMs = appendTimeMs - (Delay < 128 ? Delay : (Delay - 192) * 30 * TestClick.Second);
        var generation = Math.Max(0, clickTimeMs - TestClick.Start) / (20 * TestClick.Minute);
        return Kind switch
        {
            >= 251 => [0xff, Ad, Kind],
            >= 240 => TestClick.Mark($"gateway{Ad % 3}", clickTimeMs, clickTimeMs - TestClick.Second),
            // Every 20 minutes eight new impressions, each clickable for up to half an hour.
            _ => TestClick.Record(Key.AdId, (generation * 8) + (Impression % 8), (ulong)(Nonce % 16), clickTimeMs, Key.SubShard,
                TestClick.Start + (generation * 20 * TestClick.Minute) + ((Impression % 8) * 4 * TestClick.Minute),
                (ClickVerdict)(Kind < 40 ? Kind % 4 : 0)),
        };
    }
}
