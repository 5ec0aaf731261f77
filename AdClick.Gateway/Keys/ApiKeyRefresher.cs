using AdClick.Gateway.Api;

namespace AdClick.Gateway.Keys;

/// <summary>Keeps the directory up to date with keys that other nodes make and revoke.</summary>
internal sealed class ApiKeyRefresher(ApiKeyDirectory directory, TimeProvider time, ILogger<ApiKeyRefresher> logger)
    : StoreFollower("API keys", Interval, time, logger)
{
    /// <summary>Revoked keys are to be refused within 5 s.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    protected override Task ReadAsync(CancellationToken cancellationToken) => directory.RefreshAsync(cancellationToken);
}
