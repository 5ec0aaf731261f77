using AdClick.Actors.Clicks;
using AdClick.Gateway.Clicks;
using AdClick.Gateway.Hosting;

namespace AdClick.Gateway.Commands;

/// <summary>
/// Prints click URLs, one a line, signed with the node's key. Takes no lock and asks nobody, so it works beside a running node; whether the ad exists shows when
/// its URL is clicked.
/// </summary>
internal static class TokensCommand
{
    /// <summary>Most URLs that one call prints.</summary>
    public const int MaxCount = 10_000_000;

    /// <summary>Prints the URLs; gives the exit code.</summary>
    /// <param name="adId">Ad.</param>
    /// <param name="count">Number of URLs, 1 to <see cref="MaxCount"/>.</param>
    /// <param name="placement">Optional placement.</param>
    /// <param name="settings">Settings as for the node.</param>
    /// <param name="output">Where to print.</param>
    public static int Run(string adId, int count, string? placement, string[] settings, TextWriter output)
    {
        var configuration = WebApplication.CreateBuilder(new WebApplicationOptions { Args = settings, ContentRootPath = AppContext.BaseDirectory }).Configuration;
        var options = SettingsReader.Read(configuration);
        var baseUrl = PublicUrl(options, configuration);
        var generated = new GeneratedKeys(Path.GetFullPath(options.Data));
        var keys = SigningKeyRings.Make(options, () => generated.FindSigningKey() ?? throw new StartupException(
            $"There is no signing key: AdClick:SigningKeys is not set, and {generated.SigningKeyFile} does not exist. Start the node once, or set AdClick:Data to its folder."));
        for (var i = 0; i < count; i++)
        {
            var now = DateTimeOffset.UtcNow;
            var impression = ImpressionId.New(now);
            var token = new ImpressionToken(impression, (now + options.ImpressionLifetime).ToUnixTimeMilliseconds(), adId, impression.SubShard(1), placement);
            output.Write(baseUrl);
            output.Write(ClickHandler.PathPrefix);
            output.Write(keys.Sign(token));
            output.Write('\n');
        }

        output.Flush();
        return 0;
    }

    private static string PublicUrl(GatewayOptions options, IConfiguration configuration)
    {
        if (options.PublicUrl is { } configured)
        {
            return configured;
        }

        var first = GatewayHost.ListenUrls(configuration)[0];
        return !first.EndsWith(":0", StringComparison.Ordinal)
            ? PublicAddress.ToBrowsable(first)
            : throw new StartupException($"The node listens on {first}, a port that only it knows. Set AdClick:PublicUrl.");
    }
}
