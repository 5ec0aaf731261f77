using AdClick.Actors.ClickLog;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Gateway.Clicks;

namespace AdClick.Gateway.Demo;

/// <summary>
/// Writes the clicks of the time before the demo into the click log, in the order in which they came, with the marks of the gateway that took them. The log gives each
/// record the append time that its clock says; everything else follows from the log as always: partitions read, dedupe, count and archive it when the node starts.
/// </summary>
internal sealed class DemoHistory
{
    /// <summary>How far back it goes.</summary>
    public static readonly TimeSpan Length = TimeSpan.FromHours(48);

    // Written and synced together: well below the allowed lateness.
    private static readonly TimeSpan Stretch = TimeSpan.FromMinutes(10);

    private readonly IClickLog _log;
    private readonly HistoryClock _clock;
    private readonly DemoTraffic _traffic;
    private readonly TimeSpan _impressionLifetime;
    private readonly string _gateway = GatewayIdentity.Embedded.Name;
    private readonly byte[] _buffer = new byte[ClickRecordWriter.MaxBytes];

    /// <summary>History in a log.</summary>
    /// <param name="log">The log, opened with <paramref name="clock"/>.</param>
    /// <param name="clock">The clock of the log, which stands where the history has come to.</param>
    /// <param name="traffic">What clicks are like.</param>
    /// <param name="impressionLifetime">How long impressions may be clicked.</param>
    public DemoHistory(IClickLog log, HistoryClock clock, DemoTraffic traffic, TimeSpan impressionLifetime)
    {
        _log = log;
        _clock = clock;
        _traffic = traffic;
        _impressionLifetime = impressionLifetime;
    }

    /// <summary>Writes everything from a time up to another; gives the number of clicks.</summary>
    public async Task<int> WriteAsync(DateTimeOffset from, DateTimeOffset to)
    {
        var clicks = 0;
        var late = new List<ClickRecord>(); // second clicks that belong to the next stretch
        for (var start = from; start < to; start += Stretch)
        {
            var end = start + Stretch < to ? start + Stretch : to;
            var all = late.Concat(Draw(start, end)).OrderBy(click => click.ClickTimeMs).ToList();
            var endMs = end.ToUnixTimeMilliseconds();
            late = [.. all.Where(click => click.ClickTimeMs >= endMs)];
            _clock.Now = end;
            var appends = all.Where(click => click.ClickTimeMs < endMs).Select(Append).ToList();
            clicks += appends.Count;
            await Task.WhenAll(appends);
            await MarkAsync(endMs);
        }

        return clicks;
    }

    private IEnumerable<ClickRecord> Draw(DateTimeOffset start, DateTimeOffset end)
    {
        for (var ad = 0; ad < DemoCatalogue.Ads.Count; ad++)
        {
            for (var minute = start; minute < end; minute = minute.AddMinutes(1))
            {
                var seconds = Math.Min(60, (end - minute).TotalSeconds);
                for (var left = DemoTraffic.Draw(_traffic.RateOf(ad, minute) * seconds); left > 0; left--)
                {
                    var click = Click(DemoCatalogue.Ads[ad], minute.AddSeconds(Random.Shared.NextDouble() * seconds));
                    yield return click;
                    if (Random.Shared.NextDouble() < DemoTraffic.Duplicates)
                    {
                        yield return click with { Nonce = NewNonce(), ClickTimeMs = click.ClickTimeMs + Random.Shared.Next(400, 45_000) };
                    }
                }
            }
        }
    }

    private ClickRecord Click(Ad ad, DateTimeOffset at)
    {
        var isExpired = Random.Shared.NextDouble() < DemoTraffic.Expired;
        var isBot = Random.Shared.NextDouble() < DemoTraffic.Bots;
        var impression = ImpressionId.New(at - (isExpired ? _impressionLifetime : TimeSpan.Zero) - TimeSpan.FromSeconds(Random.Shared.Next(1, 90)));
        return new ClickRecord
        {
            Nonce = NewNonce(),
            Impression = impression,
            ExpiresAtMs = impression.IssuedAtMs + (long)_impressionLifetime.TotalMilliseconds,
            Ad = new AdKey(ad.AdId, impression.SubShard(1)),
            ClickTimeMs = at.ToUnixTimeMilliseconds(),
            Verdict = isExpired ? ClickVerdict.Expired : ad.Status != AdStatus.Active ? ClickVerdict.InactiveAd : isBot ? ClickVerdict.Bot : ClickVerdict.Valid,
            Placement = DemoTraffic.OneOf(DemoTraffic.Placements),
            UserAgent = DemoTraffic.UserAgent(isBot),
            ClientNetwork = DemoTraffic.Network(),
            Gateway = _gateway,
        };
    }

    private static ulong NewNonce() => (ulong)Random.Shared.NextInt64(long.MinValue, long.MaxValue);

    private Task Append(ClickRecord click)
    {
        Span<byte> key = stackalloc byte[Ids.MaxLength + 4];
        var length = ClickRecordWriter.Write(click, _buffer);
        return _log.AppendAsync(click.Ad.Partition(_log.Identity.Partitions), key[..click.Ad.WriteUtf8(key)], _buffer.AsSpan(0, length));
    }

    private Task MarkAsync(long timeMs)
    {
        var length = ClickRecordWriter.Write(new MarkRecord(_gateway, timeMs, timeMs), _buffer);
        return Task.WhenAll(Enumerable.Range(0, _log.Identity.Partitions).Select(partition => _log.AppendAsync(partition, [], _buffer.AsSpan(0, length))));
    }
}

/// <summary>A clock that says what it is told; waits are real.</summary>
internal sealed class HistoryClock : TimeProvider
{
    /// <summary>Now.</summary>
    public DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => Now;
}
