namespace ProxySuite.Proxy.Options;

/// <summary>What a client's SSLRequest gets; the words are libpq's sslmode.</summary>
public enum ClientTlsMode : byte
{
    /// <summary>No TLS: SSLRequest is answered with N.</summary>
    Disable,

    /// <summary>TLS when the client asks for it.</summary>
    Allow,

    /// <summary>Clients without TLS are refused.</summary>
    Require,

    /// <summary>As require, and the client shows a certificate signed by <see cref="TlsOptions.ClientCaFile"/>.</summary>
    VerifyFull,
}

/// <summary>Section <c>Tls</c>: encryption between client and proxy.</summary>
public sealed record TlsOptions
{
    /// <summary>Whether clients may or must use TLS.</summary>
    /// <value>disable, allow, require or verify-full; default disable. Needs a restart.</value>
    public ClientTlsMode Mode { get; init; } = ClientTlsMode.Disable;

    /// <summary>Certificate chain in PEM form.</summary>
    /// <value>A readable file; default empty. Needs a restart.</value>
    public string CertificateFile { get; init; } = "";

    /// <summary>Private key of the certificate in PEM form.</summary>
    /// <value>A readable file; default empty. Needs a restart.</value>
    public string KeyFile { get; init; } = "";

    /// <summary>Certificate authorities that sign client certificates, in PEM form.</summary>
    /// <value>A readable file; default empty. Needs a restart.</value>
    public string ClientCaFile { get; init; } = "";

    internal static TlsOptions Read(SectionReader section)
    {
        var defaults = new TlsOptions();
        return new()
        {
            Mode = section.OneOf(nameof(Mode), defaults.Mode),
            CertificateFile = section.Text(nameof(CertificateFile), defaults.CertificateFile),
            KeyFile = section.Text(nameof(KeyFile), defaults.KeyFile),
            ClientCaFile = section.Text(nameof(ClientCaFile), defaults.ClientCaFile),
        };
    }
}
