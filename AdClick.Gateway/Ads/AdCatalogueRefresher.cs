using AdClick.Gateway.Api;

namespace AdClick.Gateway.Ads;

/// <summary>Keeps the catalogue up to date with what other nodes put.</summary>
internal sealed class AdCatalogueRefresher(AdCatalogue catalogue, TimeProvider time, ILogger<AdCatalogueRefresher> logger)
    : StoreFollower("ads", Interval, time, logger)
{
    /// <summary>Changed ads are to be known within 5 s.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    protected override Task ReadAsync(CancellationToken cancellationToken) => catalogue.PollAsync(cancellationToken);
}
