using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace AdClick.Gateway.Hosting;

/// <summary>
/// The base of click URLs: as configured, else the first address that the server listens on. Never the Host header, which is the client's to choose.
/// </summary>
internal sealed class PublicAddress
{
    private readonly string? _configured;
    private readonly Uri? _metricsUrl;
    private readonly IServer _server;
    private string? _bound;

    /// <summary>The address of a server.</summary>
    public PublicAddress(GatewayOptions options, IServer server)
    {
        _configured = options.PublicUrl;
        _metricsUrl = options.MetricsUrl;
        _server = server;
    }

    /// <summary>Absolute, without a trailing slash. Known once the server listens.</summary>
    public string Url => _configured ?? (_bound ??= FirstBound());

    /// <summary>An address to listen on as one that a browser can open: a wildcard stands for this machine.</summary>
    public static string ToBrowsable(string address)
    {
        foreach (var wildcard in (string[])["://*", "://+", "://0.0.0.0", "://[::]"])
        {
            address = address.Replace(wildcard, "://localhost", StringComparison.Ordinal);
        }

        return address.TrimEnd('/');
    }

    private string FirstBound()
    {
        var addresses = _server.Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
        var first = addresses.FirstOrDefault(address => _metricsUrl is null || !IsMetrics(address))
            ?? throw new InvalidOperationException("The server listens on no address yet. Set AdClick:PublicUrl.");
        return ToBrowsable(first);
    }

    private bool IsMetrics(string address) => Uri.TryCreate(ToBrowsable(address), UriKind.Absolute, out var uri) && uri.Port == _metricsUrl!.Port;
}
