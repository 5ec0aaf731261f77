using System.Net;
using System.Text.Json.Nodes;
using AdClick.Gateway.Api;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Gateway.Ads;

public sealed class AdApiTests : IAsyncLifetime
{
    private ApiHost _host = null!;

    public async Task InitializeAsync() => _host = await ApiHost.StartAsync();

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task An_ad_is_created_once_and_replaced_after()
    {
        const string Full =
            """{"adId":"a1","advertiserId":"adv1","name":"Kühe & Co","targetUrl":"https://t.example/?a=1&b=2","status":"active","campaignId":"c1"}""";
        var body = JsonNode.Parse(Full)!.AsObject();
        body.Remove("adId");
        using var created = await _host.Admin.PutAsync("/v1/ads/a1", ApiHost.Json(body.ToJsonString()));
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Assert.Equal("/v1/ads/a1", created.Headers.Location?.ToString());
        Assert.Equal(Full, await created.Content.ReadAsStringAsync());
        Assert.Equal(Full, await _host.Admin.GetStringAsync(created.Headers.Location));

        using var again = await _host.Admin.PutAsync("/v1/ads/a1", ApiHost.Json(body.ToJsonString()));
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        Assert.Null(again.Headers.Location);

        using var replaced = await _host.Admin.PutAsync("/v1/ads/a1", ApiHost.Json(ApiHost.AdJson(status: "paused")));
        var ad = await ApiHost.JsonOfAsync(replaced);
        Assert.Equal("paused", (string?)ad["status"]);
        Assert.False(ad.ContainsKey("campaignId"));
        Assert.True(JsonNode.DeepEquals(ad, JsonNode.Parse(await _host.Admin.GetStringAsync("/v1/ads/a1"))));
    }

    [Theory]
    [InlineData("x", HttpStatusCode.Created)]
    [InlineData("😀", HttpStatusCode.Created)]
    [InlineData("😀x", HttpStatusCode.BadRequest)]
    public async Task A_name_has_at_most_200_characters_as_people_count_them(string end, HttpStatusCode expected)
    {
        var body = JsonNode.Parse(ApiHost.AdJson())!;
        body["name"] = new string('ü', 199) + end;
        using var response = await _host.Admin.PutAsync("/v1/ads/a1", ApiHost.Json(body.ToJsonString()));
        Assert.Equal(expected, response.StatusCode);
    }

    [Fact]
    public async Task The_advertiser_of_an_ad_never_changes()
    {
        await _host.PutAdAsync("a1", "adv1");
        using var response = await _host.Admin.PutAsync("/v1/ads/a1", ApiHost.Json(ApiHost.AdJson("adv2", "archived")));
        await ApiHost.ProblemOfAsync(response, ProblemKind.OtherAdvertiser);
        var ad = JsonNode.Parse(await _host.Admin.GetStringAsync("/v1/ads/a1"))!;
        Assert.Equal(("adv1", "active"), ((string?)ad["advertiserId"], (string?)ad["status"]));
    }

    [Fact]
    public async Task An_unknown_ad_is_not_found()
    {
        using var response = await _host.Admin.GetAsync("/v1/ads/nope");
        await ApiHost.ProblemOfAsync(response, ProblemKind.UnknownAd);
    }

    [Theory]
    [InlineData(null, new[] { "A", "a1", "a2", "b-1", "b_1" })]
    [InlineData("adv1", new[] { "a1", "a2", "b_1" })]
    [InlineData("nobody", new string[0])]
    public async Task Ads_are_listed_page_by_page_each_once(string? advertiserId, string[] expected)
    {
        foreach (var adId in (string[])["b_1", "a2", "A", "a1", "b-1"])
        {
            await _host.PutAdAsync(adId, adId is "A" or "b-1" ? "adv2" : "adv1");
        }

        for (var limit = 1; limit <= 6; limit++)
        {
            var found = new List<string>();
            string? cursor = "";
            do
            {
                var answer = await _host.Admin.GetStringAsync($"/v1/ads?advertiserId={advertiserId}&limit={limit}&cursor={cursor}");
                var page = JsonNode.Parse(answer)!.AsObject();
                var ads = page["ads"]!.AsArray();
                Assert.True(page.ContainsKey("nextCursor"));
                Assert.True(ads.Count <= limit);
                found.AddRange(ads.Select(ad => (string)ad!["adId"]!));
                cursor = (string?)page["nextCursor"];
            }
            while (cursor is not null);

            Assert.Equal(expected, found);
        }
    }
}
