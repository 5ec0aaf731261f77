using System.Text.Json.Nodes;
using AdClick.Actors.Clicks;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Gateway.Api;

public sealed class OpenApiTests : IClassFixture<ApiHostFixture>
{
    // Path, method, answers, query parameters: the contract's list.
    private static readonly (string Path, string Method, string Statuses, string Query)[] Contract =
    [
        ("/v1/ads/{adId}", "put", "200 201 400 401 403 409 413 415 429 500 503", ""),
        ("/v1/ads/{adId}", "get", "200 400 401 403 404 429 500 503", ""),
        ("/v1/ads", "get", "200 400 401 403 429 500 503", "advertiserId limit cursor"),
        ("/v1/impressions", "post", "201 400 401 403 404 409 413 415 429 500 503", ""),
        ("/v1/keys", "post", "201 400 401 403 409 413 415 429 500 503", ""),
        ("/v1/keys", "get", "200 400 401 403 429 500 503", ""),
        ("/v1/keys/{name}", "delete", "204 400 401 403 404 429 500 503", ""),
        ("/v1/keys/self", "get", "200 400 401 403 429 500 503", ""),
        ("/v1/sub-shards", "get", "200 400 401 403 429 500 503", ""),
        ("/v1/sub-shards/{adId}", "put", "200 400 401 403 404 413 415 429 500 503", ""),
        ("/v1/sub-shards/{adId}", "delete", "204 400 401 403 404 429 500 503", ""),
        ("/v1/ads/{adId}/clicks", "get", "200 400 401 403 404 429 500 503", "from to granularity timeZone fill"),
        ("/v1/ads/{adId}/reconciliation", "get", "200 400 401 403 404 429 500 503", "from to granularity timeZone fill"),
        ("/v1/ads/{adId}/compare", "post", "200 400 401 403 404 413 415 429 500 503", "granularity timeZone from to"),
        ("/v1/advertisers/{advertiserId}/erasures", "post", "202 400 401 403 404 413 415 429 500 503", ""),
        ("/v1/advertisers/{advertiserId}/erasures", "get", "200 400 401 403 429 500 503", ""),
        ("/v1/clicks/{click}", "get", "200 400 401 403 404 409 410 429 500 503", "adId"),
        ("/v1/ads/{adId}/clicks/live", "get", "200 400 401 403 404 429 500 503", "granularity timeZone buckets"),
        ("/v1/advertisers/{advertiserId}/ads", "get", "200 400 401 403 429 500 503", "limit cursor"),
        ("/v1/advertisers/{advertiserId}/clicks", "get", "200 400 401 403 404 429 500 503", "from to granularity timeZone fill groupBy top series ads"),
        ("/v1/advertisers/{advertiserId}/clicks/live", "get", "200 400 401 403 404 429 500 503", "granularity timeZone buckets ads"),
    ];

    private readonly ApiHost _host;

    public OpenApiTests(ApiHostFixture fixture) => _host = fixture.Host;

    [Fact]
    public async Task The_document_lists_the_paths_methods_answers_and_parameters_of_the_contract()
    {
        var document = await DocumentAsync();
        var found = Operations(document).Select(operation => (
            operation.Path,
            operation.Method,
            Statuses: string.Join(' ', operation.Value["responses"]!.AsObject().Select(response => response.Key).Order(StringComparer.Ordinal)),
            Query: string.Join(' ', Parameters(operation.Value, "query").Select(parameter => (string?)parameter["name"]))));
        Assert.Equal(Contract.Order(), found.Order());
    }

