using AdClick.Actors.Metrics;
using AdClick.Gateway.Ads;
using AdClick.Gateway.Api;
using AdClick.Gateway.Metrics;

namespace AdClick.Gateway.Reconciliation;

/// <summary>Proof of an ad's numbers.</summary>
internal static class ReconciliationEndpoints
{
    private const int MaxHours = 31 * 24;

    /// <summary>Maps <c>/ads/{adId}/reconciliation</c>.</summary>
    public static void MapReconciliation(this IEndpointRouteBuilder routes) => routes.MapGet("/ads/{adId}/reconciliation", OfAdAsync)
        .WithName("adReconciliation").WithTags("Clicks")
        .WithSummary("Streamed and re-counted clicks of an ad, with what they rest on")
        .WithDescription(
            "A bucket is `MATCH` when the raw clicks give the streamed numbers, `MISMATCH` when they give others (which the answers about clicks then show), `UNPROVEN` when files "
            + "or offsets are missing, and `PENDING` until its hours are re-counted. At most 31 days.")
        .RequireAuthorization(ApiScopes.Advertiser)
        .WithQuery(ClickQuestion.OfReconciliation)
        .Gives<ReconciliationResponse>(200, "Both sides.")
        .Refuses(ProblemKind.InvalidRequest, ProblemKind.UnknownAd, ProblemKind.StoreUnavailable);

    private static async Task<IResult> OfAdAsync(string adId, HttpContext http, AdCatalogue catalogue, TimeProvider time, IReconciliationStore store)
    {
        if (!ClickQuestion.TryRead(http.Request.Query, ClickQuestion.OfReconciliation, (adId, null), time.GetUtcNow(), out var question, out var problem))
        {
            return problem;
        }

        var hours = HourRange.Around(Math.Max(0, question.From.ToUnixTimeMilliseconds()), Math.Max(0, question.To.ToUnixTimeMilliseconds()));
        if (hours.Count > MaxHours)
        {
            return FieldErrors.One("from", "must be at most 31 days before \"to\"");
        }

        if (await catalogue.FindAsync(adId, http.RequestAborted) is not { Ad: var ad })
        {
            return Problem.UnknownAd(adId);
        }

        if (!http.Caller().MayRead(ad.AdvertiserId))
        {
            return new Problem(ProblemKind.Forbidden, $"Ad \"{adId}\" is not one of the key's advertiser.");
        }

        var proof = await store.ReadProofAsync(adId, hours, http.RequestAborted);
        return TypedResults.Json(ProofReport.Of(question, proof), ApiJson.Context.ReconciliationResponse);
    }
}
