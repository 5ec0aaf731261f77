using System.Net;
using AdClick.Actors.Clicks;
using AdClick.Gateway.Api;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Gateway.Impressions;

public sealed class ImpressionApiTests : IClassFixture<ApiHostFixture>
{
    private readonly ApiHost _host;

    public ImpressionApiTests(ApiHostFixture fixture) => _host = fixture.Host;

    [Theory]
    [InlineData("""{"adId": "a1"}""", 1, null)]
    [InlineData("""{"adId": "a1", "placement": "top-left", "count": 3}""", 3, "top-left")]
    [InlineData("""{"adId": "a1", "count": 10000}""", 10_000, null)]
    public async Task Each_impression_is_signed_and_says_when_it_ends(string body, int count, string? placement)
    {
        var publisher = await _host.WithNewKeyAsync("publisher");
        using var response = await publisher.PostAsync("/v1/impressions", ApiHost.Json(body));
        var impressions = (await ApiHost.JsonOfAsync(response, HttpStatusCode.Created))["impressions"]!.AsArray();
        Assert.Equal(count, impressions.Count);
        var ids = new HashSet<string>();
        foreach (var impression in impressions)
        {
            Assert.Equal(["impressionId", "clickUrl", "issuedAt", "expiresAt"], impression!.AsObject().Select(field => field.Key));
            var url = (string)impression["clickUrl"]!;
            Assert.StartsWith(ApiHost.PublicUrl + "/c/", url, StringComparison.Ordinal);
            Assert.True(_host.SigningKeys.TryVerify(url.AsSpan(ApiHost.PublicUrl.Length + 3), out var token, out _));
            Assert.Equal(("a1", 0, placement), (token.AdId, token.SubShard, token.Placement));
            Assert.Equal((string?)impression["impressionId"], token.Impression.ToString());
            Assert.True(ids.Add(token.Impression.ToString()));
            Assert.Equal("2026-11-24T01:30:20Z", (string?)impression["issuedAt"]);
            Assert.Equal("2026-11-25T01:30:20Z", (string?)impression["expiresAt"]);
            Assert.Equal(ApiHost.Now.AddHours(24).ToUnixTimeMilliseconds(), token.ExpiresAtMs);
            Assert.Equal(ApiHost.Now.ToUnixTimeMilliseconds(), token.Impression.IssuedAtMs);
        }
    }

    [Fact]
    public async Task An_unknown_ad_gets_none()
    {
        using var response = await _host.Admin.PostAsync("/v1/impressions", ApiHost.Json("""{"adId": "nope"}"""));
        await ApiHost.ProblemOfAsync(response, ProblemKind.UnknownAd);
    }

    [Theory]
    [InlineData("paused")]
    [InlineData("archived")]
    public async Task An_inactive_ad_gets_none_until_it_is_active_again(string status)
    {
        await _host.PutAdAsync("sleeping", status: status);
        using var refused = await _host.Admin.PostAsync("/v1/impressions", ApiHost.Json("""{"adId": "sleeping"}"""));
        await ApiHost.ProblemOfAsync(refused, ProblemKind.InactiveAd);
        await _host.PutAdAsync("sleeping");
        using var issued = await _host.Admin.PostAsync("/v1/impressions", ApiHost.Json("""{"adId": "sleeping"}"""));
        Assert.Equal(HttpStatusCode.Created, issued.StatusCode);
    }
}
