using System.Net;
using AdClick.Actors.Clicks;
using AdClick.Actors.Lake;
using AdClick.Gateway.Api;
using AdClick.Tests.Partitions;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Gateway.Proofs;

public sealed class ReceiptApiTests : IAsyncLifetime
{
    private static readonly string Ad = TestClick.AdIn(0, 2);
    private static readonly string Other = TestClick.AdIn(1, 2);
    private static readonly ImpressionId Impression = TestClick.Impression(1);

    private ApiHost _host = null!;

    public async Task InitializeAsync()
    {
        _host = await ApiHost.StartAsync();
        await _host.PutAdAsync(Ad, "adv1");
        await _host.PutAdAsync(Other, "adv2");
        _host.ClickLog.Append(0, TestClick.Start + 5, TestClick.Record(Ad, 1, 0xab, TestClick.Start));
        _host.ClickLog.Append(0, TestClick.Start + 6, TestClick.Record(Ad, 1, 0xab, TestClick.Start));
        _host.ClickLog.Append(0, TestClick.Start + 7, TestClick.Record(Ad, 1, 0xac, TestClick.Start + 1, verdict: ClickVerdict.Bot));
        _host.ClickLog.Append(0, TestClick.Start + 8, TestClick.Record(Ad, 1, 0xad, TestClick.Start + 2));
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_click_ID_gives_every_click_of_its_impression_with_place_and_outcome()
    {
        using var advertiser = await _host.WithNewKeyAsync("advertiser", "adv1");
        using var response = await advertiser.GetAsync($"/v1/clicks/{ClickIdOf(Ad)}");
        var receipt = await ApiHost.JsonOfAsync(response);
        Assert.Equal(Impression.ToString(), (string?)receipt["impressionId"]);
        Assert.True((bool?)receipt["isComplete"]);
        Assert.Equal("[0]", receipt["lookedThrough"]!["partitions"]!.ToJsonString());
        Assert.Equal(4, (int?)receipt["lookedThrough"]!["logRecords"]);
        var clicks = receipt["clicks"]!.AsArray();
        Assert.Equal(["accepted", "repeat", "bot", "duplicate"], clicks.Select(click => (string?)click!["outcome"]));
        Assert.Equal([0L, 1, 2, 3], clicks.Select(click => (long)click!["offset"]!));
        Assert.Equal(
            (Ad, 0, "00000000000000ab", "Mozilla/5.0", null),
            ((string?)clicks[0]!["adId"], (int?)clicks[0]!["subShard"], (string?)clicks[0]!["nonce"], (string?)clicks[0]!["userAgent"], clicks[0]!["file"]));
    }

    [Fact]
    public async Task Nobody_sees_clicks_of_another_advertiser()
    {
        using var advertiser = await _host.WithNewKeyAsync("advertiser", "adv2");
        foreach (var path in (string[])[ClickIdOf(Ad), Impression.ToString(), $"{Impression}?adId={Ad}"])
        {
            using var response = await advertiser.GetAsync($"/v1/clicks/{path}");
            await ApiHost.ProblemOfAsync(response, ProblemKind.Forbidden);
        }

        // An impression ID that somebody used twice, each for an ad of his own: everybody sees his.
        _host.ClickLog.Append(1, TestClick.Start + 9, TestClick.Record(Other, 1, 7, TestClick.Start));
        using var own = await advertiser.GetAsync($"/v1/clicks/{Impression}");
        Assert.Equal(Other, (string?)Assert.Single((await ApiHost.JsonOfAsync(own))["clicks"]!.AsArray())!["adId"]);
        using var all = await _host.Admin.GetAsync($"/v1/clicks/{Impression}");
        Assert.Equal(5, (await ApiHost.JsonOfAsync(all))["clicks"]!.AsArray().Count);
    }

    [Fact]
    public async Task What_is_no_click_is_refused_and_what_is_not_there_is_not_found()
    {
        var strange = new SigningKeyRing([new SigningKey("k1", [.. Enumerable.Repeat((byte)9, SigningKey.SecretLength)])], "k1");
        foreach (var bad in (string[])["abc", Guid.NewGuid().ToString(), strange.SignClickId(Impression, new AdKey(Ad, 0), TestClick.Start), $"{ClickIdOf(Ad)}?adId={Ad}", $"{Impression}?adId=a%20b"])
        {
            using var response = await _host.Admin.GetAsync($"/v1/clicks/{bad}");
            await ApiHost.ProblemOfAsync(response, ProblemKind.InvalidRequest);
        }

        using var unknown = await _host.Admin.GetAsync($"/v1/clicks/{TestClick.Impression(2)}");
        await ApiHost.ProblemOfAsync(unknown, ProblemKind.UnknownClick);
        using var lost = await _host.Admin.GetAsync($"/v1/clicks/{_host.SigningKeys.SignClickId(TestClick.Impression(2), new AdKey(Ad, 0), TestClick.Start)}");
        Assert.Contains("a true one", (string?)(await ApiHost.ProblemOfAsync(lost, ProblemKind.UnknownClick))["detail"], StringComparison.Ordinal);
        using var noAd = await _host.Admin.GetAsync($"/v1/clicks/{Impression}?adId=nobody");
        await ApiHost.ProblemOfAsync(noAd, ProblemKind.UnknownAd);
        using var anonymous = await _host.Anonymous.GetAsync($"/v1/clicks/{Impression}");
        await ApiHost.ProblemOfAsync(anonymous, ProblemKind.Unauthenticated);
        using var publisher = await _host.WithNewKeyAsync("publisher");
        using var scope = await publisher.GetAsync($"/v1/clicks/{Impression}");
        await ApiHost.ProblemOfAsync(scope, ProblemKind.Forbidden);
    }

    [Fact]
    public async Task A_question_that_takes_too_much_reading_says_how_to_narrow_it()
    {
        for (var i = 0; i < 1_000; i++)
        {
            _host.ClickLog.Append(1, TestClick.Start, TestClick.Record(Other, 5, (ulong)i, TestClick.Start));
        }

        using var broad = await _host.Admin.GetAsync($"/v1/clicks/{Impression}");
        Assert.Contains("adId", (string?)(await ApiHost.ProblemOfAsync(broad, ProblemKind.TooBroad))["detail"], StringComparison.Ordinal);
        using var narrow = await _host.Admin.GetAsync($"/v1/clicks/{ClickIdOf(Ad)}");
        Assert.Equal(HttpStatusCode.OK, narrow.StatusCode);
    }

    [Fact]
    public async Task A_node_without_a_lake_says_so()
    {
        await using var host = await ApiHost.StartAsync(hasLake: false);
        using var response = await host.Admin.GetAsync($"/v1/clicks/{Impression}");
        await ApiHost.ProblemOfAsync(response, ProblemKind.NotArchived);
    }

    private string ClickIdOf(string adId) => _host.SigningKeys.SignClickId(Impression, new AdKey(adId, 0), TestClick.Start);
}
