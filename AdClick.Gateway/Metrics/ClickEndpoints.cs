using AdClick.Actors.Metrics;
using AdClick.Gateway.Ads;
using AdClick.Gateway.Api;
using Akka.Actor;
using Akka.Hosting;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Net.Http.Headers;

namespace AdClick.Gateway.Metrics;

/// <summary>Reading clicks.</summary>
internal static class ClickEndpoints
{
    // Only an actor system that is stopping does not answer; all else the actor itself ends before.
    private static readonly TimeSpan AskMargin = TimeSpan.FromSeconds(1);

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
            .Refuses(ProblemKind.InvalidRequest, ProblemKind.StoreUnavailable, ProblemKind.TimedOut);
    }

    private static async Task<IResult> OfAdAsync(
        string adId,
        HttpContext http,
        AdCatalogue catalogue,
        TimeProvider time,
        [FromServices] IRequiredActor<MetricsGatewayActor> gateway,
        MetricsGatewaySettings settings)
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
            ? await AnswerAsync(http, question, gateway, settings)
            : new Problem(ProblemKind.Forbidden, $"Ad \"{adId}\" is not one of the key's advertiser.");
    }

    private static async Task<IResult> OfAdvertiserAsync(
        string advertiserId,
        HttpContext http,
        TimeProvider time,
        [FromServices] IRequiredActor<MetricsGatewayActor> gateway,
        MetricsGatewaySettings settings)
    {
        if (!http.Caller().MayRead(advertiserId))
        {
            return new Problem(ProblemKind.Forbidden, $"The key is not one of advertiser \"{advertiserId}\".");
        }

        return ClickQuestion.TryRead(
            http.Request.Query, ClickQuestion.OfAdvertiser, (null, advertiserId), time.GetUtcNow(), out var question, out var problem)
            ? await AnswerAsync(http, question, gateway, settings)
            : problem;
    }

    private static async Task<IResult> AnswerAsync(
        HttpContext http, ClickQuery question, IRequiredActor<MetricsGatewayActor> gateway, MetricsGatewaySettings settings)
    {
        var (report, problem) = await AskAsync(http, question, gateway, settings);
        if (report is null)
        {
            return problem!;
        }

        http.Response.Headers.Vary = HeaderNames.Accept;
        return WantsCsv(http.Request) ? new ClickReportCsv(report) : new ClickReportJson(question, report);
    }

    /// <summary>Asks the metrics gateway: either report or problem is null.</summary>
    public static async Task<(ClickReport? Report, Problem? Problem)> AskAsync(
        HttpContext http, ClickQuery question, IRequiredActor<MetricsGatewayActor> gateway, MetricsGatewaySettings settings)
    {
        MetricsAnswers.Answer answer;
        try
        {
            answer = await gateway.ActorRef.Ask<MetricsAnswers.Answer>(
                new MetricsQuestions.HowManyClicks(question, http.RequestAborted), settings.TimeOut + AskMargin, http.RequestAborted);
        }
        catch (AskTimeoutException)
        {
            answer = new MetricsAnswers.TimedOut(settings.TimeOut);
        }

        switch (answer)
        {
            case MetricsAnswers.Report { Value: var report }:
                return (report, null);
            case MetricsAnswers.Unavailable unavailable:
                return (null, Problem.StoreUnavailable(unavailable.RetryAfter));
            case MetricsAnswers.TimedOut timedOut:
                return (null, new Problem(
                    ProblemKind.TimedOut,
                    "The database took too long for this answer. Send the request again after the time in Retry-After, or ask for a narrower range.")
                {
                    RetryAfter = timedOut.RetryAfter,
                });
            case MetricsAnswers.UnfitRange unfit:
                return (null, ClickQuestion.TooLong(unfit.Why));
            case MetricsAnswers.Failed failed:
                throw new InvalidOperationException("The metrics gateway could not answer a question about clicks.", failed.Cause);
            default:
                throw new OperationCanceledException("Nobody waits for this answer any more.", http.RequestAborted);
        }
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
