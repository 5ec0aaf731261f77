using System.Net;
using System.Text;
using AdClick.Actors.Metrics;
using AdClick.Gateway.Api;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Gateway.Api;

/// <summary>Every bad value of the contract gets 400 with the field's name.</summary>
public sealed class RequestErrorTests : IClassFixture<ApiHostFixture>
{
    private readonly ApiHost _host;

    public RequestErrorTests(ApiHostFixture fixture) => _host = fixture.Host;

    [Theory]
    [InlineData("advertiserId", null)]
    [InlineData("advertiserId", "\"\"")]
    [InlineData("advertiserId", "\"a b\"")]
    [InlineData("advertiserId", "\"ü\"")]
    [InlineData("advertiserId", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"")]
    [InlineData("advertiserId", "7")]
    [InlineData("advertiserId", "null")]
    [InlineData("advertiserId", "{\"a\": 1}")]
    [InlineData("name", null)]
    [InlineData("name", "\"\"")]
    [InlineData("name", "\"a\\u0000b\"")]
    [InlineData("name", "[]")]
    [InlineData("name", "\"\\ud800\"")]
    [InlineData("targetUrl", null)]
    [InlineData("targetUrl", "\"\"")]
    [InlineData("targetUrl", "\"/relative\"")]
    [InlineData("targetUrl", "\"javascript:alert(1)\"")]
    [InlineData("targetUrl", "\"https://{placement}.example/\"")]
    [InlineData("targetUrl", "true")]
    [InlineData("status", null)]
    [InlineData("status", "\"deleted\"")]
    [InlineData("status", "\"Active\"")]
    [InlineData("status", "0")]
    [InlineData("campaignId", "\"a/b\"")]
    [InlineData("campaignId", "1.5")]
    [InlineData("budget", "5")]
    [InlineData("AdvertiserId", "\"adv1\"")]
    public async Task A_bad_field_of_an_ad_is_named(string field, string? value)
    {
        var fields = new Dictionary<string, string>
        {
            ["advertiserId"] = "\"adv1\"",
            ["name"] = "\"n\"",
            ["targetUrl"] = "\"https://t.example/\"",
            ["status"] = "\"active\"",
        };
        await AssertFieldAsync(HttpMethod.Put, "/v1/ads/a2", Body(fields, field, value), field);
    }

    [Theory]
    [InlineData("adId", null)]
    [InlineData("adId", "\"a b\"")]
    [InlineData("adId", "1")]
    [InlineData("placement", "\"\"")]
    [InlineData("placement", "\"a.b\"")]
    [InlineData("placement", "[\"p\"]")]
    [InlineData("count", "0")]
    [InlineData("count", "-1")]
    [InlineData("count", "10001")]
    [InlineData("count", "1.5")]
    [InlineData("count", "99999999999")]
    [InlineData("count", "\"3\"")]
    [InlineData("user", "\"u\"")]
    public async Task A_bad_field_of_an_impression_is_named(string field, string? value) =>
        await AssertFieldAsync(HttpMethod.Post, "/v1/impressions", Body(new() { ["adId"] = "\"a1\"" }, field, value), field);

    [Theory]
    [InlineData("name", null, "publisher", null)]
    [InlineData("name", "\"a b\"", "publisher", null)]
    [InlineData("name", "5", "publisher", null)]
    [InlineData("scope", null, "publisher", null)]
    [InlineData("scope", "\"root\"", "publisher", null)]
    [InlineData("scope", "\"ADMIN\"", "publisher", null)]
    [InlineData("advertiserId", "\"\"", "advertiser", null)]
    [InlineData("advertiserId", null, "advertiser", null)]
    [InlineData("advertiserId", "\"adv1\"", "publisher", null)]
    [InlineData("advertiserId", "\"adv1\"", "admin", null)]
    [InlineData("hash", "\"x\"", "publisher", null)]
    public async Task A_bad_field_of_a_key_is_named(string field, string? value, string scope, string? advertiserId)
    {
        var fields = new Dictionary<string, string> { ["name"] = "\"n\"", ["scope"] = $"\"{scope}\"" };
        if (advertiserId is not null)
        {
            fields["advertiserId"] = $"\"{advertiserId}\"";
        }

        await AssertFieldAsync(HttpMethod.Post, "/v1/keys", Body(fields, field, value), field);
    }

