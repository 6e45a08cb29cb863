using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Transport;
using ProxySuite.Proxy.Transport.Tls;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Proxy.Frontend;

/// <summary>A client's first packets: requests for encryption, answered, and then what it came for (protocol-flow: Start-up, SSL Session Encryption).</summary>
/// <param name="link">As accepted.</param>
/// <param name="tls">Encryption on offer.</param>
internal sealed class ClientOpening(TransportConnection link, ClientTls tls)
{
    private const byte TlsHandshakeRecord = 0x16;

    /// <summary>The connection to go on with: encrypted once the client has asked for it and got it.</summary>
    public TransportConnection Link { get; private set; } = link;

    // PostgreSQL offers no TLS on Unix sockets either: there is no network to listen on.
    private ClientTlsMode Mode => Link.RemoteEndPoint is UnixDomainSocketEndPoint ? ClientTlsMode.Disable : tls.Mode;

    /// <summary>The start-up message or cancel request.</summary>
    /// <exception cref="PgErrorException">08P01 malformed or out of order; 28000 without the encryption, or the certificate, that is required.</exception>
    /// <exception cref="IOException">The client has gone, or the TLS handshake failed.</exception>
    public async Task<StartupPacket> ReadAsync(int bytesMax, CancellationToken cancellationToken)
    {
        if (Mode != ClientTlsMode.Disable && await StartsWithTlsAsync(cancellationToken))
        {
            var direct = await tls.AcceptAsync(Link, cancellationToken);
            Link = direct;
            // Without ALPN somebody could lead a browser here (the ALPACA attack); PostgreSQL too insists on it, and says nothing.
            if (!direct.HasAgreedOnProtocol) throw new IOException("direct TLS without ALPN");
        }
        bool sawSsl = false, sawGss = false;
        while (true)
        {
            (StartupPacket packet, bool hasMore) = await ReadPacketAsync(bytesMax, cancellationToken);
            bool isEncrypted = Link is TlsConnection;
            switch (packet.Kind)
            {
                case StartupPacketKind.StartupMessage:
                    CheckEncryption();
                    return packet;
                case StartupPacketKind.CancelRequest:
                    // In the clear too: before version 17 libpq had no other way. Whoever reads the key on the wire could have stopped the bytes as well.
                    return packet;
                case StartupPacketKind.SSLRequest when !sawSsl && !isEncrypted:
                    sawSsl = true;
                    break;
                case StartupPacketKind.GSSENCRequest when !sawGss && !isEncrypted:
                    sawGss = true;
                    break;
                default:
                    PgProtocolException.Throw("an encryption request may be sent once, and not over an encrypted connection");
                    break;
            }
            // Bytes behind the request came before our answer: meant to be read as if they had come over the encrypted channel (CVE-2021-23222).
            if (hasMore) PgProtocolException.Throw("received unencrypted data after an encryption request");
            bool encrypt = packet.Kind == StartupPacketKind.SSLRequest && Mode != ClientTlsMode.Disable;
            await Link.Pipe.Output.WriteAsync(encrypt ? "S"u8.ToArray() : "N"u8.ToArray(), cancellationToken);
            if (encrypt) Link = await tls.AcceptAsync(Link, cancellationToken);
        }
    }

    private void CheckEncryption()
    {
        if (Mode is not (ClientTlsMode.Require or ClientTlsMode.VerifyFull)) return;
        if (Link is not TlsConnection encrypted) throw new PgErrorException(ProxyErrors.TlsRequired());
        if (Mode == ClientTlsMode.VerifyFull && encrypted.PeerCertificate is null) throw new PgErrorException(ProxyErrors.ClientCertificateRequired());
    }

    /// <summary>Whether the client begins with a TLS handshake, without asking first (sslnegotiation=direct). A packet's length never begins with that byte.</summary>
    private async ValueTask<bool> StartsWithTlsAsync(CancellationToken cancellationToken)
    {
        ReadResult result = await Link.Pipe.Input.ReadAsync(cancellationToken);
        bool startsWithTls = !result.Buffer.IsEmpty && result.Buffer.FirstSpan[0] == TlsHandshakeRecord;
        Link.Pipe.Input.AdvanceTo(result.Buffer.Start);
        return startsWithTls;
    }

    private async ValueTask<(StartupPacket Packet, bool HasMore)> ReadPacketAsync(int bytesMax, CancellationToken cancellationToken)
    {
        PipeReader input = Link.Pipe.Input;
        while (true)
        {
            ReadResult result = await input.ReadAsync(cancellationToken);
            ReadOnlySequence<byte> buffer = result.Buffer;
            if (TryRead(buffer, bytesMax, out StartupPacket packet, out int length))
            {
                input.AdvanceTo(buffer.GetPosition(length));
                return (packet, buffer.Length > length);
            }
            input.AdvanceTo(buffer.Start, buffer.End);
            if (result.IsCompleted) throw new IOException("the client left before its start-up packet was whole");
        }
    }

    private static bool TryRead(in ReadOnlySequence<byte> buffer, int bytesMax, out StartupPacket packet, out int length)
    {
        ReadOnlySpan<byte> bytes = buffer.IsSingleSegment ? buffer.FirstSpan : buffer.ToArray();
        if (StartupPacket.TryReadLength(bytes, out length) && length > bytesMax) PgProtocolException.Throw("invalid length of startup packet");
        return StartupPacket.TryRead(bytes, out packet, out length);
    }
}
