using System.Diagnostics.Metrics;
using AdClick.Actors.Clicks;

namespace AdClick.Gateway.Clicks;

/// <summary>What the way of a click measures at the gateway.</summary>
internal static class GatewayClickMetrics
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "AdClick";

    /// <summary>Counter of redirects by verdict.</summary>
    public const string RedirectsName = "adclick.redirects";

    /// <summary>Histogram of the time to the redirect.</summary>
    public const string RedirectDurationName = "adclick.redirect.duration";

    /// <summary>The verdict of a click that nothing is held against, as it is tagged.</summary>
    public const string Valid = "valid";

    private static readonly Meter Meter = new(MeterName);

    private static readonly Counter<long> Redirects = Meter.CreateCounter<long>(
        RedirectsName, "{click}", "Clicks redirected after they were logged, by the gateway's verdict");

    private static readonly Counter<long> Unlogged = Meter.CreateCounter<long>(
        "adclick.redirects.unlogged", "{click}", "Clicks redirected though the log could not confirm them (lost=possible)");

    private static readonly Counter<long> Refused = Meter.CreateCounter<long>(
        "adclick.clicks.refused", "{request}", "Requests to the click URL that were neither logged nor redirected, by reason");

    /// <summary>Time from the request to the redirect.</summary>
    public static readonly Histogram<double> RedirectDuration = Meter.CreateHistogram<double>(
        RedirectDurationName, "s", "Time from the request to its redirect, for logged clicks");

    private static readonly KeyValuePair<string, object?>[] Verdicts =
    [
        new("verdict", Valid), new("verdict", "bot"), new("verdict", "expired"), new("verdict", "inactive_ad"),
    ];

    private static readonly KeyValuePair<string, object?> LostPossible = new("lost", "possible");

    /// <summary>Makes the counters visible before the first click, so that an alert on them has something to stand on.</summary>
    public static void Announce()
    {
        foreach (var verdict in Verdicts)
        {
            Redirects.Add(0, verdict);
        }

        Unlogged.Add(0, LostPossible);
    }

    /// <summary>A logged click was redirected.</summary>
    public static void Redirected(ClickVerdict verdict) => Redirects.Add(1, Verdicts[(int)verdict]);

    /// <summary>A click was redirected that may be lost.</summary>
    public static void RedirectedUnlogged() => Unlogged.Add(1, LostPossible);

    /// <summary>A request was refused.</summary>
    public static void Refuse(string reason) => Refused.Add(1, new KeyValuePair<string, object?>("reason", reason));
}
