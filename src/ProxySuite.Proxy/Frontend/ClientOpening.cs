using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Transport;
using ProxySuite.Proxy.Transport.Tls;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Proxy.Frontend;

/// <summary>A client's first packets: requests for encryption, answered, and then what it came for (protocol-flow: Start-up, SSL Session Encryption).</summary>
/// <param name="link">As accepted.</param>
/// <param name="tls">Encryption on offer.</param>
/// <param name="known">Packets that need not be taken apart again.</param>
internal sealed class ClientOpening(TransportConnection link, ClientTls tls, KnownStartups known)
{
    private const byte TlsHandshakeRecord = 0x16;

    private StartupPacket _packet;
    private ClientStartup? _startup;
    private byte[] _bytes = [];

    /// <summary>The connection to go on with: encrypted once the client has asked for it and got it.</summary>
    public TransportConnection Link { get; private set; } = link;

    // PostgreSQL offers no TLS on Unix sockets either: there is no network to listen on.
    private ClientTlsMode Mode => Link.RemoteEndPoint is UnixDomainSocketEndPoint ? ClientTlsMode.Disable : tls.Mode;

    /// <summary>The start-up message that came; null when it was a cancel request.</summary>
    /// <exception cref="PgErrorException">22023: its options are no settings.</exception>
    public ClientStartup? Startup => _startup ??= _packet.Startup is { } message ? new ClientStartup(message) : null;

    /// <summary>The cancel request that came; null when it was a start-up message.</summary>
    public CancelRequest? Cancel => _packet.Cancel;

    /// <summary>The client has proved who it is: its packet is known from now on.</summary>
    public void Learn()
    {
        if (_bytes.Length > 0) known.Add(_bytes, Startup!);
    }

    /// <summary>Reads up to the start-up message or cancel request.</summary>
    /// <exception cref="PgErrorException">08P01 malformed or out of order; 28000 without the encryption, or the certificate, that is required.</exception>
    /// <exception cref="IOException">The client has gone, or the TLS handshake failed.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask ReadAsync(int bytesMax, CancellationToken cancellationToken)
    {
        bool sawSsl = false, sawGss = false, isFirst = Mode != ClientTlsMode.Disable;
        while (true)
        {
            PipeReader input = Link.Pipe.Input;
            ReadResult result = await input.ReadAsync(cancellationToken);
            ReadOnlySequence<byte> buffer = result.Buffer;
            if (isFirst && StartsWithTls(buffer))
            {
                isFirst = false;
                input.AdvanceTo(buffer.Start);
                var direct = await tls.AcceptAsync(Link, cancellationToken);
                Link = direct;
                // Without ALPN somebody could lead a browser here (the ALPACA attack); PostgreSQL too insists on it, and says nothing.
                if (!direct.HasAgreedOnProtocol) throw new IOException("direct TLS without ALPN");
                continue;
            }
            isFirst = false;
            if (!TryRead(buffer, bytesMax, out StartupPacketKind kind, out int length))
            {
                input.AdvanceTo(buffer.Start, buffer.End);
                if (result.IsCompleted) throw new IOException("the client left before its start-up packet was whole");
                continue;
            }
            bool hasMore = buffer.Length > length;
            input.AdvanceTo(buffer.GetPosition(length));
            bool isEncrypted = Link is TlsConnection;
            switch (kind)
            {
                case StartupPacketKind.StartupMessage:
                    CheckEncryption();
                    return;
                case StartupPacketKind.CancelRequest:
                    // In the clear too: before version 17 libpq had no other way. Whoever reads the key on the wire could have stopped the bytes as well.
                    return;
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
            bool encrypt = kind == StartupPacketKind.SSLRequest && Mode != ClientTlsMode.Disable;
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
    private static bool StartsWithTls(in ReadOnlySequence<byte> buffer) => !buffer.IsEmpty && buffer.FirstSpan[0] == TlsHandshakeRecord;

    private bool TryRead(in ReadOnlySequence<byte> buffer, int bytesMax, out StartupPacketKind kind, out int length)
    {
        ReadOnlySpan<byte> bytes = buffer.IsSingleSegment ? buffer.FirstSpan : buffer.ToArray();
        kind = StartupPacketKind.StartupMessage;
        if (!StartupPacket.TryReadLength(bytes, out length)) return false;
        if (length > bytesMax) PgProtocolException.Throw("invalid length of startup packet");
        if (bytes.Length < length) return false;
        bytes = bytes[..length];
        if (known.Find(bytes) is { } startup)
        {
            _startup = startup;
            return true;
        }
        _packet = StartupPacket.Read(bytes);
        kind = _packet.Kind;
        if (kind == StartupPacketKind.StartupMessage) _bytes = bytes.ToArray();
        return true;
    }
}
