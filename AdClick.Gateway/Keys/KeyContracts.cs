using System.ComponentModel;
using AdClick.Actors.Metrics;
using AdClick.Gateway.Api;

namespace AdClick.Gateway.Keys;

/// <summary>Body of <c>POST /v1/keys</c>.</summary>
internal sealed record CreateKeyRequest
{
    /// <summary>Unique name.</summary>
    [Needed, Id, Description("Unique name, by which the key is revoked.")]
    public string? Name { get; init; }

    /// <summary>What it may do.</summary>
    [Needed, OneOf("admin", "publisher", "advertiser")]
    [Description("admin: everything; publisher: issue impressions; advertiser: read one advertiser's clicks.")]
    public string? Scope { get; init; }

    /// <summary>Whose clicks it reads.</summary>
    [Id, Description("Whose clicks the key reads: needed with scope advertiser, not allowed with the others.")]
    public string? AdvertiserId { get; init; }
}

/// <summary>Answer to <c>POST /v1/keys</c>.</summary>
/// <param name="Name">Name.</param>
/// <param name="Key">The secret.</param>
internal sealed record CreatedKeyResponse(string Name, [property: Description("The secret: shown here and never again.")] string Key)
{
    /// <summary>The name only: a record would print the secret into whatever log it is handed to.</summary>
    public override string ToString() => $"key {Name}";
}

/// <summary>A key, without its secret.</summary>
/// <param name="Name">Name.</param>
/// <param name="Scope">What it may do.</param>
/// <param name="AdvertiserId">Whose clicks it reads.</param>
/// <param name="CreatedAt">When it was made.</param>
internal sealed record KeyResponse(
    string Name, [property: OneOf("admin", "publisher", "advertiser")] string Scope, string? AdvertiserId, DateTime CreatedAt)
{
    /// <summary>The key as it is shown.</summary>
    public static KeyResponse Of(ApiKey key) => new(key.Name, ApiScopes.Name(key.Scope), key.AdvertiserId, key.CreatedAt.UtcDateTime);
}

/// <summary>Answer to <c>GET /v1/keys/self</c>.</summary>
/// <param name="Name">Name.</param>
/// <param name="Scope">What it may do.</param>
/// <param name="AdvertiserId">Whose clicks it reads.</param>
internal sealed record OwnKeyResponse(
    [property: Description("The key's name; `(configured)` for the administrator's key that is in the configuration.")] string Name,
    [property: OneOf("admin", "publisher", "advertiser")] string Scope,
    [property: Description("Whose clicks it reads; absent unless the scope is advertiser.")] string? AdvertiserId)
{
    /// <summary>The key as it is shown to whoever holds it.</summary>
    public static OwnKeyResponse Of(ApiKey key) => new(key.Name, ApiScopes.Name(key.Scope), key.AdvertiserId);
}

/// <summary>Answer to <c>GET /v1/keys</c>.</summary>
/// <param name="Keys">All stored keys, by name.</param>
internal sealed record KeyListResponse(IReadOnlyList<KeyResponse> Keys);
