using AdClick.Actors.Clicks;
using AdClick.Actors.Metrics;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Metrics;

public sealed class CatalogueTests
{
    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task An_ad_is_created_then_replaced(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        var first = new Ad("a1", "v1", "Näme ✓", "https://example.com/?a={click_id}", AdStatus.Active, null);
        Assert.Null(await file.Catalogue.FindAdAsync("a1", default));
        Assert.Equal(PutAdResult.Created, await file.Catalogue.PutAdAsync(first, default));
        Assert.Equal(first, await file.Catalogue.FindAdAsync("a1", default));

        var second = first with { Name = "other", TargetUrl = "http://x", Status = AdStatus.Archived, CampaignId = "c" };
        Assert.Equal(PutAdResult.Updated, await file.Catalogue.PutAdAsync(second, default));
        Assert.Equal(second, await file.Catalogue.FindAdAsync("a1", default));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task An_ad_stays_with_its_advertiser(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        var mine = NewAd("a1", "v1");
        await file.Catalogue.PutAdAsync(mine, default);

        Assert.Equal(PutAdResult.OtherAdvertiser, await file.Catalogue.PutAdAsync(mine with { AdvertiserId = "v2", Name = "stolen" }, default));
        Assert.Equal(mine, await file.Catalogue.FindAdAsync("a1", default));
        Assert.Equal(1, (await file.Catalogue.ReadAdChangesAsync(0, 10, default)).LastChange);
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task Ads_are_listed_by_ID_in_pages(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        foreach (var id in (string[])["b", "a", "C", "c", "_x"])
        {
            await file.Catalogue.PutAdAsync(NewAd(id, id == "c" ? "v2" : "v1"), default);
        }

        Assert.Equal(["C", "_x", "a"], await Ids(null, null, 3));
        Assert.Equal(["b", "c"], await Ids(null, "a", 3));
        Assert.Equal(["_x", "a"], await Ids("v1", "C", 2));
        Assert.Equal(["c"], await Ids("v2", null, 5));
        Assert.Empty(await Ids("v3", null, 5));

        async Task<IEnumerable<string>> Ids(string? advertiser, string? after, int limit) =>
            (await file.Catalogue.ListAdsAsync(advertiser, after, limit, default)).Select(ad => ad.AdId);
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task Changes_are_read_in_their_order_each_ad_as_it_stands_now(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        await file.Catalogue.PutAdAsync(NewAd("a1", "v1"), default);
        await file.Catalogue.PutAdAsync(NewAd("a2", "v1"), default);
        await file.Catalogue.PutAdAsync(NewAd("a3", "v1"), default);
        await file.Catalogue.PutAdAsync(NewAd("a1", "v1") with { Name = "new" }, default);

        var first = await file.Catalogue.ReadAdChangesAsync(0, 2, default);
        Assert.Equal(["a2", "a3"], first.Ads.Select(ad => ad.AdId));
        var second = await file.Catalogue.ReadAdChangesAsync(first.LastChange, 2, default);
        Assert.Equal("new", Assert.Single(second.Ads).Name);
        var third = await file.Catalogue.ReadAdChangesAsync(second.LastChange, 2, default);
        Assert.Empty(third.Ads);
        Assert.Equal(second.LastChange, third.LastChange);
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task An_ad_that_was_counted_before_it_was_catalogued_keeps_its_clicks(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        await file.FlushAsync(new MinuteCount("a1", 0, TestStore.Minute("2026-11-24T01:02Z"), ClickOutcome.Accepted, 4));
        await file.Catalogue.PutAdAsync(NewAd("a1", "v1"), default);

        var query = TestStore.Ask("a1", "2026-11-24T00:00Z", "2026-11-25T00:00Z") with { AdId = null, AdvertiserId = "v1" };
        Assert.Equal(4, (await file.Store.QueryAsync(query, default)).Total.Clicks);
        Assert.Equal(4, await file.ClicksAsync("a1"));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task Keys_have_unique_names_and_their_hash_comes_back(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        var key = new ApiKey("k1", KeyScope.Advertiser, "v1", [.. Enumerable.Range(0, 32).Select(i => (byte)i)],
            DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_123));
        Assert.True(await file.Catalogue.TryAddKeyAsync(key, default));
        Assert.False(await file.Catalogue.TryAddKeyAsync(key with { Hash = new byte[32] }, default));
        Assert.True(await file.Catalogue.TryAddKeyAsync(key with { Name = "k0", Scope = KeyScope.Publisher, AdvertiserId = null }, default));

        var keys = await file.Catalogue.ListKeysAsync(default);
        Assert.Equal(["k0", "k1"], keys.Select(each => each.Name));
        Assert.Equal(key.Hash, keys[1].Hash);
        Assert.Equal(key, keys[1] with { Hash = key.Hash });
        Assert.Null(keys[0].AdvertiserId);

        Assert.True(await file.Catalogue.DeleteKeyAsync("k1", default));
        Assert.False(await file.Catalogue.DeleteKeyAsync("k1", default));
        await Assert.ThrowsAsync<ArgumentException>(() => file.Catalogue.TryAddKeyAsync(key with { Hash = new byte[31] }, default));
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task The_catalogue_survives_a_restart(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        await file.Catalogue.PutAdAsync(NewAd("a1", "v1"), default);
        await file.ReopenAsync();
        await file.Catalogue.PutAdAsync(NewAd("a2", "v1"), default);

        Assert.Equal(2, (await file.Catalogue.ReadAdChangesAsync(0, 10, default)).LastChange);
    }

    [Theory, OnSqlite, OnPostgres, OnTimescale]
    public async Task A_pinned_number_of_sub_shards_is_a_change_and_outlives_a_put(StoreKind kind)
    {
        await using var file = await TestStore.OpenAsync(kind);
        await file.Catalogue.PutAdAsync(NewAd("a1", "v1"), default);
        await file.Catalogue.PutAdAsync(NewAd("a2", "v1"), default);
        var before = await file.Catalogue.ReadAdChangesAsync(0, 10, default);

        Assert.True(await file.Catalogue.PinSubShardsAsync("a1", 16, default));
        var pinned = NewAd("a1", "v1") with { PinnedSubShards = 16 };
        var changes = await file.Catalogue.ReadAdChangesAsync(before.LastChange, 10, default);
        Assert.Equal(pinned, Assert.Single(changes.Ads));

        await file.Catalogue.PutAdAsync(NewAd("a1", "v1") with { Name = "new" }, default);
        Assert.Equal(pinned with { Name = "new" }, await file.Catalogue.FindAdAsync("a1", default));

        Assert.True(await file.Catalogue.PinSubShardsAsync("a1", null, default));
        Assert.Null((await file.Catalogue.FindAdAsync("a1", default))!.PinnedSubShards);
        Assert.False(await file.Catalogue.PinSubShardsAsync("a3", 2, default));
    }

    private static Ad NewAd(string adId, string advertiserId) => new(adId, advertiserId, "name", "https://example.com/", AdStatus.Active, null);
}
