using System.Globalization;
using System.Net;
using AdClick.Actors.Clicks;

namespace AdClick.Gateway.Hosting;

/// <summary>
/// Reads and checks the settings under <c>AdClick:</c>. Whatever is wrong is collected, so that one start tells all of it; a name that is not known is wrong
/// too, because a misspelt setting would otherwise be a default in disguise.
/// </summary>
internal sealed partial class SettingsReader
{
    /// <summary>Longest lateness and lifetime: an impression's expiry must fit into a window entry, and memory has to bear it.</summary>
    private static readonly TimeSpan MaxSpan = TimeSpan.FromDays(90);

    private readonly IConfiguration _configuration;
    private readonly IConfigurationSection _section;
    private readonly List<string> _problems = [];
    private readonly HashSet<string> _known = new(StringComparer.OrdinalIgnoreCase);

    private SettingsReader(IConfiguration configuration)
    {
        _configuration = configuration;
        _section = configuration.GetSection("AdClick");
    }

    /// <summary>The settings.</summary>
    /// <exception cref="InvalidSettingsException">Names every wrong setting.</exception>
    public static GatewayOptions Read(IConfiguration configuration)
    {
        var reader = new SettingsReader(configuration);
        var options = reader.ReadAll();
        reader.RefuseUnknown();
        return reader._problems.Count == 0 ? options : throw new InvalidSettingsException(reader._problems);
    }

