using AdClick.Gateway.Api;

namespace AdClick.Gateway.Clicks;

/// <summary>What a click URL answers when it does not redirect. It says nothing that would help a forger.</summary>
internal static class ClickProblems
{
    private static readonly ProblemKind UnknownClickUrl = new(404, "unknown-click-url", "There is no such click URL");
    private static readonly ProblemKind Flood = new(429, "too-many-clicks", "Too many requests for one impression");
    private static readonly ProblemKind NotNow = new(503, "click-not-taken", "The click can't be taken now");

    /// <summary>The problem for a status.</summary>
    public static Problem Of(int status) => status switch
    {
        StatusCodes.Status404NotFound => new(UnknownClickUrl,
            "Use the click URL exactly as it was issued; its ad must exist, and the clock of its issuer must not be ahead by more than five minutes."),
        StatusCodes.Status405MethodNotAllowed => new(ProblemKind.MethodNotAllowed, "Click URLs are opened with GET; HEAD shows where they lead."),
        StatusCodes.Status429TooManyRequests => new(Flood,
            $"This impression was requested more than {ImpressionLimiter.MaxRequests} times in {ImpressionLimiter.Window.TotalSeconds:0} s. Try again later.")
        {
            RetryAfter = ImpressionLimiter.Window,
        },
        _ => new(NotNow, "A prefetch is never redirected, because the click itself would not be counted; any other request may be tried again in a few seconds.")
        {
            RetryAfter = TimeSpan.FromSeconds(2),
        },
    };
}
