using System.Text.Json;
using AdClick.Actors.Clicks;
using AdClick.Actors.HotAds;
using AdClick.Actors.Metrics;
using AdClick.Gateway.Ads;
using AdClick.Gateway.Api;

namespace AdClick.Gateway.Impressions;

/// <summary>Issuing impressions.</summary>
internal static class ImpressionEndpoints
{
    /// <summary>Maps <c>/impressions</c>.</summary>
    public static void MapImpressions(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/impressions", IssueAsync)
            .WithName("issueImpressions").WithTags("Impressions")
            .WithSummary("Issue impressions of an ad")
            .WithDescription("Each impression is one showing to one person, and has a click URL of its own. Nothing is stored until it is clicked.")
            .RequireAuthorization(ApiScopes.Publisher)
            .WithBody<IssueImpressionsRequest>()
            .Gives<ImpressionsResponse>(201, "The impressions.")
            .Refuses(ProblemKind.UnknownAd, ProblemKind.InactiveAd);

    private static async Task<IResult> IssueAsync(
        HttpContext http,
        AdCatalogue catalogue,
        SubShardTable subShards,
        TrafficMeter traffic,
        SigningKeyRing keys,
        ApiSettings settings,
        TimeProvider time)
    {
        var (body, problem) = await JsonBody.ReadAsync(http, ApiJson.Context.IssueImpressionsRequest);
        if (body is null)
        {
            return problem!;
        }

        var adId = body.AdId!;
        if (await catalogue.FindAsync(adId, http.RequestAborted) is not { Ad: var ad } known)
        {
            return Problem.UnknownAd(adId);
        }

        if (ad.Status != AdStatus.Active)
        {
            return new Problem(
                ProblemKind.InactiveAd,
                $"Ad \"{adId}\" is {AdStatuses.Name(ad.Status)}, and impressions are issued for active ads only. Show another, or put it as active.");
        }

        var count = body.Count ?? 1;
        traffic.Issued(known.Traffic, count);
        return new IssuedImpressions(adId, ad.PinnedSubShards ?? subShards.Of(adId), body.Placement, count, settings, keys, time.GetUtcNow());
    }

    /// <summary>Signs and writes impressions one by one: 10,000 of them are 3 MB of text.</summary>
    private sealed class IssuedImpressions(
        string adId, int subShards, string? placement, int count, ApiSettings settings, SigningKeyRing keys, DateTimeOffset now) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.StatusCode = StatusCodes.Status201Created;
            using var stream = new JsonStream(httpContext);
            var clickUrlStart = settings.PublicUrl() + "/c/";
            var lifetimeMs = (long)settings.ImpressionLifetime.TotalMilliseconds;
            var writer = stream.Writer;
            writer.WriteStartObject();
            writer.WriteStartArray("impressions"u8);
            for (var i = 0; i < count; i++)
            {
                var id = ImpressionId.New(now);
                var expiresAtMs = id.IssuedAtMs + lifetimeMs;
                var token = keys.Sign(new ImpressionToken(id, expiresAtMs, adId, id.SubShard(subShards), placement));
                writer.WriteStartObject();
                writer.WriteString("impressionId"u8, id.ToString());
                writer.WriteString("clickUrl"u8, clickUrlStart + token);
                writer.WriteString("issuedAt"u8, DateTimeOffset.FromUnixTimeMilliseconds(id.IssuedAtMs).UtcDateTime);
                writer.WriteString("expiresAt"u8, DateTimeOffset.FromUnixTimeMilliseconds(expiresAtMs).UtcDateTime);
                writer.WriteEndObject();
                await stream.FlushIfLargeAsync();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
            await stream.CompleteAsync();
        }
    }
}

/// <summary>Answer to <c>POST /v1/impressions</c>, as it is described; it is written one impression at a time.</summary>
/// <param name="Impressions">As many as were asked for.</param>
internal sealed record ImpressionsResponse(IReadOnlyList<ImpressionResponse> Impressions);

/// <summary>One issued impression.</summary>
/// <param name="ImpressionId">UUIDv7.</param>
/// <param name="ClickUrl">What the ad links to.</param>
/// <param name="IssuedAt">When it was issued.</param>
/// <param name="ExpiresAt">A click after this does not count.</param>
internal sealed record ImpressionResponse(Guid ImpressionId, string ClickUrl, DateTime IssuedAt, DateTime ExpiresAt);
