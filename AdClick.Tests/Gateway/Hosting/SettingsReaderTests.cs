using AdClick.Actors.Hosting;
using AdClick.Gateway.Hosting;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace AdClick.Tests.Gateway.Hosting;

public sealed partial class SettingsReaderTests
{
    private const string Secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    [Fact]
    public void Nothing_configured_gives_the_defaults()
    {
        var options = Read();
        Assert.Equal(8, options.Partitions);
        Assert.Equal(TimeSpan.FromHours(24), options.ImpressionLifetime);
        Assert.Equal(TimeSpan.FromHours(1), options.AllowedLateness);
        Assert.Equal(TimeSpan.FromSeconds(1), options.FlushInterval);
        Assert.Equal(TimeSpan.FromSeconds(10), options.CheckpointInterval);
        Assert.Equal(200, options.RequestsPerSecondPerKey);
        Assert.Null(options.AdminKey);
        Assert.Empty(options.SigningKeys);
    }

    [Theory]
    [InlineData("Partitions", "0")]
    [InlineData("Partitions", "1025")]
    [InlineData("Partitions", "eight")]
    [InlineData("ImpressionLifetime", "24h")]
    [InlineData("ImpressionLifetime", "00:00:00")]
    [InlineData("AllowedLateness", "-00:01:00")]
    [InlineData("FlushInterval", "00:00:00")]
    [InlineData("CheckpointInterval", "01:00:00")]
    [InlineData("ClickLogRetention", "x")]
    [InlineData("SkipLostClicks", "perhaps")]
    [InlineData("RequestsPerSecondPerKey", "0")]
    [InlineData("LiveStreamsPerKey", "0")]
    [InlineData("LiveStreams", "many")]
    [InlineData("ClickLog", "redis")]
    [InlineData("Database", "oracle")]
    [InlineData("PublicUrl", "example.com")]
    [InlineData("PublicUrl", "https://example.com/?x=1")]
    [InlineData("AdminKey", "two words")]
    [InlineData("TrustedProxies", "10.0.0.0/8,proxy")]
    [InlineData("MetricsUrl", "9464")]
    [InlineData("Roles", "gateway")]
    [InlineData("SigningKeys:k1", "c2hvcnQ=")]
    [InlineData("SigningKeyId", "k1")]
    [InlineData("SigningKeyAdvertisers:k1", "acme")]
    [InlineData("Partitons", "8")]
    public void A_wrong_setting_is_refused_by_name(string name, string value)
    {
        var refused = Assert.Throws<InvalidSettingsException>(() => Read((name, value)));
        Assert.Contains(refused.Problems, problem => problem.StartsWith($"AdClick:{name} ", StringComparison.Ordinal));
    }

    [Fact]
    public void All_wrong_settings_are_told_at_once()
    {
        var refused = Assert.Throws<InvalidSettingsException>(() => Read(("Partitions", "0"), ("FlushInterval", "soon"), ("Colour", "blue")));
        Assert.Equal(3, refused.Problems.Count);
    }

