using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ProxySuite.Proxy.Options;

/// <summary>What the files of section <c>Tls</c> hold.</summary>
/// <param name="Certificate">The proxy's own certificate with its private key.</param>
/// <param name="Chain">The certificates behind it, up to and possibly without the root.</param>
/// <param name="ClientAuthorities">Who signs client certificates; empty when clients are not asked for one.</param>
internal sealed record TlsFiles(X509Certificate2 Certificate, X509Certificate2Collection Chain, X509Certificate2Collection ClientAuthorities) : IDisposable
{
    /// <summary>Reads the files.</summary>
    /// <param name="options">The section.</param>
    /// <param name="problems">Takes all that is wrong, each with its key.</param>
    /// <returns>Null when the mode is disable, or something is wrong.</returns>
    public static TlsFiles? Load(TlsOptions options, ICollection<ConfigProblem> problems)
    {
        if (options.Mode == ClientTlsMode.Disable) return null;
        string mode = EnumWords<ClientTlsMode>.Of(options.Mode);
        int before = problems.Count;
        X509Certificate2Collection? chain = Required(options.CertificateFile, "Tls:CertificateFile") ? Certificates(options.CertificateFile, "Tls:CertificateFile", problems) : null;
        string? key = Required(options.KeyFile, "Tls:KeyFile") ? Text(options.KeyFile, "Tls:KeyFile", problems) : null;
        X509Certificate2Collection? authorities = options.ClientCaFile.Length > 0 ? Certificates(options.ClientCaFile, "Tls:ClientCaFile", problems) : [];
        if (options.Mode == ClientTlsMode.VerifyFull) Required(options.ClientCaFile, "Tls:ClientCaFile");
        X509Certificate2? own = chain is not null && key is not null ? WithKey(chain[0], key, options.KeyFile, problems) : null;
        if (problems.Count > before)
        {
            own?.Dispose();
            return null;
        }
        chain!.RemoveAt(0);
        return new TlsFiles(own!, chain, authorities!);

        bool Required(string path, string name)
        {
            if (path.Length == 0) problems.Add(new ConfigProblem(name, $"must be set: Tls:Mode is {mode}", ""));
            return path.Length > 0;
        }
    }

    /// <summary>Reads the authorities of servers' certificates.</summary>
    /// <param name="options">The section.</param>
    /// <param name="problems">Takes what is wrong.</param>
    /// <returns>Empty for those of the operating system; null after a problem.</returns>
    public static X509Certificate2Collection? LoadServerAuthorities(TlsOptions options, ICollection<ConfigProblem> problems)
        => options.ServerCaFile.Length == 0 ? [] : Certificates(options.ServerCaFile, "Tls:ServerCaFile", problems);

    /// <inheritdoc/>
    public void Dispose()
    {
        Certificate.Dispose();
        foreach (X509Certificate2 certificate in Chain) certificate.Dispose();
        foreach (X509Certificate2 certificate in ClientAuthorities) certificate.Dispose();
    }

    /// <summary>The certificates of a PEM file, at least one; null after a problem.</summary>
    private static X509Certificate2Collection? Certificates(string path, string name, ICollection<ConfigProblem> problems)
    {
        if (Text(path, name, problems) is not { } pem) return null;
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(pem);
            if (certificates.Count > 0) return certificates;
            problems.Add(new ConfigProblem(name, $"{path} holds no certificate in PEM form", ""));
        }
        catch (CryptographicException malformed)
        {
            problems.Add(new ConfigProblem(name, $"{path} holds a certificate that cannot be read: {malformed.Message}", ""));
        }
        return null;
    }

    private static X509Certificate2? WithKey(X509Certificate2 certificate, string key, string path, ICollection<ConfigProblem> problems)
    {
        try
        {
            return X509Certificate2.CreateFromPem(certificate.ExportCertificatePem(), key);
        }
        catch (CryptographicException wrong)
        {
            string reason = key.Contains("ENCRYPTED", StringComparison.Ordinal) ? "is encrypted with a passphrase; store the key without one"
                : !key.Contains("PRIVATE KEY-----", StringComparison.Ordinal) ? "holds no private key in PEM form"
                : wrong.InnerException is ArgumentException || wrong.Message.Contains("match", StringComparison.Ordinal) ? "is not the key of the certificate in Tls:CertificateFile"
                : $"cannot be used: {wrong.Message}";
            problems.Add(new ConfigProblem("Tls:KeyFile", $"{path} {reason}", ""));
            return null;
        }
    }

    private static string? Text(string path, string name, ICollection<ConfigProblem> problems)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            problems.Add(new ConfigProblem(name, $"{path} cannot be read: {exception.Message}", ""));
            return null;
        }
    }
}
