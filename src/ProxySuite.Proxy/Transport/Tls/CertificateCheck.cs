using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ProxySuite.Proxy.Transport.Tls;

/// <summary>Whether a certificate leads to an authority we were told to trust.</summary>
internal static class CertificateCheck
{
    /// <summary>Extended key usage of clients (RFC 5280 §4.2.1.12).</summary>
    public static readonly Oid ClientPurpose = new("1.3.6.1.5.5.7.3.2");

    /// <summary>Extended key usage of servers.</summary>
    public static readonly Oid ServerPurpose = new("1.3.6.1.5.5.7.3.1");

    /// <summary>Builds the certificate's chain: in time, for this purpose, up to one of the authorities. Revocation lists are not consulted.</summary>
    /// <param name="certificate">The peer's.</param>
    /// <param name="authorities">Trusted; empty for those of the operating system.</param>
    /// <param name="sent">What the peer sent with it.</param>
    /// <param name="purpose">What the certificate has to be for.</param>
    public static bool IsSignedBy(X509Certificate2 certificate, X509Certificate2Collection authorities, X509Chain? sent, Oid purpose)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(purpose);
        if (authorities.Count > 0)
        {
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        }
        if (sent is not null) chain.ChainPolicy.ExtraStore.AddRange(sent.ChainPolicy.ExtraStore);
        return chain.Build(certificate);
    }
}
