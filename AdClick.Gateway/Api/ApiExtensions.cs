using AdClick.Actors.HotAds;
using AdClick.Gateway.Ads;
using AdClick.Gateway.HotAds;
using AdClick.Gateway.Impressions;
using AdClick.Gateway.Keys;
using AdClick.Gateway.Live;
using AdClick.Gateway.Metrics;
using AdClick.Gateway.Proofs;
using AdClick.Gateway.Reconciliation;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace AdClick.Gateway.Api;

/// <summary>
/// The JSON API. It takes ICatalogueStore, IMetricsStore, IReconciliationStore, SigningKeyRing and an actor system with
/// <see cref="MetricsGatewayExtensions.AddAdClickMetricsGateway"/> from the host.
/// </summary>
internal static class ApiExtensions
{
    /// <summary>Adds what the API needs, and the catalogue and key directory, which follow the store from the start of the host.</summary>
    public static IServiceCollection AddAdClickApi(this IServiceCollection services, Func<IServiceProvider, ApiSettings> settings)
    {
        services.AddSingleton(settings);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<AdCatalogue>();
        services.AddHostedService<AdCatalogueRefresher>();
        services.TryAddSingleton(new HotAdSettings());
        services.AddSingleton<TrafficMeter>();
        services.AddSingleton<SubShardTable>();
        services.AddSingleton<ApiKeyDirectory>();
        services.AddHostedService<ApiKeyRefresher>();
        services.AddMetricsGateway();
        services.TryAddSingleton(new LiveClicksSettings());
        services.AddSingleton<LiveFeeds>();

        // AddAuthentication would bring data protection along, with keys in the user's home that nothing here needs.
        services.AddAuthenticationCore(options => options.DefaultScheme = ApiKeyAuthentication.SchemeName);
        services.AddWebEncoders();
        new AuthenticationBuilder(services).AddScheme<AuthenticationSchemeOptions, ApiKeyAuthentication>(ApiKeyAuthentication.SchemeName, null);
        services.AddAuthorizationBuilder()
            .AddPolicy(ApiScopes.Any, policy => policy.RequireAuthenticatedUser())
            .AddPolicy(ApiScopes.Admin, policy => policy.RequireRole(ApiScopes.Admin))
            .AddPolicy(ApiScopes.Publisher, policy => policy.RequireRole(ApiScopes.Admin, ApiScopes.Publisher))
            .AddPolicy(ApiScopes.Advertiser, policy => policy.RequireRole(ApiScopes.Admin, ApiScopes.Advertiser));
        services.AddSingleton<AddressLimits>();
        services.AddSingleton<IAuthorizationMiddlewareResultHandler, RateLimitedAccess>();

        services.ConfigureHttpJsonOptions(json =>
        {
            var api = ApiJson.Context.Options;
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiJson.Context);
            json.SerializerOptions.PropertyNamingPolicy = api.PropertyNamingPolicy;
            json.SerializerOptions.DefaultIgnoreCondition = api.DefaultIgnoreCondition;
            json.SerializerOptions.UnmappedMemberHandling = api.UnmappedMemberHandling;
            json.SerializerOptions.NumberHandling = api.NumberHandling;
        });
        services.AddAdClickOpenApi();
        return services;
    }

    /// <summary>Adds error answers, authentication and authorization; first in the pipeline.</summary>
    public static IApplicationBuilder UseAdClickApi(this IApplicationBuilder app) =>
        app.UseMiddleware<ErrorAnswers>().UseAuthentication().UseAuthorization();

    /// <summary>Maps <c>/v1</c> and <c>/openapi/v1.json</c>.</summary>
    public static IEndpointRouteBuilder MapAdClickApi(this IEndpointRouteBuilder routes)
    {
        var v1 = routes.MapGroup("/v1");
        v1.AddEndpointFilter(EndpointContract.CheckRequestAsync);
        v1.MapAds();
        v1.MapAdvertiserAds();
        v1.MapImpressions();
        v1.MapSubShards();
        v1.MapKeys();
        v1.MapClicks();
        v1.MapLiveClicks();
        v1.MapReconciliation();
        v1.MapReceipts();
        v1.MapComparison();
        v1.MapErasures();
        routes.MapOpenApi("/openapi/{documentName}.json").AllowAnonymous();
        return routes;
    }
}
