using System.Globalization;

namespace AdClick.Benchmarks.Load;

/// <summary>The ads of a run: as many as were asked for, and one more that only the freshness probe clicks.</summary>
internal sealed class LoadAds
{
    /// <summary>Ads of one advertiser: as many as one question about an advertiser may list.</summary>
    public const int PerAdvertiser = 1_000;

    private readonly string _prefix;

    /// <summary>Names the ads.</summary>
    /// <param name="count">Number of ads.</param>
    /// <param name="prefix">Tells the ads of this run from those of others on the same gateway.</param>
    public LoadAds(int count, string prefix)
    {
        _prefix = prefix;
        Count = count;
        Ids = [.. Enumerable.Range(0, count).Select(ad => string.Create(CultureInfo.InvariantCulture, $"{prefix}ad{ad}")), $"{prefix}probe"];
    }

    /// <summary>Number of ads without the probe's.</summary>
    public int Count { get; }

    /// <summary>The probe's ad.</summary>
    public int Probe => Count;

    /// <summary>IDs of the ads, the probe's last.</summary>
    public IReadOnlyList<string> Ids { get; }

    /// <summary>Number of advertisers.</summary>
    public int Advertisers => (Ids.Count + PerAdvertiser - 1) / PerAdvertiser;

    /// <summary>The advertiser of an ad.</summary>
    public string AdvertiserOf(int ad) => Advertiser(ad / PerAdvertiser);

    /// <summary>ID of an advertiser.</summary>
    public string Advertiser(int number) => string.Create(CultureInfo.InvariantCulture, $"{_prefix}advertiser{number}");
}
