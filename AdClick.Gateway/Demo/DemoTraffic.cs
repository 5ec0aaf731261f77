namespace AdClick.Gateway.Demo;

/// <summary>How often the demo's ads are clicked at a time, and what the clicks are like. History and live traffic are drawn from the same.</summary>
internal sealed class DemoTraffic
{
    /// <summary>Share of first clicks that are followed by another of the same impression.</summary>
    public const double Duplicates = 0.07;

    /// <summary>Share of clicks by declared bots.</summary>
    public const double Bots = 0.045;

    /// <summary>Share of clicks of impressions that have expired.</summary>
    public const double Expired = 0.006;

    private const double PerSecond = 3; // on average over a day
    private const double ViralPeak = 18; // clicks per second at the height of it

    private static readonly TimeSpan ViralEvery = TimeSpan.FromMinutes(20);
    private static readonly TimeSpan ViralRise = TimeSpan.FromSeconds(50);
    private static readonly TimeSpan ViralStay = TimeSpan.FromSeconds(150);
    private static readonly TimeSpan ViralHalves = TimeSpan.FromSeconds(45);

    // What was viral before the demo began: hours before, and clicks per second at the height.
    private static readonly (double HoursBefore, double Peak)[] Former = [(31.5, 5.5), (9.2, 4)];

    private static readonly string[] Browsers =
    [
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
        "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
    ];

    private static readonly string[] BotNames =
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        "curl/8.14.1",
        "python-requests/2.32.5",
    ];

    // Networks that documentation may use (RFC 5737, RFC 3849).
    private static readonly string[] Networks = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8:7::/48"];

    private readonly DateTimeOffset _begin;

    /// <summary>Traffic whose live part begins at a time.</summary>
    public DemoTraffic(DateTimeOffset begin) => _begin = begin;

    /// <summary>Placements that ads are shown at.</summary>
    public static IReadOnlyList<string> Placements { get; } = ["home-top", "article-side", "search", "newsletter"];

    /// <summary>Clicks per second of an ad at a time, second clicks not among them.</summary>
    /// <param name="ad">Number of the ad in <see cref="DemoCatalogue.Ads"/>.</param>
    /// <param name="at">The time.</param>
    public double RateOf(int ad, DateTimeOffset at)
    {
        var usual = PerSecond * DemoCatalogue.Shares[ad] * DayFactor(at);
        return DemoCatalogue.Ads[ad].AdId != DemoCatalogue.ViralAd ? usual : usual + (at >= _begin ? Viral(at - _begin) : FormerViral(_begin - at));
    }

    /// <summary>How many events there are where so many are expected (Poisson).</summary>
    public static int Draw(double expected)
    {
        if (expected > 30)
        {
            // The sum of many small chances is almost normal.
            var normal = Math.Sqrt(-2 * Math.Log(1 - Random.Shared.NextDouble())) * Math.Cos(2 * Math.PI * Random.Shared.NextDouble());
            return Math.Max(0, (int)Math.Round(expected + (Math.Sqrt(expected) * normal)));
        }

        var limit = Math.Exp(-expected);
        var product = Random.Shared.NextDouble();
        var events = 0;
        while (product > limit)
        {
            product *= Random.Shared.NextDouble();
            events++;
        }

        return events;
    }

    /// <summary>A person's browser, or a bot.</summary>
    public static string UserAgent(bool isBot) => OneOf(isBot ? BotNames : Browsers);

    /// <summary>Where somebody comes from.</summary>
    public static string Network() => OneOf(Networks);

    /// <summary>One of some texts.</summary>
    public static string OneOf(IReadOnlyList<string> texts) => texts[Random.Shared.Next(texts.Count)];

    // Quiet before dawn, busy in the evening, with a small peak at noon; 1 on average.
    private static double DayFactor(DateTimeOffset at)
    {
        var hour = at.UtcDateTime.TimeOfDay.TotalHours;
        var day = 0.5 - (0.5 * Math.Cos(2 * Math.PI * (hour - 4) / 24));
        var evening = Math.Exp(-Math.Pow((hour - 19.5) / 2.6, 2));
        var noon = Math.Exp(-Math.Pow((hour - 12.2) / 1.2, 2));
        return 0.25 + (0.95 * day) + (0.85 * evening) + (0.35 * noon);
    }

    private static double Viral(TimeSpan sinceBegin)
    {
        // The first time comes soon, so that somebody who tries the demo sees it.
        var at = TimeSpan.FromTicks((sinceBegin + ViralEvery - TimeSpan.FromSeconds(60)).Ticks % ViralEvery.Ticks);
        return ViralPeak * (at < ViralRise ? Math.Pow(at / ViralRise, 2)
            : at < ViralRise + ViralStay ? 1
            : Math.Pow(0.5, (at - ViralRise - ViralStay) / ViralHalves));
    }

    private static double FormerViral(TimeSpan beforeBegin)
    {
        var rate = 0.0;
        foreach (var (hoursBefore, peak) in Former)
        {
            var since = hoursBefore - beforeBegin.TotalHours;
            rate += since < 0 ? 0 : peak * (1 - Math.Exp(-since * 5)) * Math.Exp(-since * 0.9);
        }

        return rate;
    }
}
