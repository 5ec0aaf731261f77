using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using AdClick.Actors.Hosting;

namespace AdClick.Gateway.Hosting;

/// <summary>The settings under <c>AdClick:Cluster:</c>, and the roles.</summary>
internal sealed partial class SettingsReader
{
    private const string ClusterSection = "Cluster";

    private static readonly string[] ClusterNames =
        ["Seeds", "Host", "Port", "PublicHost", "PublicPort", "Secret", "Certificate", "CertificateKey", "CertificateAuthority", "AllowPlaintext"];

    private ClusterSettings? Cluster(bool isKafka, bool isPostgres)
    {
        _known.Add(ClusterSection);
        var section = _section.GetSection(ClusterSection);
        if (!section.GetChildren().Any())
        {
            return null;
        }

        if (!isKafka)
        {
            Refuse(ClusterSection, "is set, but AdClick:ClickLog is not 'kafka': the embedded click log is in one node's folder, where the others can't read it");
        }

        if (!isPostgres)
        {
            Refuse(ClusterSection, "is set, but AdClick:Database is not 'postgres': SQLite's files are in one node's folder, where the others can't reach them");
        }

        foreach (var child in section.GetChildren().Where(child => !ClusterNames.Contains(child.Key, StringComparer.OrdinalIgnoreCase)))
        {
            Refuse($"{ClusterSection}:{child.Key}", "is not a setting of AdClick; docs/operations.md lists them");
        }

        var listen = new NodeAddress(HostName("Cluster:Host", "127.0.0.1"), Number("Cluster:Port", ClusterSettings.DefaultPort, 1, 65535));
        return new ClusterSettings { Seeds = Seeds(), Listen = listen, Public = PublicNode(listen), Trust = Trust(listen) };
    }

    private List<NodeAddress> Seeds()
    {
        var seeds = new List<NodeAddress>();
        foreach (var text in List("Cluster:Seeds"))
        {
            var colon = text.LastIndexOf(':');
            if (colon > 0 && IsHost(text[..colon].Trim('[', ']'))
                && int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is >= 1 and <= 65535)
            {
                seeds.Add(new NodeAddress(text[..colon].Trim('[', ']'), port));
            }
            else
            {
                Refuse("Cluster:Seeds", $"holds '{text}', which is not the address of a node, HOST:PORT");
            }
        }

        return seeds;
    }

    private NodeAddress? PublicNode(NodeAddress listen)
    {
        var host = HostName("Cluster:PublicHost", listen.Host);
        var port = Number("Cluster:PublicPort", listen.Port, 1, 65535);
        if (IPAddress.TryParse(host, out var address) && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any)))
        {
            Refuse("Cluster:PublicHost", $"is missing: the others can't call the node {host}; give the name or address that they reach it by");
        }

        var known = new NodeAddress(host, port);
        return known == listen ? null : known;
    }

    private ClusterTrust? Trust(NodeAddress listen)
    {
        var secret = Text("Cluster:Secret");
        var (certificate, key, authority) = (Text("Cluster:Certificate"), Text("Cluster:CertificateKey"), Text("Cluster:CertificateAuthority"));
        var allowsPlaintext = Flag("Cluster:AllowPlaintext");
        if (secret is not null && certificate is not null)
        {
            Refuse("Cluster:Secret", "is set, and so is AdClick:Cluster:Certificate: either of them says whom the node trusts");
            return null;
        }

        if (certificate is null && (key ?? authority) is not null)
        {
            Refuse("Cluster:Certificate", "is missing: AdClick:Cluster:CertificateKey and AdClick:Cluster:CertificateAuthority belong to it");
            return null;
        }

        if (allowsPlaintext && (secret ?? certificate) is not null)
        {
            Refuse("Cluster:AllowPlaintext", "is set, but AdClick:Cluster:Secret or AdClick:Cluster:Certificate asks for TLS");
            return null;
        }

        if (secret is not null)
        {
            if (secret.Length >= ClusterTrust.MinSecretLength)
            {
                return ClusterTrust.FromSecret(secret);
            }

            Refuse("Cluster:Secret", $"must have at least {ClusterTrust.MinSecretLength} characters that nobody can guess; make one with: openssl rand -base64 32");
            return null;
        }

        if (certificate is not null)
        {
            return CertificateTrust(certificate, key, authority);
        }

        if (!allowsPlaintext && !IsLoopback(listen.Host))
        {
            Refuse(
                "Cluster:Secret",
                $"is missing: remoting listens on {listen.Host}, where strangers may reach it. Give all nodes the same secret (openssl rand -base64 32), or "
                + "AdClick:Cluster:Certificate; or, where the network itself keeps strangers out and encrypts, set AdClick:Cluster:AllowPlaintext to true");
        }

        return null;
    }

    private ClusterTrust? CertificateTrust(string certificate, string? key, string? authority)
    {
        try
        {
            return ClusterTrust.FromFiles(certificate, key, authority);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            Refuse("Cluster:Certificate", $"can't be used: {e.Message.TrimEnd('.')}. It must be a PEM file with a certificate, whose key is in the same file or in AdClick:Cluster:CertificateKey, not encrypted");
            return null;
        }
    }

    private string HostName(string name, string standard)
    {
        var text = Text(name);
        if (text is null || IsHost(text))
        {
            return text ?? standard;
        }

        Refuse(name, $"must be a host name or an IP address, not '{text}'");
        return standard;
    }

    private List<string> Roles(IReadOnlyList<string> all, bool isCluster)
    {
        var roles = List("Roles");
        foreach (var role in roles.Where(role => !all.Contains(role)))
        {
            Refuse("Roles", $"holds '{role}', which is neither 'gateway' nor 'processor'");
        }

        if (roles.Count > 0 && !isCluster && !all.ToHashSet().SetEquals(roles))
        {
            Refuse("Roles", "must be 'gateway,processor': a node that is not in a cluster (AdClick:Cluster) does everything");
        }

        return roles.Count == 0 ? [.. all] : [.. all.Where(roles.Contains)];
    }

    private static bool IsHost(string text) => Uri.CheckHostName(text) != UriHostNameType.Unknown;

    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
}
