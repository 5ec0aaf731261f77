using System.Security.Claims;
using System.Text.Encodings.Web;
using AdClick.Gateway.Keys;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace AdClick.Gateway.Api;

/// <summary>Tells callers by <c>Authorization: Bearer KEY</c>, and answers those it doesn't know.</summary>
internal sealed class ApiKeyAuthentication(
    ApiKeyDirectory directory, IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    /// <summary>Name of the scheme.</summary>
    public const string SchemeName = "ApiKey";

    private const string Prefix = "Bearer ";

    private KeyLookup? _lookup;

    /// <inheritdoc/>
    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var header = Request.Headers.Authorization;
        if (header is not [{ } value] || !value.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
        {
            return Task.FromResult(AuthenticateResult.NoResult());
        }

        _lookup = directory.Find(value[Prefix.Length..].Trim(), out var caller);
        if (caller is null)
        {
            return Task.FromResult(AuthenticateResult.Fail("The API key is not known."));
        }

        Context.Features.Set(caller);
        var identity = new ClaimsIdentity(
            [new Claim(ClaimTypes.Name, caller.Key.Name), new Claim(ClaimTypes.Role, ApiScopes.Name(caller.Key.Scope))], SchemeName);
        return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), SchemeName)));
    }

    /// <inheritdoc/>
    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        if (_lookup == KeyLookup.CannotTell)
        {
            return Problem.StoreUnavailable().ExecuteAsync(Context);
        }

        Response.Headers.WWWAuthenticate = _lookup is null ? "Bearer" : "Bearer error=\"invalid_token\"";
        var detail = _lookup is null
            ? "Send one header \"Authorization: Bearer KEY\" with an API key. An admin makes keys with POST /v1/keys."
            : "The API key is not known: mistyped, or revoked. An admin makes keys with POST /v1/keys.";
        return new Problem(ProblemKind.Unauthenticated, detail).ExecuteAsync(Context);
    }

    /// <inheritdoc/>
    protected override Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        var scope = ApiScopes.Name(Context.Caller().Key.Scope);
        var detail = $"This needs a key of another scope than {scope}. An admin makes keys with POST /v1/keys.";
        return new Problem(ProblemKind.Forbidden, detail).ExecuteAsync(Context);
    }
}

/// <summary>Who makes the call.</summary>
internal static class CallerExtensions
{
    /// <summary>The caller of an endpoint that requires authorization.</summary>
    public static ApiCaller Caller(this HttpContext http) => http.Features.GetRequiredFeature<ApiCaller>();
}
