using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Transport;
using ProxySuite.Proxy.Transport.Tls;
using ProxySuite.Tenancy.Model;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Proxy.Backend;

/// <summary>The TLS handshake with a server failed; without TLS it may still be served, where the mode allows that.</summary>
internal sealed class ServerTlsException(string reason, Exception? inner = null) : IOException(reason, inner);

/// <summary>Encrypts connections to shards as libpq's sslmode has it (libpq, "SSL Support", table 34.1). Any thread.</summary>
internal sealed class ServerTls : IDisposable
{
    private readonly CurrentOptions _options;
    private readonly ILogger _logger;
    private volatile X509Certificate2Collection _authorities = [];

    /// <param name="options">Options in force; Tls:ServerCaFile is read now and on every reload.</param>
    /// <param name="logger">Where a file that cannot be used is told on reload.</param>
    /// <exception cref="InvalidOperationException">The file cannot be used; <c>--check</c> and the start say so before this.</exception>
    public ServerTls(CurrentOptions options, ILogger logger)
    {
        _options = options;
        _logger = logger;
        if (Load(options.Value.Tls) is { } reason) throw new InvalidOperationException(reason);
        options.Changed += OnChanged;
    }

    /// <summary>Asks the server for TLS where the mode wants it.</summary>
    /// <param name="link">In pipe mode, nothing sent yet; closed by the caller after a failure.</param>
    /// <param name="endPoint">What it was opened to; verify-full compares the certificate with its host.</param>
    /// <param name="mode">allow does not ask: it is for the caller to try again with require.</param>
    /// <param name="cancellationToken">Ends a handshake that takes too long.</param>
    /// <returns>The connection to go on with; the one given when it stays in the clear.</returns>
    /// <exception cref="ServerTlsException">The server has no TLS and the mode requires it, or the handshake or verification failed.</exception>
    /// <exception cref="IOException">The server has gone.</exception>
    public async Task<TransportConnection> SecureAsync(TransportConnection link, EndPoint endPoint, TlsMode mode, CancellationToken cancellationToken)
    {
        // As in libpq: never on a Unix socket.
        if (mode is TlsMode.Disable or TlsMode.Allow || endPoint is UnixDomainSocketEndPoint) return link;
        if (!await IsOfferedAsync(link, cancellationToken))
        {
            return mode == TlsMode.Prefer ? link : throw new ServerTlsException("the server does not support TLS, but the shard requires it");
        }
        string host = endPoint is DnsEndPoint name ? name.Host : ((IPEndPoint)endPoint).Address.ToString();
        string refusal = "";
        var client = new SslClientAuthenticationOptions
        {
            TargetHost = host,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            AllowRenegotiation = false,
            RemoteCertificateValidationCallback = (_, certificate, chain, _) => (refusal = WhyRefused(certificate as X509Certificate2, chain, host, mode)).Length == 0,
        };
        try
        {
            return await TlsHandshake.ConnectAsync(link, client, cancellationToken);
        }
        catch (IOException failed)
        {
            throw new ServerTlsException(refusal.Length > 0 ? refusal : failed.Message, failed);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _options.Changed -= OnChanged;

    private static async Task<bool> IsOfferedAsync(TransportConnection link, CancellationToken cancellationToken)
    {
        var request = new FrameWriter();
        StartupPacket.WriteSSLRequest(request);
        await link.Pipe.Output.WriteAsync(request.WrittenMemory, cancellationToken);
        ReadResult result = await link.Pipe.Input.ReadAsync(cancellationToken);
        if (result.Buffer.IsEmpty) throw new IOException("the server closed the connection at an SSLRequest");
        byte answer = result.Buffer.FirstSpan[0];
        bool hasMore = result.Buffer.Length > 1;
        link.Pipe.Input.AdvanceTo(result.Buffer.GetPosition(1));
        // Bytes behind the answer would be read as if they had come encrypted (CVE-2021-23222); an error in the clear could be anybody's (CVE-2024-10977).
        if (answer is not ((byte)'S' or (byte)'N') || hasMore) throw new ServerTlsException("the server answered an SSLRequest with something else");
        return answer == 'S';
    }

    private string WhyRefused(X509Certificate2? certificate, X509Chain? sent, string host, TlsMode mode)
    {
        if (certificate is null) return "the server showed no certificate";
        X509Certificate2Collection authorities = _authorities;
        // libpq verifies under require as well, once it has been given a root certificate.
        bool verifies = mode is TlsMode.VerifyCa or TlsMode.VerifyFull || (mode == TlsMode.Require && authorities.Count > 0);
        if (verifies && !CertificateCheck.IsSignedBy(certificate, authorities, sent, CertificateCheck.ServerPurpose))
            return $"the server's certificate ({certificate.Subject}) leads to no trusted authority, or its time is over";
        return mode == TlsMode.VerifyFull && !certificate.MatchesHostname(host) ? $"the server's certificate ({certificate.Subject}) is not for {host}" : "";
    }

    private void OnChanged(ProxyOptions next)
    {
        if (Load(next.Tls) is { } reason) _logger.ServerCaRefused(reason);
    }

    private string? Load(TlsOptions options)
    {
        var problems = new List<ConfigProblem>();
        X509Certificate2Collection? authorities = TlsFiles.LoadServerAuthorities(options, problems);
        if (authorities is not null) _authorities = authorities;
        return problems.Count > 0 ? string.Join("; ", problems) : null;
    }
}
