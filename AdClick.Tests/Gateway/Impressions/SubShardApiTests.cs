using System.Net;
using AdClick.Gateway.Api;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Gateway.Impressions;

public sealed class SubShardApiTests : IClassFixture<ApiHostFixture>
{
    private readonly ApiHost _host;

    public SubShardApiTests(ApiHostFixture fixture) => _host = fixture.Host;

    [Fact]
    public async Task A_pinned_ad_is_listed_and_its_impressions_carry_their_low_bits_until_it_is_unpinned()
    {
        await _host.PutAdAsync("pinned");
        using var pin = await _host.Admin.PutAsync("/v1/sub-shards/pinned", ApiHost.Json("""{"subShards": 8}"""));
        Assert.Equal("""{"adId":"pinned","subShards":8,"pinned":true}""", (await ApiHost.JsonOfAsync(pin)).ToJsonString());

        var publisher = await _host.WithNewKeyAsync("publisher");
        using var list = await publisher.GetAsync("/v1/sub-shards");
        Assert.Contains("""{"adId":"pinned","subShards":8,"pinned":true}""", (await ApiHost.JsonOfAsync(list)).ToJsonString(), StringComparison.Ordinal);
        var split = await IssueAsync();
        Assert.All(split, token => Assert.Equal((int)(token.Impression.Low & 7), token.SubShard));
        Assert.Contains(split, token => token.SubShard > 3);

        using var unpin = await _host.Admin.DeleteAsync("/v1/sub-shards/pinned");
        Assert.Equal(HttpStatusCode.NoContent, unpin.StatusCode);
        using var shorter = await publisher.GetAsync("/v1/sub-shards");
        Assert.DoesNotContain("pinned\"", (await ApiHost.JsonOfAsync(shorter))["ads"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.All(await IssueAsync(), token => Assert.Equal(0, token.SubShard));

        async Task<List<AdClick.Actors.Clicks.ImpressionToken>> IssueAsync()
        {
            using var response = await publisher.PostAsync("/v1/impressions", ApiHost.Json("""{"adId": "pinned", "count": 200}"""));
            return [.. (await ApiHost.JsonOfAsync(response, HttpStatusCode.Created))["impressions"]!.AsArray().Select(impression =>
            {
                var url = (string)impression!["clickUrl"]!;
                Assert.True(_host.SigningKeys.TryVerify(url.AsSpan(ApiHost.PublicUrl.Length + 3), out var token, out _));
                return token;
            })];
        }
    }

    [Theory]
    [InlineData("""{"subShards": 3}""", "power of two")]
    [InlineData("""{"subShards": 0}""", "from 1 to 64")]
    [InlineData("""{"subShards": 128}""", "from 1 to 64")]
    [InlineData("{}", "is required")]
    public async Task A_number_that_can_t_be_is_refused_by_name(string body, string what)
    {
        using var response = await _host.Admin.PutAsync("/v1/sub-shards/a1", ApiHost.Json(body));
        var problem = await ApiHost.ProblemOfAsync(response, ProblemKind.InvalidRequest);
        Assert.Contains(what, problem["errors"]!["subShards"]!.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_ad_can_t_be_pinned()
    {
        using var pin = await _host.Admin.PutAsync("/v1/sub-shards/nope", ApiHost.Json("""{"subShards": 2}"""));
        await ApiHost.ProblemOfAsync(pin, ProblemKind.UnknownAd);
        using var unpin = await _host.Admin.DeleteAsync("/v1/sub-shards/nope");
        await ApiHost.ProblemOfAsync(unpin, ProblemKind.UnknownAd);
    }
}
