using System.Numerics;
using AdClick.Actors.HotAds;
using AdClick.Actors.Metrics;
using AdClick.Gateway.Ads;
using AdClick.Gateway.Api;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AdClick.Gateway.HotAds;

/// <summary>Into how many sub-shards ads are split: for ad servers that sign tokens themselves, and for operators who know better than the traffic.</summary>
internal static class SubShardEndpoints
{
    /// <summary>Maps <c>/sub-shards</c>.</summary>
    public static void MapSubShards(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/sub-shards", List)
            .WithName("listSubShards").WithTags("Sub-shards")
            .WithSummary("List the ads that are split into sub-shards")
            .WithDescription(
                "For ad servers that sign impressions themselves: ask every few seconds. Tokens with an earlier number stay right; they only spread the ad less.")
            .RequireAuthorization(ApiScopes.Publisher)
            .Gives<SubShardListResponse>(200, "The ads, by ID.");
        routes.MapPut("/sub-shards/{adId}", PinAsync)
            .WithName("pinSubShards").WithTags("Sub-shards")
            .WithSummary("Pin an ad's number of sub-shards")
            .WithDescription("This node issues by it at once, the others within 5 seconds.")
            .RequireAuthorization(ApiScopes.Admin)
            .WithBody<PinSubShardsRequest>()
            .Gives<SubShardsResponse>(200, "The number is pinned.")
            .Refuses(ProblemKind.UnknownAd);
        routes.MapDelete("/sub-shards/{adId}", UnpinAsync)
            .WithName("unpinSubShards").WithTags("Sub-shards")
            .WithSummary("Let an ad's traffic decide again")
            .RequireAuthorization(ApiScopes.Admin)
            .Gives(204, "The number is not pinned any more.")
            .Refuses(ProblemKind.InvalidRequest, ProblemKind.UnknownAd);
    }

    private static JsonHttpResult<SubShardListResponse> List(AdCatalogue catalogue, SubShardTable table)
    {
        var pinned = catalogue.Pinned().ToDictionary(ad => ad.AdId, ad => new SubShardsResponse(ad.AdId, ad.PinnedSubShards!.Value, true), StringComparer.Ordinal);
        var split = table.Ads.Values.Where(ad => ad.SubShards > 1 && !pinned.ContainsKey(ad.AdId)).Select(ad => new SubShardsResponse(ad.AdId, ad.SubShards, false));
        var ads = pinned.Values.Concat(split).OrderBy(ad => ad.AdId, StringComparer.Ordinal);
        return TypedResults.Json(new SubShardListResponse([.. ads]), ApiJson.Context.SubShardListResponse);
    }

    private static async Task<IResult> PinAsync(string adId, HttpContext http, ICatalogueStore store, AdCatalogue catalogue, ILogger<AdCatalogue> logger)
    {
        var (body, problem) = await JsonBody.ReadAsync(http, ApiJson.Context.PinSubShardsRequest);
        if (body is null)
        {
            return problem!;
        }

        var subShards = body.SubShards!.Value;
        if (!BitOperations.IsPow2(subShards))
        {
            return FieldErrors.One("subShards", "must be a power of two: 1, 2, 4, 8, 16, 32 or 64");
        }

        return await ChangeAsync(adId, subShards, http, store, catalogue, logger)
            ? TypedResults.Json(new SubShardsResponse(adId, subShards, true), ApiJson.Context.SubShardsResponse)
            : Problem.UnknownAd(adId);
    }

    private static async Task<IResult> UnpinAsync(string adId, HttpContext http, ICatalogueStore store, AdCatalogue catalogue, ILogger<AdCatalogue> logger) =>
        await ChangeAsync(adId, null, http, store, catalogue, logger) ? TypedResults.NoContent() : Problem.UnknownAd(adId);

    private static async Task<bool> ChangeAsync(
        string adId, int? subShards, HttpContext http, ICatalogueStore store, AdCatalogue catalogue, ILogger<AdCatalogue> logger)
    {
        if (!await store.PinSubShardsAsync(adId, subShards, http.RequestAborted))
        {
            return false;
        }

        logger.LogInformation("Ad {AdId}: sub-shards pinned to {SubShards} by key {Key}.", adId, subShards, http.User.Identity?.Name);
        await AdEndpoints.TellCatalogueAsync(catalogue, adId, logger, http.RequestAborted);
        return true;
    }
}