    [Fact]
    public async Task Every_operation_is_described_and_names_its_key()
    {
        var document = await DocumentAsync();
        var scheme = document["components"]!["securitySchemes"]!["apiKey"]!;
        Assert.Equal(("http", "bearer"), ((string?)scheme["type"], (string?)scheme["scheme"]));
        foreach (var (path, method, operation) in Operations(document))
        {
            Assert.NotEmpty((string?)operation["operationId"] ?? "");
            Assert.NotEmpty((string?)operation["summary"] ?? "");
            Assert.Contains("Needs a key of scope", (string?)operation["description"], StringComparison.Ordinal);
            Assert.Equal("apiKey", Assert.Single(operation["security"]![0]!.AsObject()).Key);
            Assert.All(Parameters(operation, "query"), parameter => Assert.NotEmpty((string?)parameter["description"] ?? ""));
            Assert.All(Parameters(operation, "path"), parameter => Assert.Equal(
                path == "/v1/clicks/{click}" ? $"^[A-Za-z0-9_-]{{1,{SigningKeyRing.MaxClickIdLength}}}$" : "^[A-Za-z0-9_-]{1,64}$", (string?)parameter["schema"]!["pattern"]));
            Assert.Equal(method is "put" or "post", operation["requestBody"] is not null);
            foreach (var (status, response) in operation["responses"]!.AsObject())
            {
                Assert.False((string?)response!["description"] is null or "" or "OK" or "Created");
                var content = response["content"]?.AsObject().Select(type => type.Key).ToArray() ?? [];
                Assert.True(
                    status[0] == '2'
                        ? status == "204" || content.Contains(path.EndsWith("/live", StringComparison.Ordinal) ? "text/event-stream" : "application/json")
                        : content.SequenceEqual(["application/problem+json"])
                            && ((string)response["description"]!).Contains("urn:adclick:problem:", StringComparison.Ordinal),
                    $"{method} {path} {status}: {response}");
                Assert.Equal(status is "429" or "503", response["headers"]?["Retry-After"] is not null);
            }
        }
    }

    [Fact]
    public async Task Bodies_are_described_with_their_rules()
    {
        var document = await DocumentAsync();
        var schemas = document["components"]!["schemas"]!;
        var put = schemas["PutAdRequest"]!;
        Assert.Equal(["advertiserId", "name", "status", "targetUrl"], put["required"]!.AsArray().Select(name => (string)name!).Order());
        Assert.False((bool?)put["additionalProperties"]);
        Assert.Equal(["active", "paused", "archived"], put["properties"]!["status"]!["enum"]!.AsArray().Select(word => (string)word!));
        Assert.Equal((1, 200), ((int?)put["properties"]!["name"]!["minLength"], (int?)put["properties"]!["name"]!["maxLength"]));
        Assert.Equal("string", (string?)put["properties"]!["campaignId"]!["type"]);
        var ad = schemas["AdResponse"]!;
        Assert.Equal(["adId", "advertiserId", "name", "targetUrl", "status"], ad["required"]!.AsArray().Select(name => (string)name!));
        var cursor = schemas["AdListResponse"]!["properties"]!["nextCursor"]!;
        Assert.Equal(["null", "string"], cursor["type"]!.AsArray().Select(type => (string)type!).Order());
        foreach (var (name, schema) in schemas.AsObject())
        {
            Assert.Equal(name.EndsWith("Request", StringComparison.Ordinal) ? false : null, (bool?)schema!["additionalProperties"]);
        }

        var count = schemas["IssueImpressionsRequest"]!["properties"]!["count"]!;
        Assert.Equal(("integer", 1, 10_000, 1), ((string?)count["type"], (int?)count["minimum"], (int?)count["maximum"], (int?)count["default"]));
        var parameters = Operations(document).SelectMany(operation => Parameters(operation.Value, "query"));
        var top = parameters.Single(parameter => (string?)parameter["name"] == "top")["schema"]!;
        Assert.Equal(("integer", 1, 1_000, 50), ((string?)top["type"], (int?)top["minimum"], (int?)top["maximum"], (int?)top["default"]));
    }

    [Fact]
    public async Task The_document_names_no_address_of_its_own() =>
        Assert.Equal("/", (string?)Assert.Single((await DocumentAsync())["servers"]!.AsArray())!["url"]);

    private static IEnumerable<JsonNode> Parameters(JsonNode operation, string place) =>
        (operation["parameters"]?.AsArray() ?? []).Where(parameter => (string?)parameter!["in"] == place)!;

    private static IEnumerable<(string Path, string Method, JsonNode Value)> Operations(JsonObject document) =>
        document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject().Select(operation => (path.Key, operation.Key, operation.Value!)));

    private async Task<JsonObject> DocumentAsync()
    {
        using var response = await _host.Anonymous.GetAsync("/openapi/v1.json");
        return await ApiHost.JsonOfAsync(response);
    }
}
