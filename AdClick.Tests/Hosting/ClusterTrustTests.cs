using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AdClick.Actors.Hosting;
using AdClick.Benchmarks.Processes;
using AdClick.Tests.Partitions;
using Akka.Actor;
using Akka.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Xunit;
using Cluster = Akka.Cluster.Cluster;
using ClusterEvent = Akka.Cluster.ClusterEvent;

namespace AdClick.Tests.Hosting;

/// <summary>Whom a node of a cluster speaks with.</summary>
public sealed class ClusterTrustTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly string _folder = Directory.CreateTempSubdirectory("adclick-trust-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Who_knows_the_secret_is_trusted_and_nobody_else()
    {
        var trust = ClusterTrust.FromSecret(new string('s', 32));
        Assert.True(trust.Accepts(CertificateOf(ClusterTrust.FromSecret(new string('s', 32)))));
        Assert.False(trust.Accepts(CertificateOf(ClusterTrust.FromSecret(new string('s', 33)))));
        Assert.False(trust.Accepts(null));
    }

    [Fact]
    public void A_certificate_is_trusted_if_the_authority_has_signed_it_or_without_one_if_it_is_the_same()
    {
        using var authority = SelfSigned("CN=authority", isAuthority: true);
        using var stranger = SelfSigned("CN=authority", isAuthority: true);
        var (one, two, other) = (Signed("one", authority), Signed("two", authority), Signed("other", stranger));
        var authorityFile = Path.Combine(_folder, "ca.pem");
        File.WriteAllText(authorityFile, authority.ExportCertificatePem());

        var trust = ClusterTrust.FromFiles(one.Certificate, one.Key, authorityFile);
        Assert.True(trust.Accepts(X509Certificate2.CreateFromPemFile(two.Certificate, two.Key)));
        Assert.False(trust.Accepts(X509Certificate2.CreateFromPemFile(other.Certificate, other.Key)));

        var same = ClusterTrust.FromFiles(one.Certificate, one.Key, null);
        Assert.True(same.Accepts(X509Certificate2.CreateFromPemFile(one.Certificate, one.Key)));
        Assert.False(same.Accepts(X509Certificate2.CreateFromPemFile(two.Certificate, two.Key)));

        File.WriteAllText(authorityFile, "");
        Assert.ThrowsAny<CryptographicException>(() => ClusterTrust.FromFiles(one.Certificate, one.Key, authorityFile));
    }

    [Fact]
    public async Task Strangers_are_not_let_in_and_do_no_harm_and_who_knows_the_secret_joins()
    {
        var port = ChildProcess.FreePort();
        var secret = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
        using var node = await StartAsync(port, secret, []);
        var cluster = ClusterOf(node);
        await UpAsync(cluster, 1);

        // One who speaks no TLS, one who shows no certificate, and one with another secret.
        using (var plain = new TcpClient("127.0.0.1", port))
        {
            await plain.GetStream().WriteAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray());
            Assert.Equal(0, await ReadAsync(plain.GetStream()));
        }

        using (var anonymous = new TcpClient("127.0.0.1", port))
        await using (var tls = new SslStream(anonymous.GetStream(), false, (_, certificate, _, _) => certificate is not null))
        {
            await Assert.ThrowsAnyAsync<Exception>(async () =>
            {
                await tls.AuthenticateAsClientAsync("adclick");
                Assert.NotEqual(0, await ReadAsync(tls)); // TLS 1.3: the client hears of it with the first answer
            });
        }

        using (var stranger = await StartAsync(ChildProcess.FreePort(), secret + "x", [new NodeAddress("127.0.0.1", port)]))
        {
            await ClusterOf(stranger).System.WhenTerminated.WaitAsync(Patience); // Akka.Remote gives up when it is refused
        }

        Assert.Single(cluster.State.Members);
        using var friend = await StartAsync(ChildProcess.FreePort(), secret, [new NodeAddress("127.0.0.1", port)]);
        await UpAsync(cluster, 2);
        Assert.Equal("akka.ssl.tcp", cluster.SelfAddress.Protocol);
        await ClusterOf(friend).System.Terminate();
        await cluster.System.Terminate();
    }

    private static Cluster ClusterOf(IHost host) => Cluster.Get(host.Services.GetRequiredService<ActorSystem>());

    private static async Task<IHost> StartAsync(int port, string secret, IReadOnlyList<NodeAddress> seeds)
    {
        var settings = new ClusterSettings { Listen = new NodeAddress("127.0.0.1", port), Seeds = seeds, Trust = ClusterTrust.FromSecret(secret) };
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddAkka("adclick", akka => akka.AddHocon(CountingNode.Quiet, HoconAddMode.Prepend).AddAdClickHocon().AddAdClickCluster(settings, ["gateway"]));
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }

    private static async Task<int> ReadAsync(Stream stream)
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            return await stream.ReadAsync(new byte[1], patience.Token);
        }
        catch (IOException)
        {
            return 0; // reset
        }
    }

    private static async Task UpAsync(Cluster cluster, int members)
    {
        var up = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var listener = cluster.System.ActorOf(Props.Create(() => new UpListener(members, up)));
        try
        {
            await up.Task.WaitAsync(Patience);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"Waited {Patience} for {members} members to be up; there are {string.Join(", ", cluster.State.Members)}.", e);
        }

        cluster.System.Stop(listener);
    }

    private static X509Certificate2 CertificateOf(ClusterTrust trust) => trust.ToSetup().Certificate;

    private static X509Certificate2 SelfSigned(string name, bool isAuthority)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private (string Certificate, string Key) Signed(string name, X509Certificate2 authority)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        using var certificate = request.Create(authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), RandomNumberGenerator.GetBytes(8));
        var files = (Path.Combine(_folder, $"{name}.pem"), Path.Combine(_folder, $"{name}.key"));
        File.WriteAllText(files.Item1, certificate.ExportCertificatePem());
        File.WriteAllText(files.Item2, key.ExportPkcs8PrivateKeyPem());
        return files;
    }

    /// <summary>Hears of each member that is up, those that were before it included.</summary>
    private sealed class UpListener : ReceiveActor
    {
        public UpListener(int members, TaskCompletionSource up)
        {
            var seen = 0;
            Receive<ClusterEvent.MemberUp>(_ =>
            {
                if (++seen == members)
                {
                    up.SetResult();
                }
            });
            Cluster.Get(Context.System).Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.MemberUp));
        }
    }
}
