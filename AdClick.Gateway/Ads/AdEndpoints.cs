using System.Globalization;
using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Gateway.Api;

namespace AdClick.Gateway.Ads;

/// <summary>Putting and reading ads.</summary>
internal static class AdEndpoints
{
    private const int DefaultLimit = 100;

    private static readonly BetweenAttribute LimitRule = new(1, 1_000);

    private static readonly QueryParameter Limit = new("limit", "Most ads in the answer.") { Rule = LimitRule, Default = "100" };

    private static readonly QueryParameter Cursor = new("cursor", "nextCursor of the answer before; leave out for the first.");

    /// <summary>Maps <c>/ads</c>.</summary>
    public static void MapAds(this IEndpointRouteBuilder routes)
    {
        routes.MapPut("/ads/{adId}", PutAsync)
            .WithName("putAd").WithTags("Ads")
            .WithSummary("Create or replace an ad")
            .WithDescription("The whole ad is replaced. This node knows it at once, the others within 5 seconds.")
            .RequireAuthorization(ApiScopes.Admin)
            .WithBody<PutAdRequest>()
            .Gives<AdResponse>(200, "The ad was replaced.")
            .Gives<AdResponse>(201, "The ad is new.")
            .Refuses(ProblemKind.OtherAdvertiser);
        routes.MapGet("/ads/{adId}", GetAsync)
            .WithName("getAd").WithTags("Ads")
            .WithSummary("Read an ad")
            .RequireAuthorization(ApiScopes.Admin)
            .Gives<AdResponse>(200, "The ad.")
            .Refuses(ProblemKind.InvalidRequest, ProblemKind.UnknownAd);
        routes.MapGet("/ads", ListAsync)
            .WithName("listAds").WithTags("Ads")
            .WithSummary("List ads, in the order of their IDs")
            .RequireAuthorization(ApiScopes.Admin)
            .WithQuery(
                new QueryParameter("advertiserId", "Only the ads of this advertiser.") { Rule = new IdAttribute() },
                Limit,
                Cursor)
            .Gives<AdListResponse>(200, "Ads, and where to go on.")
            .Refuses(ProblemKind.InvalidRequest);
    }

    /// <summary>Maps <c>/advertisers/{advertiserId}/ads</c>.</summary>
    public static void MapAdvertiserAds(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/advertisers/{advertiserId}/ads", ListOfAdvertiserAsync)
            .WithName("listAdvertiserAds").WithTags("Ads")
            .WithSummary("List the ads of an advertiser, in the order of their IDs")
            .RequireAuthorization(ApiScopes.Advertiser)
            .WithQuery(Limit, Cursor)
            .Gives<AdListResponse>(200, "Ads, and where to go on.")
            .Refuses(ProblemKind.InvalidRequest);

    private static async Task<IResult> PutAsync(
        string adId, HttpContext http, ICatalogueStore store, AdCatalogue catalogue, ILogger<AdCatalogue> logger)
    {
        var (body, problem) = await JsonBody.ReadAsync(http, ApiJson.Context.PutAdRequest);
        if (body is null)
        {
            return problem!;
        }

        if (!TargetUrl.TryParse(body.TargetUrl!, out _, out var error))
        {
            return FieldErrors.One("targetUrl", error!);
        }

        var ad = new Ad(adId, body.AdvertiserId!, body.Name!, body.TargetUrl!, AdStatuses.Parse(body.Status!), body.CampaignId);
        var result = await store.PutAdAsync(ad, http.RequestAborted);
        if (result == PutAdResult.OtherAdvertiser)
        {
            return new Problem(
                ProblemKind.OtherAdvertiser,
                $"Ad \"{adId}\" belongs to another advertiser than \"{ad.AdvertiserId}\", and that can't change. Put a new ad under another ID.");
        }

        await TellCatalogueAsync(catalogue, adId, logger, http.RequestAborted);
        if (result == PutAdResult.Created)
        {
            http.Response.Headers.Location = $"/v1/ads/{adId}";
        }

        return TypedResults.Json(AdResponse.Of(ad), ApiJson.Context.AdResponse, statusCode: result == PutAdResult.Created ? 201 : 200);
    }

    /// <summary>Brings a change that was just stored into this node's memory.</summary>
    public static async Task TellCatalogueAsync(AdCatalogue catalogue, string adId, ILogger logger, CancellationToken cancellationToken)
    {
        try
        {
            await catalogue.RefreshAsync(cancellationToken);
        }
        catch (MetricsStoreUnavailableException e)
        {
            // The change is stored, which is what the caller asked for; the next poll brings it here.
            logger.LogWarning(
                e,
                "Ad {AdId} was changed, but the store went away before this node could read it back; it will be known here once the store answers.",
                adId);
        }
    }

    private static async Task<IResult> GetAsync(string adId, HttpContext http, ICatalogueStore store) =>
        await store.FindAdAsync(adId, http.RequestAborted) is { } ad
            ? TypedResults.Json(AdResponse.Of(ad), ApiJson.Context.AdResponse)
            : Problem.UnknownAd(adId);

    private static async Task<IResult> ListOfAdvertiserAsync(string advertiserId, HttpContext http, ICatalogueStore store) =>
        http.Caller().MayRead(advertiserId)
            ? await AnswerListAsync(advertiserId, new FieldErrors(), http, store)
            : new Problem(ProblemKind.Forbidden, $"The key is not one of advertiser \"{advertiserId}\".");

    private static Task<IResult> ListAsync(HttpContext http, ICatalogueStore store)
    {
        var errors = new FieldErrors();
        var advertiserId = Optional(http.Request.Query, "advertiserId");
        errors.Check("advertiserId", advertiserId, new IdAttribute());
        return AnswerListAsync(advertiserId, errors, http, store);
    }

    private static string? Optional(IQueryCollection query, string name) => query[name] is [{ Length: > 0 } value] ? value : null;

    private static async Task<IResult> AnswerListAsync(string? advertiserId, FieldErrors errors, HttpContext http, ICatalogueStore store)
    {
        var query = http.Request.Query;

        // A cursor is the ID of the last ad of the page before.
        var cursor = Optional(query, "cursor");
        if (cursor is not null && !Ids.IsValid(cursor))
        {
            errors.Add("cursor", "must be the nextCursor of the answer before");
        }

        var limit = DefaultLimit;
        if (query["limit"] is [{ } text])
        {
            limit = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
            errors.Check("limit", limit, LimitRule);
        }

        if (errors.Any)
        {
            return errors.ToProblem();
        }

        // One more than asked for tells whether there is a next page.
        var ads = await store.ListAdsAsync(advertiserId, cursor, limit + 1, http.RequestAborted);
        var page = ads.Take(limit).Select(AdResponse.Of).ToArray();
        return TypedResults.Json(new AdListResponse(page, ads.Count > limit ? page[^1].AdId : null), ApiJson.Context.AdListResponse);
    }
}