    [Theory]
    [InlineData("PUT", "/v1/ads/a%20b", "adId")]
    [InlineData("PUT", "/v1/ads/a%2Fb", "adId")]
    [InlineData("PUT", "/v1/ads/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "adId")]
    [InlineData("GET", "/v1/ads/a.b", "adId")]
    [InlineData("GET", "/v1/ads/a.b/clicks", "adId")]
    [InlineData("GET", "/v1/advertisers/a.b/clicks", "advertiserId")]
    [InlineData("DELETE", "/v1/keys/a.b", "name")]
    [InlineData("GET", "/v1/ads/a1?x=1", "x")]
    [InlineData("PUT", "/v1/ads/a2?dryRun=1", "dryRun")]
    [InlineData("GET", "/v1/keys?secret=1", "secret")]
    [InlineData("GET", "/v1/ads?limit=0", "limit")]
    [InlineData("GET", "/v1/ads?limit=1001", "limit")]
    [InlineData("GET", "/v1/ads?limit=ten", "limit")]
    [InlineData("GET", "/v1/ads?limit=", "limit")]
    [InlineData("GET", "/v1/ads?limit=1&limit=2", "limit")]
    [InlineData("GET", "/v1/ads?cursor=%2B", "cursor")]
    [InlineData("GET", "/v1/ads?advertiserId=a.b", "advertiserId")]
    [InlineData("GET", "/v1/ads?offset=3", "offset")]
    public async Task A_bad_part_of_path_or_query_is_named(string method, string path, string field) =>
        await AssertFieldAsync(new HttpMethod(method), path, method == "PUT" ? ApiHost.AdJson() : null, field);

    [Fact]
    public async Task All_bad_fields_are_named_at_once()
    {
        const string Body = """{"advertiserId": "!", "name": "", "status": "x", "targetUrl": "https://t.example/"}""";
        using var response = await _host.Admin.PutAsync("/v1/ads/a2", ApiHost.Json(Body));
        var problem = await ApiHost.ProblemOfAsync(response, ProblemKind.InvalidRequest);
        Assert.Equal(["advertiserId", "name", "status"], problem["errors"]!.AsObject().Select(error => error.Key));
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("{")]
    [InlineData("nonsense")]
    [InlineData("[]")]
    [InlineData("\"text\"")]
    [InlineData("17")]
    [InlineData("null")]
    [InlineData("{\"adId\": }")]
    [InlineData("{\"adId\": \"a1\"} trailing")]
    [InlineData("{\"adId\": \"a1\",}")]
    [InlineData("{/* no comments */\"adId\": \"a1\"}")]
    public async Task A_body_that_is_no_JSON_object_is_refused(string body)
    {
        using var response = await SendAsync(HttpMethod.Post, "/v1/impressions", ApiHost.Json(body));
        await ApiHost.ProblemOfAsync(response, ProblemKind.MalformedBody);
    }

    [Fact]
    public async Task Text_that_is_not_UTF8_is_refused()
    {
        var content = new ByteArrayContent([.. "{\"adId\": \""u8, 0xff, .. "\"}"u8]);
        content.Headers.ContentType = new("application/json");
        using var response = await SendAsync(HttpMethod.Post, "/v1/impressions", content);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Fact]
    public async Task A_field_given_twice_is_named() =>
        await AssertFieldAsync(HttpMethod.Post, "/v1/impressions", """{"adId": "a1", "adId": "a1"}""", "adId");

    [Fact]
    public async Task A_missing_body_is_refused()
    {
        using var response = await SendAsync(HttpMethod.Post, "/v1/impressions", null);
        await ApiHost.ProblemOfAsync(response, ProblemKind.MalformedBody);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/json; charset=iso-8859-1")]
    [InlineData(null)]
    public async Task Another_content_type_is_refused(string? type)
    {
        var content = new ByteArrayContent("{\"adId\": \"a1\"}"u8.ToArray());
        if (type is not null)
        {
            content.Headers.TryAddWithoutValidation("Content-Type", type);
        }

        using var response = await SendAsync(HttpMethod.Post, "/v1/impressions", content);
        await ApiHost.ProblemOfAsync(response, ProblemKind.UnsupportedMediaType);
    }

    [Theory]
    [InlineData("application/json; charset=UTF-8")]
    [InlineData("application/json; charset=\"utf-8\"")]
    [InlineData("application/problem+json")]
    public async Task JSON_by_any_name_is_taken(string type)
    {
        var content = new ByteArrayContent("{\"adId\": \"a1\"}"u8.ToArray());
        content.Headers.TryAddWithoutValidation("Content-Type", type);
        using var response = await SendAsync(HttpMethod.Post, "/v1/impressions", content);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_body_over_a_mebibyte_is_refused(bool chunked)
    {
        var content = ApiHost.Json($$"""{"adId": "a1", "placement": "{{new string('x', JsonBody.MaxBytes)}}"}""");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/impressions") { Content = content };
        request.Headers.TransferEncodingChunked = chunked;
        using var response = await _host.Admin.SendAsync(request);
        await ApiHost.ProblemOfAsync(response, ProblemKind.BodyTooLarge);
    }

    [Fact]
    public async Task A_body_just_under_a_mebibyte_is_read()
    {
        var json = """{"adId": "a1"}""";
        var padding = new string(' ', JsonBody.MaxBytes - Encoding.UTF8.GetByteCount(json));
        using var response = await SendAsync(HttpMethod.Post, "/v1/impressions", ApiHost.Json(json + padding));
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
    }

    [Theory]
    [InlineData("GET", "/v1")]
    [InlineData("GET", "/v1/nothing")]
    [InlineData("POST", "/v1/ads/a1/clicks/more")]
    [InlineData("GET", "/v2/ads")]
    public async Task An_unknown_path_is_a_problem(string method, string path)
    {
        using var response = await SendAsync(new HttpMethod(method), path, null);
        await ApiHost.ProblemOfAsync(response, ProblemKind.NotFound);
    }

    [Theory]
    [InlineData("DELETE", "/v1/ads/a1", "GET, PUT")]
    [InlineData("PATCH", "/v1/ads", "GET")]
    [InlineData("GET", "/v1/impressions", "POST")]
    [InlineData("POST", "/v1/ads/a1/clicks", "GET")]
    public async Task Another_method_is_a_problem_that_names_the_allowed_ones(string method, string path, string allowed)
    {
        using var response = await SendAsync(new HttpMethod(method), path, null);
        await ApiHost.ProblemOfAsync(response, ProblemKind.MethodNotAllowed);
        Assert.Equal(allowed.Split(", "), response.Content.Headers.Allow.Order());
    }

    [Fact]
    public async Task An_unexpected_failure_is_logged_and_told_without_details()
    {
        _host.Store.Fault = new InvalidDataException("a secret of the house");
        try
        {
            using var response = await SendAsync(HttpMethod.Get, "/v1/ads/a1", null);
            var problem = await ApiHost.ProblemOfAsync(response, ProblemKind.InternalError);
            Assert.DoesNotContain("secret", problem.ToJsonString(), StringComparison.Ordinal);
            Assert.Contains(_host.Log.Lines, line => line.Contains("a secret of the house", StringComparison.Ordinal)
                && line.Contains((string)problem["traceId"]!, StringComparison.Ordinal));
        }
        finally
        {
            _host.Store.Fault = null;
        }
    }

    [Theory]
    [InlineData("PUT", "/v1/ads/a1")]
    [InlineData("GET", "/v1/ads/a1")]
    [InlineData("GET", "/v1/ads")]
    [InlineData("GET", "/v1/ads/a1/clicks")]
    [InlineData("GET", "/v1/ads/unknown/clicks")]
    [InlineData("GET", "/v1/advertisers/adv1/clicks")]
    [InlineData("GET", "/v1/keys")]
    [InlineData("DELETE", "/v1/keys/k")]
    public async Task A_store_that_is_away_gives_503_with_a_time_to_come_back(string method, string path)
    {
        _host.Store.Fault = new MetricsStoreUnavailableException("disk I/O error in /secret/path");
        try
        {
            using var response = await SendAsync(new HttpMethod(method), path, method == "PUT" ? ApiHost.Json(ApiHost.AdJson()) : null);
            var problem = await ApiHost.ProblemOfAsync(response, ProblemKind.StoreUnavailable);
            Assert.True(response.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1));
            Assert.DoesNotContain("/secret", problem.ToJsonString(), StringComparison.Ordinal);
        }
        finally
        {
            _host.Store.Fault = null;
        }
    }

    [Fact]
    public async Task Answers_are_not_to_be_kept_or_guessed_at()
    {
        using var response = await SendAsync(HttpMethod.Get, "/v1/ads/a1", null);
        Assert.Equal("no-store", response.Headers.CacheControl?.ToString());
        Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
    }

    private static string Body(Dictionary<string, string> fields, string field, string? value)
    {
        fields.Remove(field);
        if (value is not null)
        {
            fields[field] = value;
        }

        return $"{{{string.Join(", ", fields.Select(pair => $"\"{pair.Key}\": {pair.Value}"))}}}";
    }

    private async Task AssertFieldAsync(HttpMethod method, string path, string? body, string field)
    {
        using var response = await SendAsync(method, path, body is null ? null : ApiHost.Json(body));
        var problem = await ApiHost.ProblemOfAsync(response, ProblemKind.InvalidRequest);
        Assert.Equal(field, Assert.Single(problem["errors"]!.AsObject()).Key);
        Assert.Contains(field, (string?)problem["detail"], StringComparison.Ordinal);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        return await _host.Admin.SendAsync(request);
    }
}
