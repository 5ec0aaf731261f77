using Npgsql;

namespace AdClick.Actors.Metrics.Postgres;

/// <summary>Reads and writes ads and API keys.</summary>
internal static class PostgresCatalogue
{
    // The counter's row makes changes come one by one, so that nobody who reads them sees one before an earlier one.
    private const string NextChange = "UPDATE ad_changes SET last_change = last_change + 1 RETURNING last_change";

    private const string AdColumns = "ad_id, advertiser_id, name, target_url, status, campaign_id, pinned_sub_shards";

    public static async Task<PutAdResult> PutAdAsync(PostgresSession session, Ad ad)
    {
        // An ad that has a number, but no row, was counted before it was catalogued. One that gets its number here was not: a flush that wants it, too, waits.
        var isNew = await session.RunAsync(PostgresSession.Sql(
            "INSERT INTO ad_ids (ad_id) SELECT $1 WHERE NOT EXISTS (SELECT FROM ad_ids WHERE ad_id = $1) ON CONFLICT DO NOTHING", ad.AdId))
            .ConfigureAwait(false) > 0;
        var counted = isNew
            ? null
            : await session.ReadValueAsync(
                "SELECT ad FROM ad_ids WHERE ad_id = $1 AND NOT EXISTS (SELECT FROM ads WHERE ads.ad = ad_ids.ad)", ad.AdId).ConfigureAwait(false) as int?;
        if (counted is not null)
        {
            await PostgresRollups.StopAsync(session).ConfigureAwait(false);
        }

        var change = (long)(await session.ReadValueAsync(NextChange).ConfigureAwait(false))!;
        var advertiserId = await session.ReadValueAsync("SELECT advertiser_id FROM ads WHERE ad_id = $1", ad.AdId).ConfigureAwait(false) as string;
        if (advertiserId is not null && advertiserId != ad.AdvertiserId)
        {
            await session.RunAsync(PostgresSession.Sql("UPDATE ad_changes SET last_change = last_change - 1")).ConfigureAwait(false);
            return PutAdResult.OtherAdvertiser;
        }

        await session.RunAsync(
            PostgresSession.Sql(
                """
                INSERT INTO ads (ad, ad_id, advertiser_id, name, target_url, status, campaign_id, change)
                SELECT ad, ad_id, $2, $3, $4, $5, $6, $7 FROM ad_ids WHERE ad_id = $1
                ON CONFLICT (ad) DO UPDATE SET
                    name = excluded.name, target_url = excluded.target_url, status = excluded.status,
                    campaign_id = excluded.campaign_id, change = excluded.change
                """,
                ad.AdId, ad.AdvertiserId, ad.Name, ad.TargetUrl, (short)ad.Status, ad.CampaignId, change)).ConfigureAwait(false);
        if (counted is { } number && advertiserId is null)
        {
            await PostgresRollups.AddToAdvertiserAsync(session, number, ad.AdvertiserId).ConfigureAwait(false);
        }

        return advertiserId is null ? PutAdResult.Created : PutAdResult.Updated;
    }

    public static async Task<bool> PinSubShardsAsync(PostgresSession session, string adId, int? subShards)
    {
        var change = (long)(await session.ReadValueAsync(NextChange).ConfigureAwait(false))!;
        return await session.RunAsync(PostgresSession.Sql(
            "UPDATE ads SET pinned_sub_shards = nullif($2, 0), change = $3 WHERE ad_id = $1", adId, (short)(subShards ?? 0), change)).ConfigureAwait(false) > 0;
    }

    public static async Task<Ad?> FindAdAsync(PostgresSession session, string adId) =>
        await ReadAdsAsync(session, $"SELECT {AdColumns} FROM ads WHERE ad_id = $1", adId).ConfigureAwait(false) is [var ad] ? ad : null;

    public static Task<IReadOnlyList<Ad>> ListAdsAsync(PostgresSession session, string? advertiserId, string? afterAdId, int limit)
    {
        var after = afterAdId ?? "";
        return advertiserId is null
            ? ReadAdsAsync(session, $"SELECT {AdColumns} FROM ads WHERE ad_id > $1 ORDER BY ad_id LIMIT $2", after, limit)
            : ReadAdsAsync(
                session, $"SELECT {AdColumns} FROM ads WHERE advertiser_id = $3 AND ad_id > $1 ORDER BY ad_id LIMIT $2", after, limit, advertiserId);
    }

    public static async Task<AdChanges> ReadChangesAsync(PostgresSession session, long afterChange, int limit)
    {
        var ads = new List<Ad>();
        await using var reader = await session.ReadAsync(PostgresSession.Sql(
            $"SELECT {AdColumns}, change FROM ads WHERE change > $1 ORDER BY change LIMIT $2", afterChange, limit)).ConfigureAwait(false);
        while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
        {
            ads.Add(ReadAd(reader));
            afterChange = reader.GetInt64(7);
        }

        return new AdChanges(ads, afterChange);
    }

    public static async Task<bool> TryAddKeyAsync(PostgresSession session, ApiKey key) => await session.RunAsync(PostgresSession.Sql(
        "INSERT INTO api_keys (name, scope, hash, created_at, advertiser_id) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        key.Name, (short)key.Scope, key.Hash, key.CreatedAt.UtcDateTime, key.AdvertiserId)).ConfigureAwait(false) > 0;

    public static async Task<IReadOnlyList<ApiKey>> ListKeysAsync(PostgresSession session)
    {
        var keys = new List<ApiKey>();
        await using var reader = await session.ReadAsync(PostgresSession.Sql(
            "SELECT name, scope, advertiser_id, hash, created_at FROM api_keys ORDER BY name")).ConfigureAwait(false);
        while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
        {
            keys.Add(new ApiKey(
                reader.GetString(0), (KeyScope)reader.GetInt16(1), TextOrNull(reader, 2), reader.GetFieldValue<byte[]>(3),
                new DateTimeOffset(reader.GetDateTime(4), TimeSpan.Zero)));
        }

        return keys;
    }

    public static async Task<bool> DeleteKeyAsync(PostgresSession session, string name) =>
        await session.RunAsync(PostgresSession.Sql("DELETE FROM api_keys WHERE name = $1", name)).ConfigureAwait(false) > 0;

    private static async Task<IReadOnlyList<Ad>> ReadAdsAsync(PostgresSession session, string sql, params object[] parameters)
    {
        var ads = new List<Ad>();
        await using var reader = await session.ReadAsync(PostgresSession.Sql(sql, parameters)).ConfigureAwait(false);
        while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
        {
            ads.Add(ReadAd(reader));
        }

        return ads;
    }

    private static Ad ReadAd(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), (AdStatus)row.GetInt16(4), TextOrNull(row, 5),
        row.IsDBNull(6) ? null : row.GetInt16(6));

    private static string? TextOrNull(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}
