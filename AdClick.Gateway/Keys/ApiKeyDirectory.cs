using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using AdClick.Actors.Metrics;
using AdClick.Gateway.Api;

namespace AdClick.Gateway.Keys;

/// <summary>
/// The API keys in memory, by the hash of their secrets; follows the store. Where the store has been away for longer than <see
/// cref="TrustedFor"/>, stored keys
/// are no longer believed, since one of them may have been revoked meanwhile; the configured admin key always is.
/// </summary>
internal sealed class ApiKeyDirectory : IDisposable
{
    /// <summary>How long the keys last read are believed.</summary>
    public static readonly TimeSpan TrustedFor = TimeSpan.FromSeconds(60);

    private readonly ICatalogueStore _store;
    private readonly ApiSettings _settings;
    private readonly TimeProvider _time;
    private readonly ApiCaller? _admin;

    // Reads and changes of the store take turns, so that a slow read never brings a deleted key back.
    private readonly SemaphoreSlim _turn = new(1);
    private volatile FrozenDictionary<ulong, ApiCaller[]> _callers = FrozenDictionary<ulong, ApiCaller[]>.Empty;
    private long _readAt;
    private volatile bool _loaded;

    /// <summary>A directory that knows the configured admin key only, until the first refresh.</summary>
    public ApiKeyDirectory(ICatalogueStore store, ApiSettings settings, TimeProvider time)
    {
        _store = store;
        _settings = settings;
        _time = time;
        if (settings.AdminKey is { } key)
        {
            _admin = NewCaller(new ApiKey("(configured)", KeyScope.Admin, null, HashOf(key), time.GetUtcNow()));
        }
    }

    private bool IsTrusted => _loaded && _time.GetElapsedTime(Volatile.Read(ref _readAt)) <= TrustedFor;

    /// <summary>Finds out whose secret this is.</summary>
    public KeyLookup Find(string secret, out ApiCaller? caller)
    {
        var hash = HashOf(secret);
        if (_admin is not null && CryptographicOperations.FixedTimeEquals(_admin.Key.Hash, hash))
        {
            caller = _admin;
            return KeyLookup.Known;
        }

        caller = null;
        if (!IsTrusted)
        {
            return KeyLookup.CannotTell;
        }

        foreach (var candidate in _callers.GetValueOrDefault(Start(hash)) ?? [])
        {
            if (CryptographicOperations.FixedTimeEquals(candidate.Key.Hash, hash))
            {
                caller = candidate;
                return KeyLookup.Known;
            }
        }

        return KeyLookup.Unknown;
    }

    /// <summary>Whether a caller that was known when its call began still is.</summary>
    public bool IsGood(ApiCaller caller) => caller == _admin || (IsTrusted && _callers.GetValueOrDefault(Start(caller.Key.Hash))?.Contains(caller) == true);

    /// <summary>Reads the keys from the store.</summary>
    /// <exception cref="MetricsStoreUnavailableException">The store can't answer now; the keys stay as they were.</exception>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            await ReadAsync(cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Makes a key; null when the name is in use. The secret is in the answer and nowhere else.</summary>
    /// <exception cref="MetricsStoreUnavailableException">The store can't answer now.</exception>
    public async Task<string?> CreateAsync(string name, KeyScope scope, string? advertiserId, CancellationToken cancellationToken)
    {
        var secret = NewSecret();
        var key = new ApiKey(name, scope, advertiserId, HashOf(secret), _time.GetUtcNow());
        return await ChangeAsync(() => _store.TryAddKeyAsync(key, cancellationToken), known => known.Append(key), cancellationToken) ? secret : null;
    }

    /// <summary>Revokes a key; false when there is none of that name. From here on this node refuses it.</summary>
    /// <exception cref="MetricsStoreUnavailableException">The store can't answer now.</exception>
    public Task<bool> DeleteAsync(string name, CancellationToken cancellationToken) =>
        ChangeAsync(() => _store.DeleteKeyAsync(name, cancellationToken), known => known.Where(key => key.Name != name), cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _turn.Dispose();

    /// <summary>
    /// Changes the store, and then what is known here in the same way, so that it holds here even if the store goes away right after.
    /// </summary>
    private async Task<bool> ChangeAsync(
        Func<Task<bool>> change, Func<IEnumerable<ApiKey>, IEnumerable<ApiKey>> same, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (!await change())
            {
                return false;
            }

            Know(same(_callers.Values.SelectMany(callers => callers).Select(caller => caller.Key)));
            return true;
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        var readAt = _time.GetTimestamp();
        Know(await _store.ListKeysAsync(cancellationToken));
        Volatile.Write(ref _readAt, readAt);
        _loaded = true;
    }

    private void Know(IEnumerable<ApiKey> keys)
    {
        var known = _callers.Values.SelectMany(callers => callers).ToDictionary(caller => caller.Key.Name);

        // The same key keeps its rate limit.
        ApiCaller CallerOf(ApiKey key) =>
            known.GetValueOrDefault(key.Name) is { } caller && caller.Key.Hash.AsSpan().SequenceEqual(key.Hash) ? caller : NewCaller(key);

        _callers = keys.GroupBy(key => Start(key.Hash), CallerOf).ToFrozenDictionary(group => group.Key, group => group.ToArray());
    }

    private ApiCaller NewCaller(ApiKey key) =>
        new(key, new TokenBucket(_settings.RequestsPerSecondPerKey, 2 * _settings.RequestsPerSecondPerKey, _time));

    // The prefix lets a scanner for leaked secrets (and a person) recognise it.
    private static string NewSecret()
    {
        Span<byte> bytes = stackalloc byte[32];
        RandomNumberGenerator.Fill(bytes);
        return $"adc_{System.Buffers.Text.Base64Url.EncodeToString(bytes)}";
    }

    private static byte[] HashOf(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));

    private static ulong Start(byte[] hash) => BinaryPrimitives.ReadUInt64LittleEndian(hash);
}

/// <summary>Whether a secret is that of a key.</summary>
internal enum KeyLookup
{
    /// <summary>It is.</summary>
    Known,

    /// <summary>It is not.</summary>
    Unknown,

    /// <summary>The store has been away for too long.</summary>
    CannotTell,
}

/// <summary>Who makes an API call.</summary>
/// <param name="Key">The key.</param>
/// <param name="Rate">Its rate limit.</param>
internal sealed record ApiCaller(ApiKey Key, TokenBucket Rate)
{
    /// <summary>Whether the caller may read an advertiser's clicks.</summary>
    public bool MayRead(string advertiserId) => Key.Scope == KeyScope.Admin || Key.AdvertiserId == advertiserId;
}
