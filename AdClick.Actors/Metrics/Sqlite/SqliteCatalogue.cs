namespace AdClick.Actors.Metrics.Sqlite;

/// <summary>Reads and writes ads and API keys.</summary>
internal static class SqliteCatalogue
{
    private const string AdColumns = "ad_id, advertiser_id, name, target_url, status, campaign_id, pinned_sub_shards";

    public static PutAdResult PutAd(SqliteDatabase database, AdNumbers numbers, Ad ad)
    {
        var stored = FindAd(database, ad.AdId);
        if (stored is not null && stored.AdvertiserId != ad.AdvertiserId)
        {
            return PutAdResult.OtherAdvertiser;
        }

        var isCounted = stored is null && AdNumbers.Find(database, ad.AdId) > 0;
        var number = numbers.Of(database, ad.AdId);
        database.Prepare(
            """
            INSERT INTO ads (ad, ad_id, advertiser_id, name, target_url, status, campaign_id, change)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, (SELECT coalesce(max(change), 0) + 1 FROM ads))
            ON CONFLICT (ad) DO UPDATE SET
                name = excluded.name, target_url = excluded.target_url, status = excluded.status,
                campaign_id = excluded.campaign_id, change = excluded.change
            """)
            .Bind(1, number).Bind(2, ad.AdId).Bind(3, ad.AdvertiserId).Bind(4, ad.Name)
            .Bind(5, ad.TargetUrl).Bind(6, (long)ad.Status).Bind(7, ad.CampaignId).Run();
        if (isCounted)
        {
            AdvertiserRollups.AddAd(database, number);
        }

        return stored is null ? PutAdResult.Created : PutAdResult.Updated;
    }

    public static bool PinSubShards(SqliteDatabase database, string adId, int? subShards)
    {
        database.Prepare("UPDATE ads SET pinned_sub_shards = ?2, change = (SELECT max(change) + 1 FROM ads) WHERE ad_id = ?1")
            .Bind(1, adId).Bind(2, subShards).Run();
        return database.Changes > 0;
    }

    public static Ad? FindAd(SqliteDatabase database, string adId)
    {
        var find = database.Prepare($"SELECT {AdColumns} FROM ads WHERE ad_id = ?1").Bind(1, adId);
        return ReadAds(find).FirstOrDefault();
    }

    public static IReadOnlyList<Ad> ListAds(SqliteDatabase database, string? advertiserId, string? afterAdId, int limit)
    {
        var list = advertiserId is null
            ? database.Prepare($"SELECT {AdColumns} FROM ads WHERE ad_id > ?1 ORDER BY ad_id LIMIT ?2")
            : database.Prepare($"SELECT {AdColumns} FROM ads WHERE advertiser_id = ?3 AND ad_id > ?1 ORDER BY ad_id LIMIT ?2").Bind(3, advertiserId);
        return ReadAds(list.Bind(1, afterAdId ?? "").Bind(2, limit));
    }

    public static AdChanges ReadChanges(SqliteDatabase database, long afterChange, int limit)
    {
        var read = database.Prepare($"SELECT {AdColumns}, change FROM ads WHERE change > ?1 ORDER BY change LIMIT ?2")
            .Bind(1, afterChange).Bind(2, limit);
        var ads = new List<Ad>();
        while (read.Step())
        {
            ads.Add(ReadAd(read));
            afterChange = read.Int64(7);
        }

        read.Reset();
        return new AdChanges(ads, afterChange);
    }

    public static bool TryAddKey(SqliteDatabase database, ApiKey key)
    {
        database.Prepare("INSERT OR IGNORE INTO api_keys VALUES (?1, ?2, ?3, ?4, ?5)")
            .Bind(1, key.Name).Bind(2, (long)key.Scope).Bind(3, key.AdvertiserId)
            .Bind(4, key.Hash).Bind(5, key.CreatedAt.ToUnixTimeMilliseconds()).Run();
        return database.Changes > 0;
    }

    public static IReadOnlyList<ApiKey> ListKeys(SqliteDatabase database)
    {
        var read = database.Prepare("SELECT name, scope, advertiser_id, hash, created_at_ms FROM api_keys ORDER BY name");
        var keys = new List<ApiKey>();
        while (read.Step())
        {
            keys.Add(new ApiKey(
                read.Text(0), (KeyScope)read.Int32(1), read.TextOrNull(2), read.Blob(3), DateTimeOffset.FromUnixTimeMilliseconds(read.Int64(4))));
        }

        read.Reset();
        return keys;
    }

    public static bool DeleteKey(SqliteDatabase database, string name)
    {
        database.Prepare("DELETE FROM api_keys WHERE name = ?1").Bind(1, name).Run();
        return database.Changes > 0;
    }

    private static List<Ad> ReadAds(SqliteStatement read)
    {
        var ads = new List<Ad>();
        while (read.Step())
        {
            ads.Add(ReadAd(read));
        }

        read.Reset();
        return ads;
    }

    private static Ad ReadAd(SqliteStatement row) => new(
        row.Text(0), row.Text(1), row.Text(2), row.Text(3), (AdStatus)row.Int32(4), row.TextOrNull(5), row.Int32OrNull(6));
}
