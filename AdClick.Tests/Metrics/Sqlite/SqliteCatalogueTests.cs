using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Actors.Metrics.Sqlite;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Metrics.Sqlite;

public sealed class SqliteCatalogueTests : IAsyncLifetime
{
    private SqliteStoreFile _file = null!;

    private SqliteMetricsStore Catalogue => _file.Store;

    public async Task InitializeAsync() => _file = await SqliteStoreFile.OpenAsync();

    public async Task DisposeAsync() => await _file.DisposeAsync();

    [Fact]
    public async Task An_ad_is_created_then_replaced()
    {
        var first = new Ad("a1", "v1", "Näme ✓", "https://example.com/?a={click_id}", AdStatus.Active, null);
        Assert.Null(await Catalogue.FindAdAsync("a1", default));
        Assert.Equal(PutAdResult.Created, await Catalogue.PutAdAsync(first, default));
        Assert.Equal(first, await Catalogue.FindAdAsync("a1", default));

        var second = first with { Name = "other", TargetUrl = "http://x", Status = AdStatus.Archived, CampaignId = "c" };
        Assert.Equal(PutAdResult.Updated, await Catalogue.PutAdAsync(second, default));
        Assert.Equal(second, await Catalogue.FindAdAsync("a1", default));
    }

    [Fact]
    public async Task An_ad_stays_with_its_advertiser()
    {
        var mine = NewAd("a1", "v1");
        await Catalogue.PutAdAsync(mine, default);

        Assert.Equal(PutAdResult.OtherAdvertiser, await Catalogue.PutAdAsync(mine with { AdvertiserId = "v2", Name = "stolen" }, default));
        Assert.Equal(mine, await Catalogue.FindAdAsync("a1", default));
        Assert.Equal(1, (await Catalogue.ReadAdChangesAsync(0, 10, default)).LastChange);
    }

    [Fact]
    public async Task Ads_are_listed_by_ID_in_pages()
    {
        foreach (var id in (string[])["b", "a", "C", "c", "_x"])
        {
            await Catalogue.PutAdAsync(NewAd(id, id == "c" ? "v2" : "v1"), default);
        }

        Assert.Equal(["C", "_x", "a"], await Ids(null, null, 3));
        Assert.Equal(["b", "c"], await Ids(null, "a", 3));
        Assert.Equal(["_x", "a"], await Ids("v1", "C", 2));
        Assert.Equal(["c"], await Ids("v2", null, 5));
        Assert.Empty(await Ids("v3", null, 5));

        async Task<IEnumerable<string>> Ids(string? advertiser, string? after, int limit) =>
            (await Catalogue.ListAdsAsync(advertiser, after, limit, default)).Select(ad => ad.AdId);
    }

    [Fact]
    public async Task Changes_are_read_in_their_order_each_ad_as_it_stands_now()
    {
        await Catalogue.PutAdAsync(NewAd("a1", "v1"), default);
        await Catalogue.PutAdAsync(NewAd("a2", "v1"), default);
        await Catalogue.PutAdAsync(NewAd("a3", "v1"), default);
        await Catalogue.PutAdAsync(NewAd("a1", "v1") with { Name = "new" }, default);

        var first = await Catalogue.ReadAdChangesAsync(0, 2, default);
        Assert.Equal(["a2", "a3"], first.Ads.Select(ad => ad.AdId));
        var second = await Catalogue.ReadAdChangesAsync(first.LastChange, 2, default);
        Assert.Equal("new", Assert.Single(second.Ads).Name);
        var third = await Catalogue.ReadAdChangesAsync(second.LastChange, 2, default);
        Assert.Empty(third.Ads);
        Assert.Equal(second.LastChange, third.LastChange);
    }

    [Fact]
    public async Task An_ad_that_was_counted_before_it_was_catalogued_keeps_its_clicks()
    {
        await _file.FlushAsync(new MinuteCount("a1", 0, SqliteStoreFile.Minute("2026-11-24T01:02Z"), ClickOutcome.Accepted, 4));
        await Catalogue.PutAdAsync(NewAd("a1", "v1"), default);

        var query = SqliteStoreFile.Ask("a1", "2026-11-24T00:00Z", "2026-11-25T00:00Z") with { AdId = null, AdvertiserId = "v1" };
        Assert.Equal(4, (await _file.Store.QueryAsync(query, default)).Total.Clicks);
        Assert.Equal(4, await _file.ClicksAsync("a1"));
    }

    [Fact]
    public async Task Keys_have_unique_names_and_their_hash_comes_back()
    {
        var key = new ApiKey("k1", KeyScope.Advertiser, "v1", [.. Enumerable.Range(0, 32).Select(i => (byte)i)],
            DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_123));
        Assert.True(await Catalogue.TryAddKeyAsync(key, default));
        Assert.False(await Catalogue.TryAddKeyAsync(key with { Hash = new byte[32] }, default));
        Assert.True(await Catalogue.TryAddKeyAsync(key with { Name = "k0", Scope = KeyScope.Publisher, AdvertiserId = null }, default));

        var keys = await Catalogue.ListKeysAsync(default);
        Assert.Equal(["k0", "k1"], keys.Select(each => each.Name));
        Assert.Equal(key.Hash, keys[1].Hash);
        Assert.Equal(key, keys[1] with { Hash = key.Hash });
        Assert.Null(keys[0].AdvertiserId);

        Assert.True(await Catalogue.DeleteKeyAsync("k1", default));
        Assert.False(await Catalogue.DeleteKeyAsync("k1", default));
        await Assert.ThrowsAsync<ArgumentException>(() => Catalogue.TryAddKeyAsync(key with { Hash = new byte[31] }, default));
    }

    [Fact]
    public async Task The_catalogue_survives_a_restart()
    {
        await Catalogue.PutAdAsync(NewAd("a1", "v1"), default);
        await _file.ReopenAsync();
        await Catalogue.PutAdAsync(NewAd("a2", "v1"), default);

        Assert.Equal(2, (await Catalogue.ReadAdChangesAsync(0, 10, default)).LastChange);
    }

    private static Ad NewAd(string adId, string advertiserId) => new(adId, advertiserId, "name", "https://example.com/", AdStatus.Active, null);
}
