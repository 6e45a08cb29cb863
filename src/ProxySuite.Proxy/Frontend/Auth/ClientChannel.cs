using System.Security.Cryptography.X509Certificates;
using ProxySuite.Proxy.Options.Hba;
using ProxySuite.Proxy.Transport;
using ProxySuite.Proxy.Transport.Tls;

namespace ProxySuite.Proxy.Frontend.Auth;

/// <summary>What a client's connection says of it, before it says anything itself.</summary>
/// <param name="Origin">Where it comes from.</param>
/// <param name="ServerName">The name it asked for in its TLS handshake (SNI); empty for none.</param>
/// <param name="HasCertificate">Whether it showed a certificate, which then is valid.</param>
/// <param name="CommonName">The common name in it; null where there is none, or not exactly one.</param>
internal sealed record ClientChannel(ClientOrigin Origin, string ServerName = "", bool HasCertificate = false, string? CommonName = null)
{
    private const string CommonNameId = "2.5.4.3";

    public static ClientChannel Of(TransportConnection link)
    {
        var encrypted = link as TlsConnection;
        ClientOrigin origin = ClientOrigin.Of(link.RemoteEndPoint, encrypted is not null);
        return new ClientChannel(origin, encrypted?.ServerName ?? "", encrypted?.PeerCertificate is not null,
            encrypted?.PeerCertificate is { } certificate ? CommonNameOf(certificate.SubjectName) : null);
    }

    /// <summary>The slug that the server name gives under a domain; null where it names no tenant.</summary>
    /// <param name="domain">Tls:TenantDomain; empty for none.</param>
    public string? TenantUnder(string domain)
    {
        int length = ServerName.Length - domain.Length - 1;
        return domain.Length > 0 && length > 0 && ServerName[length] == '.' && ServerName.EndsWith(domain, StringComparison.OrdinalIgnoreCase)
            ? ServerName[..length].ToLowerInvariant() : null; // names of hosts have no case
    }

    // Of two names one would count by accident, and a NUL in a name has fooled C programs before (CVE-2009-4034): neither is a name here.
    internal static string? CommonNameOf(X500DistinguishedName subject)
    {
        string? name = null;
        foreach (X500RelativeDistinguishedName part in subject.EnumerateRelativeDistinguishedNames())
        {
            if (part.HasMultipleElements) return null;
            if (part.GetSingleElementType().Value != CommonNameId) continue;
            if (name is not null) return null;
            name = part.GetSingleElementValue();
        }
        return string.IsNullOrEmpty(name) || name.Contains('\0', StringComparison.Ordinal) ? null : name;
    }
}
