using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Akka.Event;
using Akka.Remote.Transport.DotNetty;

namespace AdClick.Actors.Hosting;

/// <summary>
/// Whom a node speaks with: both ends of every connection show a certificate, and the other's must be trusted. Akka.Remote's cookie is no more, and it was
/// sent in plain text; a key that both ends must hold is what takes its place.
/// </summary>
public sealed class ClusterTrust
{
    /// <summary>Least length of a shared secret. Who listens to a handshake can try secrets at home, so it must not be one that can be guessed.</summary>
    public const int MinSecretLength = 32;

    private readonly X509Certificate2 _own;
    private readonly X509Certificate2Collection? _authorities;

    private ClusterTrust(X509Certificate2 own, X509Certificate2Collection? authorities)
    {
        _own = own;
        _authorities = authorities;
    }

    /// <summary>
    /// Trust among those who know a secret: each makes the same key of it, shows a certificate for that key, and accepts no other key.
    /// </summary>
    /// <param name="secret">At least <see cref="MinSecretLength"/> characters that nobody can guess.</param>
    public static ClusterTrust FromSecret(string secret)
    {
        using var key = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = PrivateKey(secret) });
        var request = new CertificateRequest("CN=adclick", key, HashAlgorithmName.SHA256);

        // Nobody looks at its dates: it is good as long as the secret is.
        return new ClusterTrust(request.CreateSelfSigned(DateTimeOffset.UnixEpoch, new DateTimeOffset(2999, 1, 1, 0, 0, 0, TimeSpan.Zero)), null);
    }

    /// <summary>Trust among those who hold a certificate of one authority or, without one, the key of this certificate.</summary>
    /// <param name="certificateFile">The node's certificate in PEM.</param>
    /// <param name="keyFile">Its private key in PEM; null: in the same file.</param>
    /// <param name="authorityFile">Certificates of authorities in PEM, and of no others: whoever has a certificate of theirs is let in.</param>
    /// <exception cref="CryptographicException">A file doesn't hold what it should.</exception>
    /// <exception cref="IOException">A file can't be read.</exception>
    /// <exception cref="UnauthorizedAccessException">A file may not be read.</exception>
    public static ClusterTrust FromFiles(string certificateFile, string? keyFile, string? authorityFile)
    {
        var own = X509Certificate2.CreateFromPemFile(certificateFile, keyFile);
        if (authorityFile is null)
        {
            return new ClusterTrust(own, null);
        }

        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(authorityFile);
        return authorities.Count > 0 ? new ClusterTrust(own, authorities) : throw new CryptographicException($"{authorityFile} holds no certificate.");
    }

    /// <summary>Whether a peer that shows this certificate, and has proved to hold its key, is let in.</summary>
    internal bool Accepts(X509Certificate2? certificate)
    {
        if (certificate is null)
        {
            return false;
        }

        if (_authorities is null)
        {
            return certificate.PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(_own.PublicKey.ExportSubjectPublicKeyInfo());
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }

    /// <summary>The same in Akka.Remote's terms.</summary>
    internal DotNettySslSetup ToSetup() => new(
        _own,
        suppressValidation: false,
        requireMutualAuthentication: true,
        customValidator: (certificate, _, peer, _, log) =>
        {
            var isAccepted = Accepts(certificate);
            if (!isAccepted)
            {
                log.Warning(
                    "A connection with {0} was refused: it showed {1}. All nodes need the same AdClick:Cluster:Secret, or certificates that AdClick:Cluster:CertificateAuthority has signed.",
                    peer, certificate is null ? "no certificate" : $"a certificate for {certificate.Subject} that is not trusted");
            }

            return isAccepted;
        });

    // A number from 1 to the order of the curve less 1, with 128 bits more than that takes, so that all come up alike.
    private static byte[] PrivateKey(string secret)
    {
        var order = BigInteger.Parse("0ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", System.Globalization.NumberStyles.HexNumber, null);
        var drawn = HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret), 48, info: "adclick cluster key, P-256"u8.ToArray());
        var number = (new BigInteger(drawn, isUnsigned: true, isBigEndian: true) % (order - 1)) + 1;
        var key = new byte[32];
        var digits = number.ToByteArray(isUnsigned: true, isBigEndian: true);
        digits.CopyTo(key, key.Length - digits.Length);
        return key;
    }
}
