namespace AdClick.Actors.Metrics;

/// <summary>
/// Ads and API keys as they are stored. Every method throws <see cref="MetricsStoreUnavailableException"/> when the database can't answer now.
/// </summary>
public interface ICatalogueStore
{
    /// <summary>Creates or replaces an ad.</summary>
    Task<PutAdResult> PutAdAsync(Ad ad, CancellationToken cancellationToken);

    /// <summary>Pins an ad's number of sub-shards, or with null lets its traffic decide again; false when there is no such ad.</summary>
    Task<bool> PinSubShardsAsync(string adId, int? subShards, CancellationToken cancellationToken);

    /// <summary>The ad, or null.</summary>
    Task<Ad?> FindAdAsync(string adId, CancellationToken cancellationToken);

    /// <summary>Ads in the order of their IDs, after <paramref name="afterAdId"/> when given.</summary>
    Task<IReadOnlyList<Ad>> ListAdsAsync(string? advertiserId, string? afterAdId, int limit, CancellationToken cancellationToken);

    /// <summary>Ads changed after a change number, in order of change, at most <paramref name="limit"/>; 0 reads all from the start.</summary>
    Task<AdChanges> ReadAdChangesAsync(long afterChange, int limit, CancellationToken cancellationToken);

    /// <summary>Stores a key; false when the name is in use.</summary>
    Task<bool> TryAddKeyAsync(ApiKey key, CancellationToken cancellationToken);

    /// <summary>All keys.</summary>
    Task<IReadOnlyList<ApiKey>> ListKeysAsync(CancellationToken cancellationToken);

    /// <summary>Deletes a key; false when there is none of that name.</summary>
    Task<bool> DeleteKeyAsync(string name, CancellationToken cancellationToken);
}

/// <summary>Whether an ad's clicks count.</summary>
public enum AdStatus
{
    /// <summary>Impressions are issued, clicks count.</summary>
    Active,

    /// <summary>No impressions; clicks are redirected and logged as <c>inactive_ad</c>.</summary>
    Paused,

    /// <summary>As paused, and not meant to come back.</summary>
    Archived,
}

/// <summary>One ad.</summary>
/// <param name="AdId">ID.</param>
/// <param name="AdvertiserId">Whose it is; never changes.</param>
/// <param name="Name">For people, 1 to 200 characters.</param>
/// <param name="TargetUrl">Where a click leads; may hold macros.</param>
/// <param name="Status">Whether its clicks count.</param>
/// <param name="CampaignId">Optional campaign.</param>
/// <param name="PinnedSubShards">
/// Sub-shards that an operator has pinned, a power of two from 1 to 64; null where the ad's traffic decides. Written by
/// <see cref="ICatalogueStore.PinSubShardsAsync"/> alone: a put keeps it.
/// </param>
public sealed record Ad(
    string AdId, string AdvertiserId, string Name, string TargetUrl, AdStatus Status, string? CampaignId, int? PinnedSubShards = null);

/// <summary>What became of a put.</summary>
public enum PutAdResult
{
    /// <summary>There was none.</summary>
    Created,

    /// <summary>It was replaced.</summary>
    Updated,

    /// <summary>Nothing was written: the stored ad belongs to another advertiser.</summary>
    OtherAdvertiser,
}

/// <summary>A page of changed ads.</summary>
/// <param name="Ads">The ads as they stand now.</param>
/// <param name="LastChange">Change number to go on from.</param>
public sealed record AdChanges(IReadOnlyList<Ad> Ads, long LastChange);

/// <summary>What a key may do.</summary>
public enum KeyScope
{
    /// <summary>Everything.</summary>
    Admin,

    /// <summary>Issue impressions.</summary>
    Publisher,

    /// <summary>Read the clicks of one advertiser.</summary>
    Advertiser,
}

/// <summary>An API key as stored: never the secret itself.</summary>
/// <param name="Name">Unique name.</param>
/// <param name="Scope">What it may do.</param>
/// <param name="AdvertiserId">Whose clicks an advertiser key reads; null for the other scopes.</param>
/// <param name="Hash">SHA-256 of the secret, 32 bytes.</param>
/// <param name="CreatedAt">When it was made.</param>
public sealed record ApiKey(string Name, KeyScope Scope, string? AdvertiserId, byte[] Hash, DateTimeOffset CreatedAt);
