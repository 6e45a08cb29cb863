using System.Net.Security;
using System.Security.Authentication;

namespace ProxySuite.Proxy.Transport.Tls;

/// <summary>
/// Makes a TLS connection out of a plain one in pipe mode. A signature takes as long as a hundred queries, so the handshake runs on the thread pool, and the
/// reactor only carries its bytes.
/// </summary>
internal static class TlsHandshake
{
    /// <summary>As the server; completes on the reactor's thread with a connection in pipe mode.</summary>
    /// <exception cref="IOException">The peer left, or the handshake failed; the plain connection is the caller's to close.</exception>
    /// <exception cref="OperationCanceledException">The token fired first; likewise.</exception>
    public static Task<TlsConnection> AcceptAsync(
        TransportConnection inner, SslServerAuthenticationOptions options, byte[] channelBinding, CancellationToken cancellationToken)
        => RunAsync(inner, channelBinding, tls => tls.AuthenticateAsServerAsync(options, cancellationToken));

    /// <summary>As the client.</summary>
    /// <inheritdoc cref="AcceptAsync"/>
    public static Task<TlsConnection> ConnectAsync(TransportConnection inner, SslClientAuthenticationOptions options, CancellationToken cancellationToken)
        => RunAsync(inner, [], tls => tls.AuthenticateAsClientAsync(options, cancellationToken));

    private static async Task<TlsConnection> RunAsync(TransportConnection inner, byte[] channelBinding, Func<SslStream, Task> handshake)
    {
        var cipher = new CipherStream(inner);
        var tls = new SslStream(cipher, leaveInnerStreamOpen: true);
        try
        {
            await Task.Run(() => handshake(tls));
        }
        catch (Exception failed)
        {
            await tls.DisposeAsync();
            if (failed is AuthenticationException) throw new IOException($"TLS handshake failed: {ReasonOf(failed)}", failed);
            throw;
        }
        cipher.BecomeFed();
        return new TlsConnection(inner, cipher, tls, channelBinding);
    }

    // The outer exception says "see inner exception".
    private static string ReasonOf(Exception failed) => failed.InnerException is { } inner ? inner.InnerException?.Message ?? inner.Message : failed.Message;
}
