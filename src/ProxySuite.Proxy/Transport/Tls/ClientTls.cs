using System.Net.Security;
using Microsoft.Extensions.Logging;
using ProxySuite.Proxy.Options;

namespace ProxySuite.Proxy.Transport.Tls;

/// <summary>Encryption on offer to clients, as section <c>Tls</c> has it now. The files are read at the start and on every reload. Any thread.</summary>
internal sealed class ClientTls : IDisposable
{
    /// <summary>What ALPN has to agree on (IANA's registry; PostgreSQL 17).</summary>
    public static readonly SslApplicationProtocol Protocol = new("postgresql");

    private readonly CurrentOptions _options;
    private readonly ILogger _logger;
    private volatile TlsOffer? _offer;

    /// <param name="options">Options in force.</param>
    /// <param name="logger">Where failed handshakes are told.</param>
    /// <exception cref="InvalidOperationException">The files cannot be used; <c>--check</c> and the start say so before this.</exception>
    public ClientTls(CurrentOptions options, ILogger logger)
    {
        _options = options;
        _logger = logger;
        if (Load(options.Value.Tls) is { } reason) throw new InvalidOperationException(reason);
        options.Changed += OnChanged;
    }

    /// <summary>Whether clients get or need encryption.</summary>
    public ClientTlsMode Mode => _offer?.Mode ?? ClientTlsMode.Disable;

    /// <summary>Runs a handshake with the certificate in force; the connections there are keep theirs.</summary>
    /// <param name="link">In pipe mode, its next byte the client's first of the handshake.</param>
    /// <param name="cancellationToken">Ends a handshake that takes too long.</param>
    /// <exception cref="IOException">It failed; the reason is in the log, as nothing readable can be sent.</exception>
    public async Task<TlsConnection> AcceptAsync(TransportConnection link, CancellationToken cancellationToken)
    {
        TlsOffer offer = _offer ?? throw new IOException("TLS was switched off meanwhile");
        try
        {
            return await TlsHandshake.AcceptAsync(link, offer.Server, offer.ChannelBinding, cancellationToken);
        }
        catch (IOException failed)
        {
            _logger.HandshakeFailed(link.RemoteEndPoint.ToString() ?? "", failed.Message);
            throw;
        }
        catch (OperationCanceledException stalled)
        {
            _logger.HandshakeFailed(link.RemoteEndPoint.ToString() ?? "", "not complete within Auth:LoginTimeout");
            throw new IOException("the TLS handshake took too long", stalled);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _options.Changed -= OnChanged;

    private void OnChanged(ProxyOptions next)
    {
        if (Load(next.Tls) is { } reason) _logger.FilesRefused(reason);
    }

    private string? Load(TlsOptions options)
    {
        var problems = new List<ConfigProblem>();
        TlsFiles? files = TlsFiles.Load(options, problems);
        if (problems.Count > 0) return string.Join("; ", problems);
        // Handshakes under way may still use the files of the offer before; the collector takes them.
        _offer = files is null ? null : new TlsOffer(options.Mode, files);
        if (files is null) return null;
        DateTime from = files.Certificate.NotBefore.ToUniversalTime(), to = files.Certificate.NotAfter.ToUniversalTime();
        _logger.CertificateLoaded(files.Certificate.Subject, files.Certificate.Thumbprint, to);
        if (DateTime.UtcNow < from || DateTime.UtcNow > to) _logger.CertificateNotValidNow(files.Certificate.Subject, from, to);
        return null;
    }
}
