using System.Net;
using System.Text.Json.Nodes;
using AdClick.Actors.Metrics;
using AdClick.Gateway.Api;
using AdClick.Gateway.Keys;
using AdClick.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace AdClick.Tests.Gateway.Api;

/// <summary>Who may do what (I6).</summary>
public sealed class AccessTests : IAsyncLifetime
{
    private static readonly (string Method, string Path, string? Body, string[] Scopes)[] Endpoints =
    [
        ("PUT", "/v1/ads/a1", ApiHost.AdJson(), []),
        ("GET", "/v1/ads/a1", null, []),
        ("GET", "/v1/ads", null, []),
        ("POST", "/v1/impressions", """{"adId": "a1"}""", ["publisher"]),
        ("GET", "/v1/ads/a1/clicks", null, ["advertiser"]),
        ("GET", "/v1/advertisers/adv1/clicks", null, ["advertiser"]),
        ("GET", "/v1/advertisers/adv1/ads", null, ["advertiser"]),
        ("GET", "/v1/keys/self", null, ["publisher", "advertiser"]),
        ("POST", "/v1/keys", """{"name": "NAME", "scope": "publisher"}""", []),
        ("GET", "/v1/keys", null, []),
        ("DELETE", "/v1/keys/nobody", null, []),
        ("GET", "/operators-only", null, []),
    ];

    private ApiHost _host = null!;

    public async Task InitializeAsync()
    {
        _host = await ApiHost.StartAsync(map: app => app.MapGet("/operators-only", () => "ok").RequireAuthorization("admin"));
        await _host.PutAdAsync("a1", "adv1");
        await _host.PutAdAsync("b1", "adv2");
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Theory]
    [InlineData("admin", null)]
    [InlineData("publisher", null)]
    [InlineData("advertiser", "adv1")]
    public async Task A_key_opens_what_its_scope_says_and_nothing_else(string scope, string? advertiserId)
    {
        var client = await _host.WithNewKeyAsync(scope, advertiserId);
        foreach (var (method, path, body, scopes) in Endpoints)
        {
            using var response = await SendAsync(client, method, path, body);
            if (scope == "admin" || scopes.Contains(scope))
            {
                Assert.True((int)response.StatusCode is 200 or 201 or 204 or 404, $"{scope} got {response.StatusCode} from {method} {path}.");
            }
            else
            {
                await ApiHost.ProblemOfAsync(response, ProblemKind.Forbidden);
            }
        }
    }

    [Theory]
    [InlineData(null, "Bearer")]
    [InlineData("Basic YTpi", "Bearer")]
    [InlineData("Bearer", "Bearer")]
    [InlineData("Bearer adc_unknown", "Bearer error=\"invalid_token\"")]
    [InlineData("Bearer THE-ADMIN-KEY-OF-THE-TESTS", "Bearer error=\"invalid_token\"")]
    public async Task Without_a_known_key_every_endpoint_answers_401(string? authorization, string challenge)
    {
        foreach (var (method, path, body, _) in Endpoints)
        {
            using var response = await SendAsync(_host.Anonymous, method, path, body, authorization);
            await ApiHost.ProblemOfAsync(response, ProblemKind.Unauthenticated);
            Assert.Equal(challenge, response.Headers.WwwAuthenticate.ToString());
        }
    }

    [Fact]
    public async Task The_name_of_the_scheme_may_be_written_in_any_case()
    {
        using var response = await SendAsync(_host.Anonymous, "GET", "/v1/keys", null, $"bearer {ApiHost.AdminKey}");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("/v1/ads/a1/clicks", HttpStatusCode.OK)]
    [InlineData("/v1/advertisers/adv1/clicks", HttpStatusCode.OK)]
    [InlineData("/v1/ads/b1/clicks", HttpStatusCode.Forbidden)]
    [InlineData("/v1/advertisers/adv2/clicks", HttpStatusCode.Forbidden)]
    [InlineData("/v1/advertisers/ADV1/clicks", HttpStatusCode.Forbidden)]
    [InlineData("/v1/ads/unknown/clicks", HttpStatusCode.NotFound)]
    public async Task An_advertiser_reads_its_own_clicks_only(string path, HttpStatusCode expected)
    {
        var client = await _host.WithNewKeyAsync("advertiser", "adv1");
        using var response = await client.GetAsync(path);
        Assert.Equal(expected, response.StatusCode);
        Assert.Equal(expected == HttpStatusCode.OK ? 1 : 0, _host.Store.Queries);
    }

