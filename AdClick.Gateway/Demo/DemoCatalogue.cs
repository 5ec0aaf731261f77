using AdClick.Actors.Metrics;

namespace AdClick.Gateway.Demo;

/// <summary>The advertisers and ads of the demo, with how popular each ad is.</summary>
internal static class DemoCatalogue
{
    /// <summary>The ad that goes viral again and again.</summary>
    public const string ViralAd = "bs-oatmilk";

    /// <summary>An ad that is paused, though its impressions are still out and clicked.</summary>
    public const string PausedAd = "vl-winter-sale";

    private const double Skew = 0.85;

    // The most popular first.
    private static readonly (string AdId, string Name)[] Popular =
    [
        ("nl-tent-2p", "Two-person tent, 1.4 kg"),
        ("bs-espresso", "Espresso subscription"),
        ("vl-cargo-bike", "Cargo bike test ride"),
        ("nl-rain-jacket", "Rain jacket, new colours"),
        ("bs-starter-kit", "Starter kit, half price"),
        (ViralAd, "Oat milk that foams"),
        ("vl-city-7", "City 7: seven gears, no chain"),
        ("nl-boots", "Boots with a repair promise"),
        ("bs-grinder", "Hand grinder"),
        ("vl-leasing", "Bike leasing for companies"),
        ("nl-backpack", "Backpack 38 l"),
        ("bs-decaf", "Decaf that tastes"),
        ("vl-helmet", "Folding helmet"),
        ("nl-stove", "Wood stove, folds flat"),
        ("bs-gift-card", "Gift cards"),
        ("vl-service", "Spring service, booked online"),
        ("nl-maps", "Trail maps, offline"),
        ("bs-cups", "Cups by hand"),
        (PausedAd, "Winter sale"),
        ("nl-headlamp", "Headlamp 600 lm"),
        ("bs-roastery", "Visit the roastery"),
        ("vl-lights", "Lights that charge while you ride"),
        ("nl-sleeping-bag", "Sleeping bag, −12 °C"),
        ("vl-kids", "Bikes that grow"),
    ];

    /// <summary>The advertisers: ID, and the name of the key that is made for each.</summary>
    public static IReadOnlyList<(string Id, string KeyName)> Advertisers { get; } = [("nordlicht", "demo-nordlicht"), ("brightside", "demo-brightside"), ("velora", "demo-velora")];

    /// <summary>The ads as they are put into the catalogue.</summary>
    public static IReadOnlyList<Ad> Ads { get; } =
    [
        .. Popular.Select(ad => new Ad(
            ad.AdId,
            AdvertiserOf(ad.AdId),
            ad.Name,
            $"https://{AdvertiserOf(ad.AdId)}.example/{ad.AdId}?click={{click_id}}",
            ad.AdId == PausedAd ? AdStatus.Paused : AdStatus.Active,
            null)),
    ];

    /// <summary>The part of all clicks that an ad gets, in the order of <see cref="Ads"/>: Zipf's law.</summary>
    public static IReadOnlyList<double> Shares { get; } = MakeShares();

    private static string AdvertiserOf(string adId) => adId[..2] switch
    {
        "nl" => "nordlicht",
        "bs" => "brightside",
        _ => "velora",
    };

    private static List<double> MakeShares()
    {
        var weights = Enumerable.Range(1, Popular.Length).Select(rank => Math.Pow(rank, -Skew)).ToList();
        return [.. weights.Select(weight => weight / weights.Sum())];
    }
}
