namespace ProxySuite.Proxy.Options;

/// <summary>What a client's SSLRequest gets; the words are libpq's sslmode.</summary>
public enum ClientTlsMode : byte
{
    /// <summary>No TLS: SSLRequest is answered with N.</summary>
    Disable,

    /// <summary>TLS when the client asks for it.</summary>
    Allow,

    /// <summary>Clients without TLS are refused, except over the Unix socket, where there is none.</summary>
    Require,

    /// <summary>As require, and the client shows a certificate signed by <see cref="TlsOptions.ClientCaFile"/>.</summary>
    VerifyFull,
}

/// <summary>Section <c>Tls</c>: encryption between client and proxy, and whom to trust between proxy and shards.</summary>
public sealed record TlsOptions
{
    /// <summary>Whether clients may or must use TLS.</summary>
    /// <value>disable, allow, require or verify-full; default disable. Reloadable, for connections made afterwards.</value>
    public ClientTlsMode Mode { get; init; } = ClientTlsMode.Disable;

    /// <summary>Certificate chain in PEM form.</summary>
    /// <value>A readable file; default empty. Reloadable; the file is read again on every reload.</value>
    public string CertificateFile { get; init; } = "";

    /// <summary>Private key of the certificate in PEM form.</summary>
    /// <value>A readable file; default empty. Reloadable; the file is read again on every reload.</value>
    public string KeyFile { get; init; } = "";

    /// <summary>Certificate authorities that sign client certificates, in PEM form. When set, clients are asked for a certificate, and one that is shown must be valid.</summary>
    /// <value>A readable file; default empty. Reloadable; the file is read again on every reload.</value>
    public string ClientCaFile { get; init; } = "";

    /// <summary>Certificate authorities that sign the certificates of shards, in PEM form, for shards of TLS mode verify-ca and verify-full; with it, require verifies too.</summary>
    /// <value>A readable file; default empty: the operating system's authorities. Reloadable; the file is read again on every reload.</value>
    public string ServerCaFile { get; init; } = "";

    /// <summary>Domain below which TLS server names (SNI) name tenants: under <c>db.example.com</c>, <c>acme.db.example.com</c> names acme.</summary>
    /// <value>A domain name; default empty: server names mean nothing. Reloadable, for connections made afterwards.</value>
    public string TenantDomain { get; init; } = "";

    internal static TlsOptions Read(SectionReader section)
    {
        var defaults = new TlsOptions();
        return new()
        {
            Mode = section.OneOf(nameof(Mode), defaults.Mode, Reload.Live),
            CertificateFile = section.Text(nameof(CertificateFile), defaults.CertificateFile, Reload.Live),
            KeyFile = section.Text(nameof(KeyFile), defaults.KeyFile, Reload.Live),
            ClientCaFile = section.Text(nameof(ClientCaFile), defaults.ClientCaFile, Reload.Live),
            ServerCaFile = section.Text(nameof(ServerCaFile), defaults.ServerCaFile, Reload.Live),
            TenantDomain = section.Text(nameof(TenantDomain), defaults.TenantDomain, Reload.Live),
        };
    }
}
