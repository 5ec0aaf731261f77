using AdClick.Actors.Metrics;
using AdClick.Gateway.Api;

namespace AdClick.Gateway.Proofs;

/// <summary>Deleting an advertiser's data on request.</summary>
internal static class ErasureEndpoints
{
    /// <summary>Maps <c>/advertisers/{advertiserId}/erasures</c>.</summary>
    public static void MapErasures(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/advertisers/{advertiserId}/erasures", RequestAsync)
            .WithName("requestErasure").WithTags("Proofs")
            .WithSummary("Delete what is kept of an advertiser's clicks")
            .WithDescription(
                "The request is noted, and done by a node that counts once the clicks are final; ask for its state. Counts, rollups and late clicks are deleted, and files of the data "
                + "lake that hold such clicks are written anew without them. While a request waits, another one gives the same.")
            .RequireAuthorization(ApiScopes.Admin)
            .WithBody<RequestErasureRequest>()
            .Gives<ErasureResponse>(202, "The request is noted.")
            .Refuses(ProblemKind.UnknownAdvertiser);
        routes.MapGet("/advertisers/{advertiserId}/erasures", ListAsync)
            .WithName("listErasures").WithTags("Proofs")
            .WithSummary("Requests to delete an advertiser's data, and what came of them")
            .RequireAuthorization(ApiScopes.Admin)
            .Gives<ErasureListResponse>(200, "The requests.")
            .Refuses(ProblemKind.InvalidRequest);
    }

    private static async Task<IResult> RequestAsync(
        string advertiserId, HttpContext http, ICatalogueStore catalogue, ILakeUpkeepStore store, ILogger<ErasureResponse> logger)
    {
        var (body, problem) = await JsonBody.ReadAsync(http, ApiJson.Context.RequestErasureRequest);
        if (body is null)
        {
            return problem!;
        }

        if (body.Confirm != advertiserId)
        {
            return FieldErrors.One("confirm", $"must be \"{advertiserId}\", the advertiser whose data is to be deleted");
        }

        if ((await catalogue.ListAdsAsync(advertiserId, null, 1, http.RequestAborted)).Count == 0)
        {
            return new Problem(ProblemKind.UnknownAdvertiser, $"There is no ad of advertiser \"{advertiserId}\", so there are no clicks either. Check the ID.");
        }

        var erasure = await store.RequestErasureAsync(advertiserId, http.Caller().Key.Name, http.RequestAborted);
        logger.LogInformation("Erasure {Number} of advertiser {Advertiser} was requested with API key {Key}.", erasure.Number, advertiserId, erasure.RequestedBy);
        return TypedResults.Json(ErasureResponse.Of(erasure), ApiJson.Context.ErasureResponse, statusCode: 202);
    }

    private static async Task<IResult> ListAsync(string advertiserId, HttpContext http, ILakeUpkeepStore store) => TypedResults.Json(
        new ErasureListResponse([.. (await store.ListErasuresAsync(advertiserId, http.RequestAborted)).Select(ErasureResponse.Of)]), ApiJson.Context.ErasureListResponse);
}
