using AdClick.Actors.Clicks;
using AdClick.Actors.HotAds;
using AdClick.Actors.Metrics;

namespace AdClick.Gateway.Ads;

/// <summary>An ad ready for clicks.</summary>
/// <param name="Ad">The ad.</param>
/// <param name="Target">Its target, parsed.</param>
/// <param name="Traffic">Counts its traffic here; stays when the ad changes.</param>
internal sealed record CatalogueAd(Ad Ad, TargetUrl Target, AdTraffic Traffic);
