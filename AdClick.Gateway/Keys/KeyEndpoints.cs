using AdClick.Actors.Metrics;
using AdClick.Gateway.Api;

namespace AdClick.Gateway.Keys;

/// <summary>Making, listing and revoking API keys.</summary>
internal static class KeyEndpoints
{
    /// <summary>Maps <c>/keys</c>.</summary>
    public static void MapKeys(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/keys", CreateAsync)
            .WithName("createKey").WithTags("Keys")
            .WithSummary("Make an API key")
            .WithDescription("The answer is the only place where the secret is ever shown; AdClick keeps its hash.")
            .RequireAuthorization(ApiScopes.Admin)
            .WithBody<CreateKeyRequest>()
            .Gives<CreatedKeyResponse>(201, "The key and its secret.")
            .Refuses(ProblemKind.KeyNameInUse);
        routes.MapGet("/keys", ListAsync)
            .WithName("listKeys").WithTags("Keys")
            .WithSummary("List the API keys, without their secrets")
            .RequireAuthorization(ApiScopes.Admin)
            .Gives<KeyListResponse>(200, "All keys, by name.");
        routes.MapGet("/keys/self", (HttpContext http) => TypedResults.Json(OwnKeyResponse.Of(http.Caller().Key), ApiJson.Context.OwnKeyResponse))
            .WithName("getOwnKey").WithTags("Keys")
            .WithSummary("Read what the key of this call may do")
            .RequireAuthorization(ApiScopes.Any)
            .Gives<OwnKeyResponse>(200, "The key, without its secret.");
        routes.MapDelete("/keys/{name}", DeleteAsync)
            .WithName("deleteKey").WithTags("Keys")
            .WithSummary("Revoke an API key")
            .WithDescription("This node refuses the key from now on, the others within 5 seconds.")
            .RequireAuthorization(ApiScopes.Admin)
            .Gives(204, "The key is revoked.")
            .Refuses(ProblemKind.InvalidRequest, ProblemKind.UnknownKey);
    }

    private static async Task<IResult> CreateAsync(HttpContext http, ApiKeyDirectory directory)
    {
        var (body, problem) = await JsonBody.ReadAsync(http, ApiJson.Context.CreateKeyRequest);
        if (body is null)
        {
            return problem!;
        }

        var scope = ApiScopes.Parse(body.Scope!);
        if ((scope == KeyScope.Advertiser) != (body.AdvertiserId is not null))
        {
            return FieldErrors.One(
                "advertiserId", scope == KeyScope.Advertiser ? "is required with scope advertiser" : $"is not allowed with scope {body.Scope}");
        }

        var secret = await directory.CreateAsync(body.Name!, scope, body.AdvertiserId, http.RequestAborted);
        return secret is null
            ? new Problem(
                ProblemKind.KeyNameInUse,
                $"There is a key \"{body.Name}\" already. Choose another name, or revoke it with DELETE /v1/keys/{body.Name}.")
            : TypedResults.Json(new CreatedKeyResponse(body.Name!, secret), ApiJson.Context.CreatedKeyResponse, statusCode: 201);
    }

    private static async Task<IResult> ListAsync(HttpContext http, ICatalogueStore store)
    {
        var keys = await store.ListKeysAsync(http.RequestAborted);
        var sorted = keys.OrderBy(key => key.Name, StringComparer.Ordinal).Select(KeyResponse.Of);
        return TypedResults.Json(new KeyListResponse([.. sorted]), ApiJson.Context.KeyListResponse);
    }

    private static async Task<IResult> DeleteAsync(string name, HttpContext http, ApiKeyDirectory directory) =>
        await directory.DeleteAsync(name, http.RequestAborted)
            ? TypedResults.NoContent()
            : new Problem(
                ProblemKind.UnknownKey,
                $"There is no key \"{name}\". GET /v1/keys lists them; the configured admin key is changed in the configuration.");
}
