using System.ComponentModel;
using System.Text.Json.Serialization;
using AdClick.Actors.Metrics;
using AdClick.Gateway.Api;

namespace AdClick.Gateway.Ads;

/// <summary>Body of <c>PUT /v1/ads/{adId}</c>.</summary>
internal sealed record PutAdRequest
{
    /// <summary>Whose ad it is.</summary>
    [Needed, Id, Description("Whose ad it is; can't change later.")]
    public string? AdvertiserId { get; init; }

    /// <summary>For people.</summary>
    [Needed, PlainText(200), Description("For people.")]
    public string? Name { get; init; }

    /// <summary>Where a click leads.</summary>
    [Needed, Description(
        "Where a click leads: absolute http or https, at most 2,048 characters. After the authority it may hold {click_id}, {impression_id}, "
        + "{ad_id}, {placement} and {click_time}.")]
    public string? TargetUrl { get; init; }

    /// <summary>Whether clicks count.</summary>
    [Needed, OneOf("active", "paused", "archived"), Description("Whether impressions are issued and clicks count.")]
    public string? Status { get; init; }

    /// <summary>Campaign.</summary>
    [Id, Description("Campaign, if any.")]
    public string? CampaignId { get; init; }
}

/// <summary>An ad as it is shown.</summary>
/// <param name="AdId">ID.</param>
/// <param name="AdvertiserId">Whose it is.</param>
/// <param name="Name">For people.</param>
/// <param name="TargetUrl">Where a click leads.</param>
/// <param name="Status">Whether clicks count.</param>
/// <param name="CampaignId">Campaign, if any.</param>
internal sealed record AdResponse(
    string AdId,
    string AdvertiserId,
    string Name,
    string TargetUrl,
    [property: OneOf("active", "paused", "archived")] string Status,
    string? CampaignId)
{
    /// <summary>The ad as it is shown.</summary>
    public static AdResponse Of(Ad ad) => new(ad.AdId, ad.AdvertiserId, ad.Name, ad.TargetUrl, AdStatuses.Name(ad.Status), ad.CampaignId);
}

/// <summary>Answer to <c>GET /v1/ads</c>.</summary>
/// <param name="Ads">Ads in the order of their IDs.</param>
/// <param name="NextCursor">Where to go on; null at the end.</param>
internal sealed record AdListResponse(
    IReadOnlyList<AdResponse> Ads,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    [property: Description("Where to go on: the cursor of the next call; null at the end.")]
    string? NextCursor);

/// <summary>The names of the states of an ad.</summary>
internal static class AdStatuses
{
    /// <summary>The status's name.</summary>
    public static string Name(AdStatus status) => status switch
    {
        AdStatus.Active => "active",
        AdStatus.Paused => "paused",
        AdStatus.Archived => "archived",
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "No such status."),
    };

    /// <summary>The status of a name that was checked before.</summary>
    public static AdStatus Parse(string name) => name switch
    {
        "active" => AdStatus.Active,
        "paused" => AdStatus.Paused,
        "archived" => AdStatus.Archived,
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No such status."),
    };
}
