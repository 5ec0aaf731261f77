using AdClick.Actors.Metrics;
using AdClick.Gateway.Ads;
using AdClick.Gateway.Api;
using AdClick.Gateway.Metrics;

namespace AdClick.Gateway.Proofs;

/// <summary>Comparing an advertiser's own counts with AdClick's.</summary>
internal static class ComparisonEndpoint
{
    private static readonly TimeSpan MaxRange = TimeSpan.FromDays(366);

    private static readonly QueryParameter[] Parameters =
    [
        new("granularity", "Width of a bucket.") { Rule = ClickQuestion.GranularityRule, Default = "hour" },
        new("timeZone", "IANA name of the time zone in which buckets are aligned, and times without offset are read.") { Default = "UTC" },
        new("from", "Inclusive start, RFC 3339; lines before it are left out. Default: the first line's time.") { Format = "date-time" },
        new("to", "Exclusive end, RFC 3339; lines from it on are left out. Default: the end of the last line's bucket.") { Format = "date-time" },
    ];

    /// <summary>Maps <c>/ads/{adId}/compare</c>.</summary>
    public static void MapComparison(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/ads/{adId}/compare", CompareAsync)
            .WithName("compareClicks").WithTags("Proofs")
            .WithSummary("Compare counts of your own with AdClick's")
            .WithDescription("Nothing is stored. For each bucket: both counts, their difference, and what AdClick knows of the clicks that it did not accept.")
            .RequireAuthorization(ApiScopes.Advertiser)
            .WithQuery(Parameters)
            .WithCsvBody(CountsCsv.Description)
            .Gives<ComparisonResponse>(200, "The comparison.")
            .Refuses(ProblemKind.InvalidRequest, ProblemKind.UnknownAd, ProblemKind.StoreUnavailable, ProblemKind.TimedOut);

    private static async Task<IResult> CompareAsync(
        string adId,
        HttpContext http,
        AdCatalogue catalogue,
        IRepeatStore repeats,
        ClickAnswers answers)
    {
        var query = http.Request.Query;
        var errors = new FieldErrors();
        var granularity = query["granularity"] is [{ } word] ? word : "hour";
        errors.Check("granularity", granularity, ClickQuestion.GranularityRule);
        var zoneName = query["timeZone"] is [{ } name] ? name : "UTC";
        if (!BucketAlignment.TryFindZone(zoneName, out var zone))
        {
            errors.Add("timeZone", "must be the IANA name of a time zone, such as Europe/Berlin");
        }

        var from = ClickQuestion.ReadTime(query, "from", errors);
        var to = ClickQuestion.ReadTime(query, "to", errors);
        if (from > to)
        {
            errors.Add("from", "must not be after \"to\"");
        }

        if (errors.Any)
        {
            return errors.ToProblem();
        }

        // Before the body is read: who may not see the ad is not to learn from its errors, nor to cost anything.
        if (await catalogue.FindAsync(adId, http.RequestAborted) is not { Ad: var ad })
        {
            return Problem.UnknownAd(adId);
        }

        if (!http.Caller().MayRead(ad.AdvertiserId))
        {
            return new Problem(ProblemKind.Forbidden, $"Ad \"{adId}\" is not one of the key's advertiser.");
        }

        var (lines, problem) = await CountsCsv.ReadAsync(http, zone!);
        if (lines is null)
        {
            return problem!;
        }

        // Just after the last line, so that its bucket is the last.
        var start = from ?? Least(lines.Min(line => line.Time), to);
        var end = to ?? Greatest(After(lines.Max(line => line.Time)), from);
        if (end - start > MaxRange)
        {
            return FieldErrors.One("from", $"and \"to\", or the times of the lines, span more than {MaxRange.TotalDays} days");
        }

        var question = new ClickQuery { AdId = adId, From = start, To = end, Granularity = ClickQuestion.ReadGranularity(granularity), TimeZone = zoneName };
        if (!BucketAlignment.TryAlign(question, out var range, out var error))
        {
            return ClickQuestion.TooLong(error);
        }

        var answer = await answers.AskAsync(question with { From = range.From, To = range.To }, http.RequestAborted);
        if (answer is not MetricsAnswers.Report { Value: var report })
        {
            return ClickAnswers.ProblemOf(answer);
        }

        var repeated = range.Count == 0 ? [] : await repeats.FindRepeatsAsync(adId, MinuteOf(range.From), MinuteOf(range.To), http.RequestAborted);
        var (total, series, outside) = Comparison.Of(lines, range, report, repeated);
        return TypedResults.Json(
            new ComparisonResponse(
                adId, granularity, zoneName, range.From.UtcDateTime, range.To.UtcDateTime, report.CompleteThrough.UtcDateTime,
                lines.Count - outside, outside, total, series),
            ApiJson.Context.ComparisonResponse);
    }

    private static DateTimeOffset Least(DateTimeOffset time, DateTimeOffset? other) => other < time ? other.Value : time;

    private static DateTimeOffset Greatest(DateTimeOffset time, DateTimeOffset? other) => other > time ? other.Value : time;

    private static DateTimeOffset After(DateTimeOffset time) => time.Year < 9999 ? time.ToUniversalTime().AddTicks(1) : time; // those are refused below

    // Buckets begin and end with minutes; those that can be stored end in the year 2225.
    private static int MinuteOf(DateTimeOffset time) => (int)Math.Clamp(time.ToUnixTimeSeconds() / 60, 0, 1 << 27);
}
