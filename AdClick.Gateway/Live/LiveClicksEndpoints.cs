using AdClick.Gateway.Ads;
using AdClick.Gateway.Api;
using AdClick.Gateway.Keys;
using AdClick.Gateway.Metrics;

namespace AdClick.Gateway.Live;

/// <summary>Clicks as they are counted.</summary>
internal static class LiveClicksEndpoints
{
    /// <summary>Maps <c>/ads/{adId}/clicks/live</c> and <c>/advertisers/{advertiserId}/clicks/live</c>.</summary>
    public static void MapLiveClicks(this IEndpointRouteBuilder routes)
    {
        const string Description =
            "A stream of server-sent events that follows the newest buckets. The first event `clicks` has all of them and `reset`; each further one has the buckets that changed, "
            + "with absolute counts, so that taking one twice does no harm. With the header `Last-Event-ID` a reader that was cut off gets what has changed since that event, or everything "
            + "with `reset` where the node can't tell. An event `problem` says why the numbers stand still; they go on with the next `clicks`. A comment at least every few seconds keeps the "
            + "connection open. The stream ends when the key is revoked and when the node stops: connect again after the time in `retry`. Read it with fetch, since EventSource can't send the key.";
        routes.MapGet("/ads/{adId}/clicks/live", OfAdAsync)
            .WithName("adClicksLive").WithTags("Clicks")
            .WithSummary("Follow the clicks of an ad")
            .WithDescription(Description)
            .RequireAuthorization(ApiScopes.Advertiser)
            .WithQuery(LiveQuestion.OfAd)
            .GivesEvents<LiveClicksEvent>("Events `clicks` with this as their data, and `problem`.", LiveClicksEvent.ContentType)
            .Refuses(ProblemKind.InvalidRequest, ProblemKind.UnknownAd, ProblemKind.TooManyStreams);
        routes.MapGet("/advertisers/{advertiserId}/clicks/live", OfAdvertiserAsync)
            .WithName("advertiserClicksLive").WithTags("Clicks")
            .WithSummary("Follow the clicks of an advertiser")
            .WithDescription(Description)
            .RequireAuthorization(ApiScopes.Advertiser)
            .WithQuery(LiveQuestion.OfAdvertiser)
            .GivesEvents<LiveClicksEvent>("Events `clicks` with this as their data, and `problem`.", LiveClicksEvent.ContentType)
            .Refuses(ProblemKind.InvalidRequest, ProblemKind.UnknownAd, ProblemKind.TooManyStreams);
    }

    private static async Task<IResult> OfAdAsync(
        string adId, HttpContext http, AdCatalogue catalogue, LiveFeeds feeds, ApiKeyDirectory keys, LiveClicksSettings settings, TimeProvider time)
    {
        if (!LiveQuestion.TryRead(http.Request.Query, (adId, null), out var question, out var problem))
        {
            return problem;
        }

        if (await catalogue.FindAsync(adId, http.RequestAborted) is not { Ad: var ad })
        {
            return Problem.UnknownAd(adId);
        }

        return http.Caller().MayRead(ad.AdvertiserId) ? Open(http, question, feeds, keys, settings, time) : ClickEndpoints.NotTheKeysAd(adId);
    }

    private static async Task<IResult> OfAdvertiserAsync(
        string advertiserId, HttpContext http, AdCatalogue catalogue, LiveFeeds feeds, ApiKeyDirectory keys, LiveClicksSettings settings, TimeProvider time)
    {
        if (!http.Caller().MayRead(advertiserId))
        {
            return ClickEndpoints.NotTheKeysAdvertiser(advertiserId);
        }

        if (!LiveQuestion.TryRead(http.Request.Query, (null, advertiserId), out var question, out var problem))
        {
            return problem;
        }

        return await ClickEndpoints.FindForeignAdAsync(question.OnlyAds, advertiserId, catalogue, http.RequestAborted) is { } foreign
            ? foreign
            : Open(http, question, feeds, keys, settings, time);
    }

    private static IResult Open(
        HttpContext http, LiveQuestion question, LiveFeeds feeds, ApiKeyDirectory keys, LiveClicksSettings settings, TimeProvider time) =>
        feeds.TryOpen(http.Caller(), question, out var subscription, out var problem)
            ? new LiveClicksStream(subscription, feeds, keys, settings, time)
            : problem;
}
