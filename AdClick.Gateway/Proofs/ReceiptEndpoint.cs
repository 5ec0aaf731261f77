using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using AdClick.Actors.Clicks;
using AdClick.Actors.Lake.Receipts;
using AdClick.Actors.Metrics;
using AdClick.Gateway.Ads;
using AdClick.Gateway.Api;

namespace AdClick.Gateway.Proofs;

/// <summary>The service behind receipts; null where raw clicks are not archived.</summary>
/// <param name="Service">The service.</param>
internal sealed record ReceiptAccess(ClickReceipts? Service);

/// <summary>The receipt of a click.</summary>
internal static class ReceiptEndpoint
{
    private static readonly QueryParameter AdId = new("adId", "The ad, for an impression ID: it names no ad, so that without this all partitions are looked through.")
    {
        Rule = new IdAttribute(),
    };

    /// <summary>Maps <c>/clicks/{click}</c>.</summary>
    public static void MapReceipts(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/clicks/{click}", GetAsync)
            .WithName("clickReceipt").WithTags("Proofs")
            .WithSummary("The receipt of a click")
            .WithDescription(
                "`click` is a click ID (`{click_id}` of a target URL) or an impression ID. Every logged click of that impression is listed with its place in the log and its outcome, "
                + "as the counting rule gives it from the raw clicks.")
            .RequireAuthorization(ApiScopes.Advertiser)
            .WithLongPart("click", SigningKeyRing.MaxClickIdLength)
            .WithQuery(AdId)
            .Gives<ReceiptResponse>(200, "The logged clicks of the impression.")
            .Refuses(
                ProblemKind.InvalidRequest, ProblemKind.TooBroad, ProblemKind.UnknownClick, ProblemKind.UnknownAd, ProblemKind.NotArchived, ProblemKind.NoLongerKept,
                ProblemKind.LakeUnavailable, ProblemKind.TimedOut);

    private static async Task<IResult> GetAsync(
        string click, HttpContext http, SigningKeyRing keys, AdCatalogue catalogue, ReceiptAccess receipts, ILogger<ReceiptAccess> logger)
    {
        if (!TryRead(click, http.Request.Query, keys, out var question, out var problem))
        {
            return problem;
        }

        if ((question.Ad?.AdId ?? question.AdId) is { } adId && await RefuseAsync(http, adId, catalogue) is { } refusal)
        {
            return refusal;
        }

        if (receipts.Service is not { } service)
        {
            return new Problem(
                ProblemKind.NotArchived,
                "A receipt is made from the data lake, and this node has none: AdClick:Lake:Storage is off. An operator can turn it on; it then holds the clicks from that time on.");
        }

        ClickReceipt receipt;
        try
        {
            receipt = await service.FindAsync(question, http.RequestAborted);
        }
        catch (ReceiptTooBroadException e)
        {
            return new Problem(
                ProblemKind.TooBroad,
                $"{e.Message}. {(question.Ad is null ? "Ask with the click ID, or with the parameter adId." : "Ask again when more of it is archived.")}");
        }
        catch (TimeoutException)
        {
            return new Problem(
                ProblemKind.TimedOut,
                $"Looking for the click took too long. Send the request again after the time in Retry-After{(question.Ad is null ? ", with the click ID or the parameter adId" : "")}.")
            {
                RetryAfter = TimeSpan.FromSeconds(5),
            };
        }
        catch (IOException e) when (e is not MetricsStoreUnavailableException)
        {
            logger.LogWarning("The receipt of impression {Impression} can't be made now: {Reason}", question.Impression, e.Message);
            return new Problem(ProblemKind.LakeUnavailable, "The data lake or the click log can't be read now. Send the request again after the time in Retry-After.")
            {
                RetryAfter = TimeSpan.FromSeconds(5),
            };
        }

        return await AnswerAsync(http, question, receipt, catalogue);
    }

    private static async Task<IResult> AnswerAsync(HttpContext http, ReceiptQuestion question, ClickReceipt receipt, AdCatalogue catalogue)
    {
        var visible = new List<ReceiptClick>();
        foreach (var found in receipt.Clicks)
        {
            if (http.Caller().Key.Scope == KeyScope.Admin || await RefuseAsync(http, found.Click.Ad.AdId, catalogue) is null)
            {
                visible.Add(found);
            }
        }

        if (visible.Count > 0)
        {
            return TypedResults.Json(ReceiptResponse.Of(receipt, visible), ApiJson.Context.ReceiptResponse);
        }

        if (receipt.Clicks.Count > 0)
        {
            return new Problem(ProblemKind.Forbidden, $"The clicks of impression {receipt.Impression} are not ones of the key's advertiser.");
        }

        if (receipt.KeptFromMs is { } keptFromMs)
        {
            return new Problem(
                ProblemKind.NoLongerKept,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Raw clicks before {ReceiptResponse.Time(keptFromMs):yyyy-MM-ddTHH:mm:ssZ} are no longer kept (AdClick:Lake:Retention), and no later click of impression {receipt.Impression} was logged."));
        }

        var missing = receipt.Missing.Count == 0 ? "" : $" But not all could be looked through: {string.Join(' ', receipt.Missing)}";
        return new Problem(
            ProblemKind.UnknownClick,
            question.ClickTimeMs is { } clickTimeMs
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $"The click ID is a true one, of {ReceiptResponse.Time(clickTimeMs):yyyy-MM-ddTHH:mm:ss.fffZ}, but the click is neither in the data lake nor in the click log: it still waits in a gateway's spool, or it was erased on request, or the log could not take it.{missing}")
                : $"No click of impression {receipt.Impression} is in the data lake or in the click log.{missing}");
    }

    private static async Task<Problem?> RefuseAsync(HttpContext http, string adId, AdCatalogue catalogue) =>
        await catalogue.FindAsync(adId, http.RequestAborted) is { Ad: var ad }
            ? http.Caller().MayRead(ad.AdvertiserId) ? null : new Problem(ProblemKind.Forbidden, $"Ad \"{adId}\" is not one of the key's advertiser.")
            : Problem.UnknownAd(adId);

    private static bool TryRead(
        string click, IQueryCollection query, SigningKeyRing keys, [NotNullWhen(true)] out ReceiptQuestion? question, [NotNullWhen(false)] out Problem? problem)
    {
        var errors = new FieldErrors();
        var adId = query["adId"] is [{ } text] ? text : null;
        errors.Check("adId", adId, new IdAttribute());
        question = null;
        if (ImpressionId.TryParse(click, out var impression))
        {
            question = new ReceiptQuestion(impression) { AdId = adId };
        }
        else if (keys.TryVerifyClickId(click, out var clickId))
        {
            question = ReceiptQuestion.Of(clickId);
            if (adId is not null)
            {
                errors.Add("adId", "goes with an impression ID; a click ID names its ad");
            }
        }
        else
        {
            errors.Add("click", "must be a click ID that was signed by one of AdClick:SigningKeys, or an impression ID, a UUIDv7 in hyphenated form");
        }

        problem = errors.Any ? errors.ToProblem() : null;
        return problem is null;
    }
}
