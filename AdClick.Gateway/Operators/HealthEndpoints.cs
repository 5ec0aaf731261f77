using Microsoft.AspNetCore.Mvc;

namespace AdClick.Gateway.Operators;

/// <summary>What load balancers and orchestrators ask. Open to all: it says nothing about clicks.</summary>
internal static class HealthEndpoints
{
    /// <summary>Maps <c>/healthz/live</c> and <c>/healthz/ready</c>.</summary>
    public static IEndpointRouteBuilder MapAdClickHealth(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/healthz/live", () => Results.Json(new { status = "live" }))
            .AllowAnonymous()
            .WithSummary("Whether the process runs")
            .WithTags("Operating");
        endpoints.MapGet("/healthz/ready", (Readiness readiness) =>
            {
                var reasons = readiness.Reasons();
                var notices = readiness.Notices();
                return reasons.Count == 0 ? Results.Json(new { status = "ready", notices }) : Results.Problem(NotReady(reasons, notices));
            })
            .AllowAnonymous()
            .WithSummary("Whether the node can take clicks and answer queries; 503 with reasons until then")
            .WithTags("Operating")
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        return endpoints;
    }

    private static ProblemDetails NotReady(IReadOnlyList<string> reasons, IReadOnlyList<string> notices) => new()
    {
        Status = StatusCodes.Status503ServiceUnavailable,
        Type = "urn:adclick:problem:not-ready",
        Title = "Not ready",
        Detail = string.Join(" ", reasons),
        Extensions = { ["reasons"] = reasons, ["notices"] = notices },
    };
}