    [Fact]
    public void A_wrong_secret_is_not_repeated_in_the_message()
    {
        var refused = Assert.Throws<InvalidSettingsException>(() => Read(("SigningKeys:k1", "my-secret-but-not-base64")));
        Assert.DoesNotContain("my-secret", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_several_signing_keys_one_must_be_named()
    {
        Assert.Throws<InvalidSettingsException>(() => Read(("SigningKeys:k1", Secret), ("SigningKeys:k2", Secret)));
        var options = Read(("SigningKeys:k1", Secret), ("SigningKeys:k2", Secret), ("SigningKeyId", "k2"), ("SigningKeyAdvertisers:k1", "acme, globex"));
        Assert.Equal("k2", options.SigningKeyId);
        Assert.Equal(["acme", "globex"], options.SigningKeys[0].Advertisers!.Order());
        Assert.Null(options.SigningKeys[1].Advertisers);
    }

    [Fact]
    public void The_signing_key_may_not_be_bound_to_advertisers() =>
        Assert.Throws<InvalidSettingsException>(() => Read(("SigningKeys:k1", Secret), ("SigningKeyAdvertisers:k1", "acme")));

    [Fact]
    public void Lists_are_written_with_commas_or_as_arrays()
    {
        Assert.Equal(2, Read(("TrustedProxies", "10.0.0.0/8, 192.0.2.7")).TrustedProxies.Count);
        Assert.Equal(2, Read(("TrustedProxies:0", "10.0.0.0/8"), ("TrustedProxies:1", "::1")).TrustedProxies.Count);
    }

    [Fact]
    public void Kafka_is_described_under_a_section_of_its_own_and_librdkafkas_properties_pass_through()
    {
        var options = Read(
            [.. Kafka, ("Partitions", "64"), ("Kafka:Topic", "clicks.eu"), ("Kafka:DeliveryTimeout", "00:00:01"), ("Kafka:SpoolMaxBytes", "1073741824"),
            ("Kafka:Client:security.protocol", "ssl"), ("Data", "/var/lib/adclick")]).Kafka!;
        Assert.Equal("broker-1:9092,broker-2:9092", options.BootstrapServers);
        Assert.Equal(("clicks.eu", 64), (options.Topic, options.Partitions));
        Assert.Equal(TimeSpan.FromSeconds(1), options.DeliveryTimeout);
        Assert.Equal(1L << 30, options.SpoolMaxBytes);
        Assert.Equal(Path.GetFullPath("/var/lib/adclick/spool"), options.SpoolFolder);
        Assert.Equal("ssl", options.ClientSettings["security.protocol"]);
        Assert.Null(Read().Kafka);
    }

    [Theory]
    [InlineData("Kafka:BootstrapServers", "")]
    [InlineData("Kafka:Topic", "no spaces")]
    [InlineData("Kafka:ReplicationFactor", "0")]
    [InlineData("Kafka:MinInsyncReplicas", "4")]
    [InlineData("Kafka:TopicRetention", "7 days")]
    [InlineData("Kafka:DeliveryTimeout", "00:00:00")]
    [InlineData("Kafka:SpoolMaxBytes", "10GB")]
    [InlineData("Kafka:Linger", "00:01:00")]
    [InlineData("Kafka:Client:acks", "1")]
    [InlineData("Kafka:Client:no.such.property", "1")]
    [InlineData("Kafka:Compression", "zstd")]
    [InlineData("AdminKey", "")]
    [InlineData("SigningKeys:k1", "")]
    public void A_wrong_setting_of_Kafka_is_refused_by_name(string name, string value)
    {
        var refused = Assert.Throws<InvalidSettingsException>(() => Read([.. Kafka.Where(setting => setting.Name != name), (name, value)]));
        Assert.Contains(refused.Problems, problem => problem.StartsWith($"AdClick:{name} ", StringComparison.Ordinal));
    }

    [Fact]
    public void Settings_of_Kafka_without_Kafka_are_refused()
    {
        var refused = Assert.Throws<InvalidSettingsException>(() => Read(("Kafka:BootstrapServers", "broker-1:9092")));
        Assert.StartsWith("AdClick:Kafka ", Assert.Single(refused.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void A_cluster_is_described_under_a_section_of_its_own()
    {
        var options = Read(
            [.. Cluster, ("Cluster:Host", "0.0.0.0"), ("Cluster:PublicHost", "node-1"), ("Cluster:PublicPort", "14053"),
            ("Cluster:Secret", new string('s', 32)), ("Roles", "processor")]);
        Assert.Equal(["node-1:4053", "[fe80::1]:4054"], options.Cluster!.Seeds.Select(seed => seed.ToString()));
        Assert.Equal(new NodeAddress("0.0.0.0", 4053), options.Cluster.Listen);
        Assert.Equal(new NodeAddress("node-1", 14053), options.Cluster.Public);
        Assert.NotNull(options.Cluster.Trust);
        Assert.Equal((false, true), (options.IsGateway, options.IsProcessor));
        Assert.Null(Read([.. Cluster]).Cluster!.Trust); // loopback
        Assert.Null(Read([.. Cluster, ("Cluster:Host", "10.0.0.7"), ("Cluster:AllowPlaintext", "true")]).Cluster!.Trust);
        Assert.Null(Read(Kafka).Cluster);
    }

    [Theory]
    [InlineData("Cluster:Seeds", "node-1")]
    [InlineData("Cluster:Seeds", "node-1:70000")]
    [InlineData("Cluster:Host", "no host")]
    [InlineData("Cluster:Port", "0")]
    [InlineData("Cluster:PublicPort", "x")]
    [InlineData("Cluster:Secret", "too short")]
    [InlineData("Cluster:Certificate", "/no/such/file.pem")]
    [InlineData("Cluster:AllowPlaintext", "perhaps")]
    [InlineData("Cluster:Sedes", "node-1:4053")]
    [InlineData("Roles", "gateway,observer")]
    [InlineData("Cluster:Certificate", "", "Cluster:CertificateKey", "/key.pem")]
    [InlineData("Cluster:Secret", "0123456789abcdef0123456789abcdef", "Cluster:Certificate", "/certificate.pem")]
    [InlineData("Cluster:AllowPlaintext", "true", "Cluster:Secret", "0123456789abcdef0123456789abcdef")]
    [InlineData("Cluster:Secret", "", "Cluster:Host", "10.0.0.7")]
    [InlineData("Cluster:PublicHost", "", "Cluster:Host", "0.0.0.0")]
    [InlineData("Cluster", null, "ClickLog", "embedded")]
    [InlineData("Cluster", null, "Database", "sqlite")]
    public void A_wrong_setting_of_the_cluster_is_refused_by_name(string name, string? value, string? besides = null, string? besidesValue = null)
    {
        var changed = new Dictionary<string, string?>(Cluster.Select(setting => new KeyValuePair<string, string?>(setting.Name, setting.Value))) { [name] = value };
        if (besides is not null)
        {
            changed[besides] = besidesValue;
        }

        var refused = Assert.Throws<InvalidSettingsException>(
            () => Read([.. changed.Where(setting => setting.Value is not null).Select(setting => (setting.Key, setting.Value!))]));
        Assert.Contains(refused.Problems, problem => problem.StartsWith($"AdClick:{name} ", StringComparison.Ordinal));
    }

    private static (string Name, string Value)[] Cluster =>
        [.. Kafka, ("Database", "postgres"), ("ConnectionStrings:AdClick", "Host=db"), ("Cluster:Seeds", "node-1:4053, [fe80::1]:4054")];

    private static (string Name, string Value)[] Kafka =>
    [
        ("ClickLog", "kafka"), ("Kafka:BootstrapServers", "broker-1:9092,broker-2:9092"),
        ("AdminKey", "0123456789abcdef"), ("SigningKeys:k1", Secret),
    ];

    private static GatewayOptions Read(params (string Name, string Value)[] settings) => SettingsReader.Read(new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Select(setting => new KeyValuePair<string, string?>(
            setting.Name.StartsWith("ConnectionStrings:", StringComparison.Ordinal) ? setting.Name : $"AdClick:{setting.Name}", setting.Value)))
        .Build());
}