    [Theory]
    [InlineData("admin", null)]
    [InlineData("publisher", null)]
    [InlineData("advertiser", "adv1")]
    public async Task A_key_is_told_what_it_may_do(string scope, string? advertiserId)
    {
        var client = await _host.WithNewKeyAsync(scope, advertiserId, "k1");
        using var response = await client.GetAsync("/v1/keys/self");
        var expected = advertiserId is null ? "" : $",\"advertiserId\":\"{advertiserId}\"";
        Assert.Equal($$"""{"name":"k1","scope":"{{scope}}"{{expected}}}""", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task An_advertiser_lists_its_own_ads_only()
    {
        var client = await _host.WithNewKeyAsync("advertiser", "adv1");
        using var own = await client.GetAsync("/v1/advertisers/adv1/ads");
        Assert.Equal("a1", (string?)Assert.Single((await ApiHost.JsonOfAsync(own))["ads"]!.AsArray())!["adId"]);
        using var other = await client.GetAsync("/v1/advertisers/adv2/ads");
        await ApiHost.ProblemOfAsync(other, ProblemKind.Forbidden);
    }

    [Fact]
    public async Task A_revoked_key_is_refused_at_once()
    {
        var client = await _host.WithNewKeyAsync("admin", name: "gone");
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/v1/keys")).StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, (await _host.Admin.DeleteAsync("/v1/keys/gone")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("/v1/keys")).StatusCode);
        using var again = await _host.Admin.DeleteAsync("/v1/keys/gone");
        await ApiHost.ProblemOfAsync(again, ProblemKind.UnknownKey);
    }

    [Fact]
    public async Task A_key_that_another_node_revoked_is_refused_after_the_next_look()
    {
        var client = await _host.WithNewKeyAsync("admin", name: "gone");
        await _host.Store.DeleteKeyAsync("gone", default);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/v1/keys")).StatusCode);
        await _host.Services.GetRequiredService<ApiKeyDirectory>().RefreshAsync(default);
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("/v1/keys")).StatusCode);
    }

    [Fact]
    public void Keys_and_ads_are_looked_at_often_enough_for_the_contract()
    {
        Assert.True(ApiKeyRefresher.Interval <= TimeSpan.FromSeconds(2.5));
        Assert.True(AdClick.Gateway.Ads.AdCatalogueRefresher.Interval <= TimeSpan.FromSeconds(2.5));
    }

    [Fact]
    public async Task With_the_store_away_stored_keys_are_believed_for_a_minute_and_the_configured_one_always()
    {
        var client = await _host.WithNewKeyAsync("publisher");
        await _host.Services.GetRequiredService<ApiKeyDirectory>().RefreshAsync(default);
        _host.Store.Fault = new MetricsStoreUnavailableException("away");
        _host.Time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(HttpStatusCode.Created, (await client.PostAsync("/v1/impressions", ApiHost.Json("""{"adId": "a1"}"""))).StatusCode);

        _host.Time.Advance(TimeSpan.FromSeconds(1));
        using var response = await client.PostAsync("/v1/impressions", ApiHost.Json("""{"adId": "a1"}"""));
        await ApiHost.ProblemOfAsync(response, ProblemKind.StoreUnavailable);
        Assert.NotNull(response.Headers.RetryAfter);
        Assert.Equal(HttpStatusCode.Created, (await _host.Admin.PostAsync("/v1/impressions", ApiHost.Json("""{"adId": "a1"}"""))).StatusCode);
    }

    [Fact]
    public async Task Without_a_configured_admin_key_nobody_is_admin_by_it()
    {
        await using var host = await ApiHost.StartAsync(adminKey: null);
        using var response = await host.Admin.GetAsync("/v1/keys");
        await ApiHost.ProblemOfAsync(response, ProblemKind.Unauthenticated);
    }

    [Fact]
    public async Task A_secret_is_shown_once_and_never_stored_or_logged()
    {
        const string Body = """{"name": "k1", "scope": "advertiser", "advertiserId": "adv1"}""";
        using var created = await _host.Admin.PostAsync("/v1/keys", ApiHost.Json(Body));
        var key = await ApiHost.JsonOfAsync(created, HttpStatusCode.Created);
        Assert.Equal(["name", "key"], key.Select(field => field.Key));
        var secret = (string)key["key"]!;
        Assert.Matches("^adc_[A-Za-z0-9_-]{43}$", secret);

        using (await _host.WithKey(secret).GetAsync("/v1/ads/a1/clicks"))
        using (await _host.WithKey(secret).GetAsync("/v1/keys"))
        using (await _host.WithKey(secret + "x").GetAsync("/v1/keys"))
        {
        }

        var stored = Assert.Single(await _host.Store.ListKeysAsync(default));
        Assert.Equal(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(secret)), stored.Hash);
        var listed = await _host.Admin.GetStringAsync("/v1/keys");
        Assert.DoesNotContain(secret, listed, StringComparison.Ordinal);
        Assert.DoesNotContain(_host.Log.Lines, line => line.Contains(secret, StringComparison.Ordinal));
        Assert.DoesNotContain(_host.Log.Lines, line => line.Contains(ApiHost.AdminKey, StringComparison.Ordinal));
        Assert.Equal(
            """{"keys":[{"name":"k1","scope":"advertiser","advertiserId":"adv1","createdAt":"2026-11-24T01:30:20Z"}]}""",
            JsonNode.Parse(listed)!.ToJsonString());
    }

    [Fact]
    public async Task A_name_in_use_is_refused_and_the_key_stays()
    {
        var client = await _host.WithNewKeyAsync("publisher", name: "k1");
        using var response = await _host.Admin.PostAsync("/v1/keys", ApiHost.Json("""{"name": "k1", "scope": "admin"}"""));
        await ApiHost.ProblemOfAsync(response, ProblemKind.KeyNameInUse);
        Assert.Equal(HttpStatusCode.Created, (await client.PostAsync("/v1/impressions", ApiHost.Json("""{"adId": "a1"}"""))).StatusCode);
    }

    private static async Task<HttpResponseMessage> SendAsync(
        HttpClient client, string method, string path, string? body, string? authorization = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path)
        {
            Content = body is null ? null : ApiHost.Json(body.Replace("NAME", $"n{Guid.NewGuid():N}", StringComparison.Ordinal)),
        };
        if (authorization is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        return await client.SendAsync(request);
    }
}