    private GatewayOptions ReadAll()
    {
        var defaults = new GatewayOptions();
        var postgres = Postgres();
        var data = Text("Data") ?? defaults.Data;
        var partitions = Number("Partitions", defaults.Partitions, 1, 1024);
        var kafka = Kafka(data, partitions);
        var adminKey = AdminKey();
        var keys = SigningKeys();
        if (kafka is not null || postgres is not null)
        {
            RequireKeys(adminKey, keys, kafka is not null ? "with AdClick:ClickLog 'kafka'" : "with AdClick:Database 'postgres'");
        }

        var cluster = Cluster(kafka is not null, postgres is not null);
        var skipLostClicks = Flag("SkipLostClicks");
        var impressionLifetime = Span("ImpressionLifetime", defaults.ImpressionLifetime, TimeSpan.FromSeconds(1), MaxSpan);
        var allowedLateness = Span("AllowedLateness", defaults.AllowedLateness, TimeSpan.FromSeconds(1), MaxSpan);

        return new GatewayOptions
        {
            Data = data,
            Kafka = kafka,
            Postgres = postgres,
            PublicUrl = PublicUrl(),
            AdminKey = adminKey,
            SigningKeys = keys,
            SigningKeyId = SigningKeyId(keys),
            Partitions = partitions,
            ImpressionLifetime = impressionLifetime,
            AllowedLateness = allowedLateness,
            FlushInterval = Span("FlushInterval", defaults.FlushInterval, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(1)),
            CheckpointInterval = Span("CheckpointInterval", defaults.CheckpointInterval, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10)),
            ClickLogRetention = Span("ClickLogRetention", defaults.ClickLogRetention, TimeSpan.Zero, TimeSpan.FromDays(3650)),
            SkipLostClicks = skipLostClicks,
            Reconciliation = Reconciliation(impressionLifetime, allowedLateness),
            Lake = Lake(cluster is not null, skipLostClicks, impressionLifetime, allowedLateness),
            HotAdClicksPerSecond = Number("HotAdClicksPerSecond", defaults.HotAdClicksPerSecond, 10, 1_000_000),
            HotAdAfter = Span("HotAdAfter", defaults.HotAdAfter, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1)),
            RequestsPerSecondPerKey = Number("RequestsPerSecondPerKey", defaults.RequestsPerSecondPerKey, 1, 1_000_000),
            LiveStreamsPerKey = Number("LiveStreamsPerKey", defaults.LiveStreamsPerKey, 1, 100_000),
            LiveStreams = Number("LiveStreams", defaults.LiveStreams, 1, 100_000),
            TrustedProxies = TrustedProxies(),
            MetricsUrl = MetricsUrl(),
            Roles = Roles(defaults.Roles, cluster is not null),
            Cluster = cluster,
        };
    }

    private string? Text(string name)
    {
        _known.Add(name);
        var value = _section[name];
        return string.IsNullOrWhiteSpace(value) ? null : value.Trim();
    }

    // A list is written either with commas or, in JSON, as an array.
    private List<string> List(string name)
    {
        var text = Text(name);
        var children = _section.GetSection(name).GetChildren().Select(child => child.Value ?? "");
        return [.. (text?.Split(',') ?? children).Select(item => item.Trim()).Where(item => item.Length > 0)];
    }

    private int Number(string name, int standard, int min, int max)
    {
        if (Text(name) is not { } text)
        {
            return standard;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max)
        {
            return number;
        }

        Refuse(name, $"must be a whole number from {min} to {max}, not '{text}'");
        return standard;
    }

    private TimeSpan Span(string name, TimeSpan standard, TimeSpan min, TimeSpan max)
    {
        if (Text(name) is not { } text)
        {
            return standard;
        }

        if (TimeSpan.TryParseExact(text, "c", CultureInfo.InvariantCulture, out var span) && span >= min && span <= max)
        {
            return span;
        }

        Refuse(name, $"must be a time span from {min:c} to {max:c}, written [d.]hh:mm:ss[.fff], not '{text}'");
        return standard;
    }

    private bool Flag(string name)
    {
        if (Text(name) is not { } text)
        {
            return false;
        }

        if (bool.TryParse(text, out var flag))
        {
            return flag;
        }

        Refuse(name, $"must be true or false, not '{text}'");
        return false;
    }

    // The first is the default.
    private string OneOf(string name, params string[] values)
    {
        if (Text(name) is not { } text)
        {
            return values[0];
        }

        if (Array.Find(values, value => value.Equals(text, StringComparison.OrdinalIgnoreCase)) is { } value)
        {
            return value;
        }

        Refuse(name, $"must be {string.Join(" or ", values.Select(value => $"'{value}'"))}, not '{text}'");
        return values[0];
    }

    private string? PublicUrl()
    {
        if (Text("PublicUrl") is not { } text)
        {
            return null;
        }

        if (Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            && uri.Query.Length == 0 && uri.Fragment.Length == 0 && uri.UserInfo.Length == 0)
        {
            return uri.AbsoluteUri.TrimEnd('/');
        }

        Refuse("PublicUrl", $"must be an absolute http or https URL without user, query or fragment, not '{text}'");
        return null;
    }

    private string? AdminKey()
    {
        var key = Text("AdminKey");
        if (key is not null && (key.Length > 256 || key.Any(c => c is <= ' ' or > '~')))
        {
            Refuse("AdminKey", "must be at most 256 printable ASCII characters without spaces");
        }

        return key;
    }

    private List<SigningKeySetting> SigningKeys()
    {
        _known.Add("SigningKeys");
        _known.Add("SigningKeyAdvertisers");
        var bound = _section.GetSection("SigningKeyAdvertisers");
        var keys = new List<SigningKeySetting>();
        foreach (var child in _section.GetSection("SigningKeys").GetChildren())
        {
            var secret = new byte[32];
            var name = $"SigningKeys:{child.Key}";
            if (!Ids.IsValid(child.Key) || child.Key.Length > SigningKey.MaxKeyIdLength)
            {
                Refuse(name, $"has a key ID that is not 1 to {SigningKey.MaxKeyIdLength} of A-Z a-z 0-9 _ -");
            }
            else if (!Convert.TryFromBase64String(child.Value ?? "", secret, out var length) || length != secret.Length)
            {
                Refuse(name, "must be 32 random bytes in base64; make one with: openssl rand -base64 32"); // the value itself is a secret
            }
            else
            {
                keys.Add(new SigningKeySetting(child.Key, secret, Advertisers(child.Key)));
            }
        }

        foreach (var child in bound.GetChildren().Where(child => !keys.Exists(key => key.KeyId.Equals(child.Key, StringComparison.OrdinalIgnoreCase))))
        {
            Refuse($"SigningKeyAdvertisers:{child.Key}", "names a key that is not among AdClick:SigningKeys");
        }

        return keys;
    }

    private HashSet<string>? Advertisers(string keyId)
    {
        var name = $"SigningKeyAdvertisers:{keyId}";
        var advertisers = List(name);
        foreach (var advertiser in advertisers.Where(advertiser => !Ids.IsValid(advertiser)))
        {
            Refuse(name, $"holds '{advertiser}', which is not an advertiser ID ({Ids.Rule})");
        }

        return advertisers.Count == 0 ? null : [.. advertisers];
    }

    private string? SigningKeyId(List<SigningKeySetting> keys)
    {
        var id = Text("SigningKeyId");
        if (keys.Count == 0)
        {
            if (id is not null)
            {
                Refuse("SigningKeyId", "is set, but there are no AdClick:SigningKeys");
            }

            return null;
        }

        var signing = id is null && keys.Count == 1 ? keys[0] : keys.Find(key => key.KeyId == id);
        if (signing is null)
        {
            Refuse("SigningKeyId", "must be the ID of one of AdClick:SigningKeys: the one that signs");
        }
        else if (signing.Advertisers is not null)
        {
            Refuse("SigningKeyId", "names a key that is bound to advertisers; the gateway signs for all of them");
        }

        return signing?.KeyId;
    }

    private List<IPNetwork> TrustedProxies()
    {
        var networks = new List<IPNetwork>();
        foreach (var text in List("TrustedProxies"))
        {
            if (IPNetwork.TryParse(text, out var network))
            {
                networks.Add(network);
            }
            else if (IPAddress.TryParse(text, out var address))
            {
                networks.Add(new IPNetwork(address, address.GetAddressBytes().Length * 8));
            }
            else
            {
                Refuse("TrustedProxies", $"holds '{text}', which is neither an IP address nor a network such as 10.0.0.0/8");
            }
        }

        return networks;
    }

    private Uri? MetricsUrl()
    {
        if (Text("MetricsUrl") is not { } text)
        {
            return null;
        }

        if (Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme == "http" && uri.PathAndQuery == "/" && uri.Port > 0)
        {
            return uri;
        }

        Refuse("MetricsUrl", $"must be an address to listen on, such as http://127.0.0.1:9464, not '{text}'");
        return null;
    }

    private void RefuseUnknown()
    {
        foreach (var child in _section.GetChildren().Where(child => !_known.Contains(child.Key)))
        {
            Refuse(child.Key, "is not a setting of AdClick; docs/operations.md lists them");
        }
    }

    private void Refuse(string name, string problem) => _problems.Add($"AdClick:{name} {problem}.");
}
