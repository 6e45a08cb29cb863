using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ProxySuite.Proxy.Transport.Tls;

/// <summary>Channel-binding data tls-server-end-point (RFC 5929 §4): the server certificate's hash, by the hash function of its signature.</summary>
internal static class EndPointBinding
{
    /// <returns>Empty where the signature names no hash function of its own (Ed25519, RSA-PSS): then libpq cannot bind either, and SCRAM-SHA-256-PLUS is not offered.</returns>
    public static byte[] Of(X509Certificate2 certificate) => HashOf(certificate.SignatureAlgorithm.Value) is { Name: not null } hash ? certificate.GetCertHash(hash) : [];

    private static HashAlgorithmName HashOf(string? signature) => signature switch
    {
        // MD5 and SHA-1 are replaced by SHA-256.
        "1.2.840.113549.1.1.4" or "1.2.840.113549.1.1.5" or "1.2.840.10045.4.1" => HashAlgorithmName.SHA256,
        "1.2.840.113549.1.1.11" or "1.2.840.10045.4.3.2" => HashAlgorithmName.SHA256,
        "1.2.840.113549.1.1.12" or "1.2.840.10045.4.3.3" => HashAlgorithmName.SHA384,
        "1.2.840.113549.1.1.13" or "1.2.840.10045.4.3.4" => HashAlgorithmName.SHA512,
        _ => default,
    };
}
