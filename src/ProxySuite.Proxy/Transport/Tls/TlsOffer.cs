using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using ProxySuite.Proxy.Options;

namespace ProxySuite.Proxy.Transport.Tls;

/// <summary>What handshakes with clients are run with, at one moment.</summary>
internal sealed class TlsOffer
{
    private readonly X509Certificate2Collection _clientAuthorities;

    public TlsOffer(ClientTlsMode mode, TlsFiles files)
    {
        Mode = mode;
        _clientAuthorities = files.ClientAuthorities;
        ChannelBinding = EndPointBinding.Of(files.Certificate);
        Server = new SslServerAuthenticationOptions
        {
            // Offline: nothing is fetched, the chain is what the file holds.
            ServerCertificateContext = SslStreamCertificateContext.Create(files.Certificate, files.Chain, offline: true),
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            AllowRenegotiation = false,
            // Nor does PostgreSQL: no driver resumes sessions, and one that leaves without having read its tickets resets the connection.
            AllowTlsResume = false,
            ApplicationProtocols = [ClientTls.Protocol],
            // Asks only: a client without one is told in words that it needs one, behind the handshake.
            ClientCertificateRequired = _clientAuthorities.Count > 0,
            RemoteCertificateValidationCallback = (_, certificate, chain, _) => IsValid(certificate as X509Certificate2, chain),
        };
    }

    public ClientTlsMode Mode { get; }

    public SslServerAuthenticationOptions Server { get; }

    /// <summary>tls-server-end-point data of the certificate; empty when there is none.</summary>
    public byte[] ChannelBinding { get; }

    private bool IsValid(X509Certificate2? certificate, X509Chain? sent)
    {
        if (certificate is null) return true;
        return CertificateCheck.IsSignedBy(certificate, _clientAuthorities, sent, CertificateCheck.ClientPurpose);
    }
}
