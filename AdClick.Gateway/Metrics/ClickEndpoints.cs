using AdClick.Actors.Metrics;
using AdClick.Gateway.Ads;
using AdClick.Gateway.Api;
using Microsoft.Net.Http.Headers;

namespace AdClick.Gateway.Metrics;

/// <summary>Reading clicks.</summary>
internal static class ClickEndpoints
{
    private static readonly MediaTypeHeaderValue Csv = new(ClickReportCsv.MediaType);
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    /// <summary>Maps <c>/ads/{adId}/clicks</c> and <c>/advertisers/{advertiserId}/clicks</c>.</summary>
    public static void MapClicks(this IEndpointRouteBuilder routes)
    {
        const string Description =
            "Buckets are [start, next), aligned in the asked time zone; `from` and `to` are aligned outwards. "
            + "`completeThrough` is the time before which no gateway still holds a click that the store lacks. "
            + "A bucket is `live` until all its clicks are in, then `final`, and `reconciled` after a re-count. "
            + "With `Accept: text/csv` the series comes as CSV, and `completeThrough` in the header AdClick-Complete-Through.";
        routes.MapGet("/ads/{adId}/clicks", OfAdAsync)
            .WithName("adClicks").WithTags("Clicks")
            .WithSummary("Clicks of an ad over time")
            .WithDescription(Description)
            .RequireAuthorization(ApiScopes.Advertiser)
            .WithQuery(ClickQuestion.OfAd)
            .Gives<ClicksResponse>(200, "The clicks.", ClickReportCsv.MediaType)
            .Refuses(ProblemKind.InvalidRequest, ProblemKind.UnknownAd, ProblemKind.StoreUnavailable, ProblemKind.TimedOut);
        routes.MapGet("/advertisers/{advertiserId}/clicks", OfAdvertiserAsync)
            .WithName("advertiserClicks").WithTags("Clicks")
            .WithSummary("Clicks of an advertiser over time")
            .WithDescription(Description + " With `groupBy=ad` there are `groups`, largest first, and `others` in place of `series`.")
            .RequireAuthorization(ApiScopes.Advertiser)
            .WithQuery(ClickQuestion.OfAdvertiser)
            .Gives<ClicksResponse>(200, "The clicks.", ClickReportCsv.MediaType)
            .Refuses(ProblemKind.InvalidRequest, ProblemKind.UnknownAd, ProblemKind.StoreUnavailable, ProblemKind.TimedOut);
    }

    private static async Task<IResult> OfAdAsync(
        string adId,
        HttpContext http,
        AdCatalogue catalogue,
        TimeProvider time,
        ClickAnswers answers)
    {
        if (!ClickQuestion.TryRead(http.Request.Query, ClickQuestion.OfAd, (adId, null), time.GetUtcNow(), out var question, out var problem))
        {
            return problem;
        }

        if (await catalogue.FindAsync(adId, http.RequestAborted) is not { Ad: var ad })
        {
            return Problem.UnknownAd(adId);
        }

        return http.Caller().MayRead(ad.AdvertiserId)
            ? await AnswerAsync(http, question, answers)
            : NotTheKeysAd(adId);
    }

    private static async Task<IResult> OfAdvertiserAsync(
        string advertiserId,
        HttpContext http,
        AdCatalogue catalogue,
        TimeProvider time,
        ClickAnswers answers)
    {
        if (!http.Caller().MayRead(advertiserId))
        {
            return NotTheKeysAdvertiser(advertiserId);
        }

        if (!ClickQuestion.TryRead(
            http.Request.Query, ClickQuestion.OfAdvertiser, (null, advertiserId), time.GetUtcNow(), out var question, out var problem))
        {
            return problem;
        }

        return await FindForeignAdAsync(question.OnlyAds, advertiserId, catalogue, http.RequestAborted) is { } foreign
            ? foreign
            : await AnswerAsync(http, question, answers);
    }

    /// <summary>The key reads another advertiser's clicks.</summary>
    public static Problem NotTheKeysAd(string adId) => new(ProblemKind.Forbidden, $"Ad \"{adId}\" is not one of the key's advertiser.");

    /// <summary>The key reads another advertiser's clicks.</summary>
    public static Problem NotTheKeysAdvertiser(string advertiserId) => new(ProblemKind.Forbidden, $"The key is not one of advertiser \"{advertiserId}\".");

    /// <summary>What is wrong with the ads that a question about an advertiser is narrowed down to; null for nothing.</summary>
    public static async Task<Problem?> FindForeignAdAsync(string? onlyAds, string advertiserId, AdCatalogue catalogue, CancellationToken cancellationToken)
    {
        foreach (var adId in onlyAds?.Split(',') ?? [])
        {
            if (await catalogue.FindAsync(adId, cancellationToken) is not { Ad: var ad })
            {
                return Problem.UnknownAd(adId);
            }

            if (ad.AdvertiserId != advertiserId)
            {
                return new Problem(ProblemKind.Forbidden, $"Ad \"{adId}\" is not one of advertiser \"{advertiserId}\".");
            }
        }

        return null;
    }

    private static async Task<IResult> AnswerAsync(HttpContext http, ClickQuery question, ClickAnswers answers)
    {
        var answer = await answers.AskAsync(question, http.RequestAborted);
        if (answer is not MetricsAnswers.Report { Value: var report })
        {
            return ClickAnswers.ProblemOf(answer);
        }

        http.Response.Headers.Vary = HeaderNames.Accept;
        return WantsCsv(http.Request) ? new ClickReportCsv(question, report) : new ClickReportJson(question, report);
    }

    /// <summary>CSV for whoever prefers it to JSON; JSON for everyone else.</summary>
    private static bool WantsCsv(HttpRequest request)
    {
        var csv = 0.0;
        var json = 0.0;
        foreach (var accepted in request.GetTypedHeaders().Accept)
        {
            var quality = accepted.Quality ?? 1;
            if (accepted is { MatchesAllTypes: false, MatchesAllSubTypes: false } && Csv.IsSubsetOf(new MediaTypeHeaderValue(accepted.MediaType)))
            {
                csv = Math.Max(csv, quality);
            }
            else if (Json.IsSubsetOf(new MediaTypeHeaderValue(accepted.MediaType)) && !accepted.MatchesAllTypes)
            {
                json = Math.Max(json, quality);
            }
        }

        return csv > 0 && csv >= json;
    }
}
