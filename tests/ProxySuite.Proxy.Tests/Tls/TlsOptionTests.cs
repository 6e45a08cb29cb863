using ProxySuite.Proxy.Tests.Options;
using Xunit;

namespace ProxySuite.Proxy.Tests.Tls;

public sealed class TlsOptionTests : IDisposable
{
    private readonly ConfigWorld _config = new();
    private readonly TestCertificates _certificates = new();

    public void Dispose()
    {
        _config.Dispose();
        _certificates.Dispose();
    }

    private string[] Problems(params (string Key, string Value)[] keys)
        => [.. _config.Load(commandLine: keys).Problems.Select(problem => problem.ToString().Replace(_certificates.Directory + "/", "", StringComparison.Ordinal))];

    private string Write(string name, string text)
    {
        string path = Path.Combine(_certificates.Directory, name);
        File.WriteAllText(path, text);
        return path;
    }

    [Fact]
    public void A_certificate_with_its_key_is_all_that_TLS_needs()
    {
        (string certificate, string key) = _certificates.Issue("proxy");
        Assert.Empty(Problems(("Tls:Mode", "require"), ("Tls:CertificateFile", certificate), ("Tls:KeyFile", key)));
    }

    [Fact]
    public void Without_a_certificate_there_is_no_TLS()
        => Assert.Equal(
            ["Tls:CertificateFile: must be set: Tls:Mode is allow", "Tls:KeyFile: must be set: Tls:Mode is allow"],
            Problems(("Tls:Mode", "allow")));

    [Fact]
    public void Client_certificates_need_an_authority()
    {
        (string certificate, string key) = _certificates.Issue("proxy");
        Assert.Equal(
            ["Tls:ClientCaFile: must be set: Tls:Mode is verify-full"],
            Problems(("Tls:Mode", "verify-full"), ("Tls:CertificateFile", certificate), ("Tls:KeyFile", key)));
    }

    [Fact]
    public void The_key_must_be_that_of_the_certificate()
    {
        (string certificate, _) = _certificates.Issue("proxy");
        (_, string key) = _certificates.Issue("other");
        Assert.Equal(
            ["Tls:KeyFile: other.key is not the key of the certificate in Tls:CertificateFile (command line)"],
            Problems(("Tls:Mode", "require"), ("Tls:CertificateFile", certificate), ("Tls:KeyFile", key)));
    }

    [Fact]
    public void Files_that_hold_something_else_are_named_with_their_key()
    {
        (string certificate, string key) = _certificates.Issue("proxy");
        Assert.Equal(
            ["Tls:CertificateFile: proxy.key holds no certificate in PEM form (command line)"],
            Problems(("Tls:Mode", "require"), ("Tls:CertificateFile", key), ("Tls:KeyFile", key)));
        Assert.Equal(
            ["Tls:KeyFile: proxy.crt holds no private key in PEM form (command line)"],
            Problems(("Tls:Mode", "require"), ("Tls:CertificateFile", certificate), ("Tls:KeyFile", certificate)));
        string broken = Write("broken.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        Assert.StartsWith(
            "Tls:CertificateFile: broken.crt holds a certificate that cannot be read:",
            Assert.Single(Problems(("Tls:Mode", "require"), ("Tls:CertificateFile", broken), ("Tls:KeyFile", key))), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_there_is_named_with_its_key()
    {
        (string certificate, string key) = _certificates.Issue("proxy");
        Assert.Equal(
            [
                "Tls:CertificateFile: /nowhere/server.crt cannot be read: Could not find a part of the path '/nowhere/server.crt'. (command line)",
                "Tls:ClientCaFile: /nowhere/ca.crt cannot be read: Could not find a part of the path '/nowhere/ca.crt'. (command line)",
            ],
            Problems(("Tls:Mode", "require"), ("Tls:CertificateFile", "/nowhere/server.crt"), ("Tls:KeyFile", key), ("Tls:ClientCaFile", "/nowhere/ca.crt")));
        Assert.NotNull(certificate);
    }

    [Fact]
    public void A_key_with_a_passphrase_is_refused_with_the_way_out()
    {
        (string certificate, string key) = _certificates.Issue("proxy");
        using var rsa = System.Security.Cryptography.RSA.Create();
        rsa.ImportFromPem(File.ReadAllText(key));
        string locked = Write("locked.key", rsa.ExportEncryptedPkcs8PrivateKeyPem(
            "passphrase", new System.Security.Cryptography.PbeParameters(System.Security.Cryptography.PbeEncryptionAlgorithm.Aes256Cbc, System.Security.Cryptography.HashAlgorithmName.SHA256, 1000)));
        Assert.Equal(
            ["Tls:KeyFile: locked.key is encrypted with a passphrase; store the key without one (command line)"],
            Problems(("Tls:Mode", "require"), ("Tls:CertificateFile", certificate), ("Tls:KeyFile", locked)));
    }

    [Fact]
    public void Files_are_not_looked_at_while_TLS_is_off()
        => Assert.Empty(Problems(("Tls:CertificateFile", "/nowhere/server.crt")));

    [Fact]
    public void An_expired_certificate_starts_the_proxy_all_the_same()
    {
        (string certificate, string key) = _certificates.Issue("proxy", isExpired: true);
        Assert.Empty(Problems(("Tls:Mode", "require"), ("Tls:CertificateFile", certificate), ("Tls:KeyFile", key)));
    }
}
