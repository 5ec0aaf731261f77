using System.Net.Http.Json;
using System.Text.Json;
using AdClick.Actors.Clicks;
using AdClick.Actors.HotAds;
using AdClick.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace AdClick.Tests.Gateway;

/// <summary>A whole node on which ten clicks a second make an ad hot.</summary>
public sealed class HotAdTests(HotAdTests.Node node) : IClassFixture<HotAdTests.Node>
{
    [Fact]
    public async Task An_ad_that_turns_hot_is_split_and_every_click_of_it_counts_once_across_the_split()
    {
        await node.PutAdAsync("viral");
        var table = node.Services.GetRequiredService<SubShardTable>();
        var urls = new List<string>();
        while (table.Of("viral") == 1)
        {
            urls.Add(await node.IssueAsync("viral"));
            using var answer = await node.ClickAsync(urls[^1]);
        }

        for (var i = 0; i < 40; i++)
        {
            urls.Add(await node.IssueAsync("viral"));
            using var answer = await node.ClickAsync(urls[^1]);
        }

        // Those from before the split, too, meet their first click.
        foreach (var url in urls)
        {
            using var answer = await node.ClickAsync(url);
        }

        var split = (await node.Admin.GetFromJsonAsync<JsonElement>("/v1/sub-shards")).GetProperty("ads")[0];
        Assert.Equal("viral", split.GetProperty("adId").GetString());
        Assert.False(split.GetProperty("pinned").GetBoolean());
        Assert.True(split.GetProperty("subShards").GetInt32() > 1);
        Assert.True(urls.TakeLast(40).Select(SubShardOf).Distinct().Count() > 1);
        Assert.All(urls.Take(1), url => Assert.Equal(0, SubShardOf(url)));
        var total = await node.WaitForTotalsAsync("viral", total => Count(total, "clicks") + Count(total, "duplicates") == 2 * urls.Count, "all clicks");
        Assert.Equal((urls.Count, urls.Count), (Count(total, "clicks"), Count(total, "duplicates")));
        var metrics = await node.Admin.GetStringAsync("/metrics");
        Assert.Matches("adclick_hot_ad_sub_shards\\{[^}]*ad=\"viral\"", metrics);
        Assert.Matches("adclick_hot_ad_clicks_per_second\\{[^}]*ad=\"viral\"", metrics);
    }

    [Fact]
    public async Task Clicks_of_one_token_again_and_again_make_no_ad_hot()
    {
        await node.PutAdAsync("replayed");
        var url = await node.IssueAsync("replayed");
        for (var i = 0; i < 90; i++)
        {
            using var answer = await node.ClickAsync(url);
        }

        var busy = node.Services.GetRequiredService<TrafficMeter>().Take();
        Assert.DoesNotContain(busy, ad => ad.AdId == "replayed" && ad.Clicks > 1);
        Assert.Equal(1, node.Services.GetRequiredService<SubShardTable>().Of("replayed"));
    }

    private static int Count(JsonElement total, string name) => total.GetProperty(name).GetInt32();

    private int SubShardOf(string url)
    {
        Assert.True(node.Services.GetRequiredService<SigningKeyRing>().TryVerify(url.AsSpan(url.LastIndexOf('/') + 1), out var token, out _));
        return token.SubShard;
    }

    public sealed class Node : RunningGateway
    {
        protected override IEnumerable<string> Settings => ["--AdClick:HotAdClicksPerSecond=10", "--AdClick:HotAdAfter=00:00:01"];
    }
}
