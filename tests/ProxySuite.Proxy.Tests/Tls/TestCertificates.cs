using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ProxySuite.Proxy.Options;

namespace ProxySuite.Proxy.Tests.Tls;

/// <summary>An authority of the test's own and PEM files of what it signed, in a directory that goes with it.</summary>
internal sealed class TestCertificates : IDisposable
{
    private readonly X509Certificate2 _authority;
    private int _serial;

    public TestCertificates()
    {
        using RSA key = RSA.Create(2048);
        var request = new CertificateRequest($"CN=Test authority {Guid.NewGuid():N}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        _authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        File.WriteAllText(AuthorityFile, _authority.ExportCertificatePem());
    }

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("proxysuite-tls-").FullName;

    public string AuthorityFile => Path.Combine(Directory, "ca.pem");

    /// <summary>Section Tls with a fresh certificate for localhost and 127.0.0.1.</summary>
    public TlsOptions Options(ClientTlsMode mode, bool withClientAuthority = false)
    {
        (string certificate, string key) = Issue("proxy");
        return new TlsOptions { Mode = mode, CertificateFile = certificate, KeyFile = key, ClientCaFile = withClientAuthority ? AuthorityFile : "" };
    }

    /// <summary>Writes NAME.crt and NAME.key.</summary>
    /// <param name="name">Of the files, and the subject's common name.</param>
    /// <param name="dnsName">The name it is valid for, beside 127.0.0.1.</param>
    /// <param name="hash">Hash function of the signature.</param>
    /// <param name="isExpired">Its time ended an hour ago.</param>
    public (string Certificate, string Key) Issue(string name, string dnsName = "localhost", HashAlgorithmName? hash = null, bool isExpired = false)
    {
        using RSA key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(dnsName);
        if (dnsName == "localhost") names.AddIpAddress(System.Net.IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using RSA signer = _authority.GetRSAPrivateKey()!;
        var generator = X509SignatureGenerator.CreateForRSA(signer, RSASignaturePadding.Pkcs1);
        var signing = new CertificateRequest(request.SubjectName, request.PublicKey, hash ?? HashAlgorithmName.SHA256);
        foreach (X509Extension extension in request.CertificateExtensions) signing.CertificateExtensions.Add(extension);
        using X509Certificate2 certificate = signing.Create(_authority.SubjectName, generator,
            DateTimeOffset.UtcNow.AddHours(-2), DateTimeOffset.UtcNow.AddHours(isExpired ? -1 : 24), [1, (byte)++_serial]);
        string certificateFile = Path.Combine(Directory, $"{name}.crt"), keyFile = Path.Combine(Directory, $"{name}.key");
        File.WriteAllText(certificateFile, certificate.ExportCertificatePem());
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
        // libpq refuses a key that others can read.
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(keyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return (certificateFile, keyFile);
    }

    public void Dispose()
    {
        _authority.Dispose();
        System.IO.Directory.Delete(Directory, recursive: true);
    }
}
