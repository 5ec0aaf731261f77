using AdClick.Actors.Clicks;
using Akka.Actor;
using Akka.Cluster;
using Akka.DistributedData;
using Akka.Event;

namespace AdClick.Actors.HotAds;

/// <summary>
/// Runs on every gateway: each second tells the others which ads are busy here, adds up what they told, and splits and joins ads by it. Both go through
/// Distributed Data, so a gateway that joins knows all splits with its first gossip, and none waits for another.
/// </summary>
internal sealed class HotAdsActor : UntypedActor, IWithTimers
{
    /// <summary>Most busy ads that a gateway tells of; the busiest.</summary>
    public const int MaxReported = 200;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // A gateway that has said nothing for longer has nothing busy, or is gone.
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Forgotten = TimeSpan.FromMinutes(1);

    private static readonly LWWDictionaryKey<string, AdSplit> SplitsKey = new("adclick-ad-splits");
    private static readonly LWWDictionaryKey<string, GatewayTraffic> TrafficKey = new("adclick-gateway-traffic");

    private readonly TrafficMeter _meter;
    private readonly SubShardTable _table;
    private readonly HotAdDetector _detector;
    private readonly TimeProvider _time;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Cluster _cluster = Cluster.Get(Context.System);
    private readonly IActorRef _replicator = DistributedData.Get(Context.System).Replicator;
    private readonly string _self;
    private readonly Dictionary<string, (GatewayTraffic Traffic, long At)> _gateways = new(StringComparer.Ordinal);
    private Dictionary<string, AdSplit> _splits = new(StringComparer.Ordinal);
    private bool _isSilent = true;
    private long _lastLook;

    /// <summary>Made by <see cref="Props"/>.</summary>
    public HotAdsActor(TrafficMeter meter, SubShardTable table, HotAdSettings settings, TimeProvider time)
    {
        _meter = meter;
        _table = table;
        _detector = new HotAdDetector(settings);
        _time = time;
        _self = _cluster.SelfUniqueAddress.ToString();
        _lastLook = time.GetTimestamp();
    }

    /// <summary>What its timer says; a test may say it too.</summary>
    internal enum Tick
    {
        /// <summary>Look at the meter.</summary>
        Look,
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>The actor of a gateway.</summary>
    public static Props Props(TrafficMeter meter, SubShardTable table, HotAdSettings settings, TimeProvider time) =>
        Akka.Actor.Props.Create(() => new HotAdsActor(meter, table, settings, time));

    /// <inheritdoc/>
    protected override void PreStart()
    {
        _replicator.Tell(Dsl.Subscribe(SplitsKey, Self));
        _replicator.Tell(Dsl.Subscribe(TrafficKey, Self));
        Timers.StartPeriodicTimer(Tick.Look, Tick.Look, Interval);
    }

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Tick:
                Look();
                break;
            case Changed changed when changed.Key.Equals(SplitsKey):
                _splits = new Dictionary<string, AdSplit>(changed.Get(SplitsKey).Entries, StringComparer.Ordinal);
                Publish(Rates());
                break;
            case Changed changed when changed.Key.Equals(TrafficKey):
                Hear(changed.Get(TrafficKey).Entries);
                break;
            case IUpdateResponse { IsSuccessful: false } failed:
                _log.Warning("The gateways could not be told of hot ads ({0}); the next second will try again.", failed);
                break;
            case IUpdateResponse:
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Look()
    {
        var now = _time.GetTimestamp();
        var seconds = _time.GetElapsedTime(_lastLook, now).TotalSeconds;
        _lastLook = now;
        if (seconds <= 0)
        {
            return;
        }

        Tell(_meter.Take(), seconds, now);
        var rates = Rates();
        var nowMs = _time.GetUtcNow().ToUnixTimeMilliseconds();
        var changes = _detector.Step(rates.ToDictionary(rate => rate.Key, rate => rate.Value.Clicks, StringComparer.Ordinal), _splits, nowMs);
        foreach (var (adId, split) in changes)
        {
            Change(adId, split, rates.GetValueOrDefault(adId).Clicks);
        }

        Publish(rates);
    }

