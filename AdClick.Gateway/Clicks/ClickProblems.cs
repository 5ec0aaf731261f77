using Microsoft.AspNetCore.Mvc;

namespace AdClick.Gateway.Clicks;

/// <summary>What a click URL answers when it does not redirect. It says nothing that would help a forger.</summary>
internal static class ClickProblems
{
    /// <summary>The problem for a status.</summary>
    public static ProblemDetails Of(int status) => status switch
    {
        StatusCodes.Status404NotFound => New(status, "unknown-click-url", "No such click URL",
            "Use the click URL exactly as it was issued; its ad must exist, and its clock must not be ahead by more than five minutes."),
        StatusCodes.Status405MethodNotAllowed => New(status, "method-not-allowed", "Method not allowed", "Click URLs are opened with GET; HEAD shows where they lead."),
        StatusCodes.Status429TooManyRequests => New(status, "too-many-requests", "Too many requests",
            $"This impression was requested more than {ImpressionLimiter.MaxRequests} times in {ImpressionLimiter.Window.TotalSeconds:0} s. Try again later."),
        _ => New(status, "not-now", "Not now", "This click can't be counted now, so it is not redirected. Prefetches never are; otherwise try again in a few seconds."),
    };

    private static ProblemDetails New(int status, string type, string title, string detail) =>
        new() { Status = status, Type = $"urn:adclick:problem:{type}", Title = title, Detail = detail };
}
