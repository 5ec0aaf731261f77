using AdClick.Gateway.Keys;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;

namespace AdClick.Gateway.Api;

/// <summary>
/// Sits between the verdict on a call and its consequence: a known key pays from its own rate, whatever it asks for, and everyone else from that
/// of their address.
/// </summary>
internal sealed class RateLimitedAccess(AddressLimits addresses) : IAuthorizationMiddlewareResultHandler
{
    private readonly AuthorizationMiddlewareResultHandler _inner = new();

    /// <inheritdoc/>
    public Task HandleAsync(RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
    {
        if (context.Features.Get<ApiCaller>() is { } caller)
        {
            return caller.Rate.TryTake(out var wait)
                ? _inner.HandleAsync(next, context, policy, authorizeResult)
                : Refuse(context, wait, $"The key \"{caller.Key.Name}\" makes calls faster than it may.");
        }

        return addresses.TryTake(context.Connection.RemoteIpAddress, out var retryAfter)
            ? _inner.HandleAsync(next, context, policy, authorizeResult)
            : Refuse(context, retryAfter, "Too many calls without a known API key came from this address.");
    }

    private static Task Refuse(HttpContext context, TimeSpan retryAfter, string what) =>
        new Problem(ProblemKind.RateLimited, $"{what} Wait for the time in Retry-After, and make fewer calls a second.")
        {
            RetryAfter = retryAfter,
        }.ExecuteAsync(context);
}