    private void Tell(IReadOnlyList<(string AdId, int Clicks, int Issued)> busy, double seconds, long now)
    {
        if (busy.Count == 0 && _isSilent)
        {
            return;
        }

        _isSilent = busy.Count == 0;
        var traffic = new GatewayTraffic
        {
            AtMs = _time.GetUtcNow().ToUnixTimeMilliseconds(),
            Ads =
            {
                busy.OrderByDescending(ad => ad.Clicks).ThenByDescending(ad => ad.Issued).Take(MaxReported)
                    .Select(ad => new BusyAd { AdId = ad.AdId, ClicksPerSecond = ad.Clicks / seconds, IssuedPerSecond = ad.Issued / seconds }),
            },
        };
        _gateways[_self] = (traffic, now);
        Update(TrafficKey, gateways => gateways.SetItem(_cluster, _self, traffic));
    }

    private void Hear(IReadOnlyDictionary<string, GatewayTraffic> gateways)
    {
        var now = _time.GetTimestamp();
        foreach (var (gateway, traffic) in gateways)
        {
            // What stands there since the last change says nothing about when it was said.
            if (gateway != _self && (!_gateways.TryGetValue(gateway, out var known) || !known.Traffic.Equals(traffic)))
            {
                _gateways[gateway] = (traffic, now);
            }
        }
    }

    private Dictionary<string, (double Clicks, double Issued)> Rates()
    {
        var rates = new Dictionary<string, (double Clicks, double Issued)>(StringComparer.Ordinal);
        foreach (var (gateway, (traffic, at)) in _gateways)
        {
            var age = _time.GetElapsedTime(at);
            if (age > Forgotten && gateway != _self)
            {
                _gateways.Remove(gateway); // removing while enumerating is allowed in a Dictionary
                Update(TrafficKey, gateways => gateways.Remove(_cluster, gateway));
            }
            else if (age <= Fresh)
            {
                foreach (var ad in traffic.Ads)
                {
                    var (clicks, issued) = rates.GetValueOrDefault(ad.AdId);
                    rates[ad.AdId] = (clicks + ad.ClicksPerSecond, issued + ad.IssuedPerSecond);
                }
            }
        }

        return rates;
    }

    private void Change(string adId, AdSplit? split, double clicksPerSecond)
    {
        var before = _splits.GetValueOrDefault(adId)?.SubShards ?? 1;
        if (split is null)
        {
            _splits.Remove(adId);
            Update(SplitsKey, splits => splits.Remove(_cluster, adId));
        }
        else
        {
            _splits[adId] = split;
            Update(SplitsKey, splits => splits.SetItem(_cluster, adId, split));
        }

        if (before != (split?.SubShards ?? 1))
        {
            _log.Info("Ad {0}, at {1:0} clicks/s, goes from {2} to {3} sub-shards.", adId, clicksPerSecond, before, split?.SubShards ?? 1);
        }
    }

    private void Publish(Dictionary<string, (double Clicks, double Issued)> rates) => _table.Set(
        rates.Keys.Union(_splits.Keys).Select(adId =>
        {
            var (clicks, issued) = rates.GetValueOrDefault(adId);
            var split = _splits.GetValueOrDefault(adId);
            return new HotAd(adId, split?.SubShards ?? 1, split?.NeededAtMs ?? 0, clicks, issued);
        }));

    // Here first, and by gossip everywhere.
    private void Update<TValue>(
        LWWDictionaryKey<string, TValue> key, Func<LWWDictionary<string, TValue>, LWWDictionary<string, TValue>> change) =>
        _replicator.Tell(Dsl.Update(key, LWWDictionary<string, TValue>.Empty, WriteLocal.Instance, change));
}
