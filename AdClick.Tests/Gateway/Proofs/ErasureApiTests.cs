using System.Net;
using AdClick.Gateway.Api;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Gateway.Proofs;

public sealed class ErasureApiTests(ApiHostFixture fixture) : IClassFixture<ApiHostFixture>
{
    private readonly ApiHost _host = fixture.Host;

    [Fact]
    public async Task An_erasure_is_noted_once_and_says_what_it_does_not_reach()
    {
        await _host.PutAdAsync("e1", "erased");
        using var asked = await _host.Admin.PostAsync("/v1/advertisers/erased/erasures", ApiHost.Json("""{"confirm": "erased"}"""));
        var erasure = await ApiHost.JsonOfAsync(asked, HttpStatusCode.Accepted);
        Assert.Equal(
            ("erased", "waiting", "2026-11-24T01:30:20Z", "2026-11-24T01:45:00Z"),
            ((string?)erasure["advertiserId"], (string?)erasure["state"], (string?)erasure["requestedAt"], (string?)erasure["clicksBefore"]));
        Assert.Contains(erasure["notReached"]!.AsArray(), sentence => ((string)sentence!).Contains("AdClick:ClickLogRetention", StringComparison.Ordinal));
        using var again = await _host.Admin.PostAsync("/v1/advertisers/erased/erasures", ApiHost.Json("""{"confirm": "erased"}"""));
        Assert.Equal((int?)erasure["number"], (int?)(await ApiHost.JsonOfAsync(again, HttpStatusCode.Accepted))["number"]);
        using var list = await _host.Admin.GetAsync("/v1/advertisers/erased/erasures");
        Assert.Single((await ApiHost.JsonOfAsync(list))["erasures"]!.AsArray());
    }

    [Fact]
    public async Task It_wants_the_advertiser_twice_an_advertiser_that_there_is_and_an_administrator()
    {
        await _host.PutAdAsync("e2", "kept");
        foreach (var body in (string[])["""{"confirm": "other"}""", "{}"])
        {
            using var refused = await _host.Admin.PostAsync("/v1/advertisers/kept/erasures", ApiHost.Json(body));
            Assert.NotNull((await ApiHost.ProblemOfAsync(refused, ProblemKind.InvalidRequest))["errors"]!["confirm"]);
        }

        using var unknown = await _host.Admin.PostAsync("/v1/advertisers/nobody/erasures", ApiHost.Json("""{"confirm": "nobody"}"""));
        await ApiHost.ProblemOfAsync(unknown, ProblemKind.UnknownAdvertiser);
        using var advertiser = await _host.WithNewKeyAsync("advertiser", "kept");
        using var forbidden = await advertiser.PostAsync("/v1/advertisers/kept/erasures", ApiHost.Json("""{"confirm": "kept"}"""));
        await ApiHost.ProblemOfAsync(forbidden, ProblemKind.Forbidden);
        using var list = await _host.Admin.GetAsync("/v1/advertisers/kept/erasures");
        Assert.Empty((await ApiHost.JsonOfAsync(list))["erasures"]!.AsArray());
    }
}
