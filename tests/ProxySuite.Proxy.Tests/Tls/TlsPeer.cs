using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Tests.Transport;
using ProxySuite.Proxy.Transport;
using ProxySuite.Proxy.Transport.Tls;
using Xunit;

namespace ProxySuite.Proxy.Tests.Tls;

/// <summary>The other end of a <see cref="TlsConnection"/>: the framework's own TLS on a plain socket, with a record of what came over the wire.</summary>
internal sealed class TlsPeer : IDisposable
{
    private readonly TapStream _wire;

    private TlsPeer(Socket socket)
    {
        Socket = socket;
        _wire = new TapStream(new NetworkStream(socket, ownsSocket: true));
        Stream = new SslStream(_wire);
    }

    public Socket Socket { get; }

    public SslStream Stream { get; }

    /// <summary>The lengths of the application-data records received so far, in bytes of ciphertext.</summary>
    public IReadOnlyList<int> RecordLengths => _wire.RecordLengths;

    /// <summary>Both ends, after the handshake; the proxy's in pipe mode.</summary>
    public static async Task<(TlsPeer Peer, TlsConnection Connection)> ConnectAsync(TransportWorld world, TestCertificates certificates, Action<Socket>? prepare = null)
    {
        using var files = TlsFiles.Load(certificates.Options(ClientTlsMode.Allow), [])!;
        var offer = new TlsOffer(ClientTlsMode.Allow, files);
        (Socket socket, TransportConnection plain) = await world.ConnectAsync(prepare);
        var peer = new TlsPeer(socket);
        Task<TlsConnection> accepting = world.RunAsync(() => TlsHandshake.AcceptAsync(plain, offer.Server, offer.ChannelBinding, CancellationToken.None));
        await peer.Stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                CustomTrustStore = { X509CertificateLoader.LoadCertificateFromFile(certificates.AuthorityFile) },
                RevocationMode = X509RevocationMode.NoCheck,
            },
        });
        return (peer, await accepting);
    }

    /// <summary>As above, with the connection's bytes going to a handler.</summary>
    public static async Task<(TlsPeer Peer, TlsConnection Connection)> ConnectAsync(
        TransportWorld world, TestCertificates certificates, TestHandler handler, Action<Socket>? prepare = null)
    {
        (TlsPeer peer, TlsConnection connection) = await ConnectAsync(world, certificates, prepare);
        await world.RunAsync(() => handler.Take(connection));
        return (peer, connection);
    }

    public async Task SendAsync(ReadOnlyMemory<byte> bytes) => await Stream.WriteAsync(bytes);

    public async Task<byte[]> ReceiveExactlyAsync(int length)
    {
        byte[] bytes = new byte[length];
        using var patience = new CancellationTokenSource(TransportWorld.Patience);
        await Stream.ReadExactlyAsync(bytes, patience.Token);
        return bytes;
    }

    /// <summary>Receives until close_notify; a stream that is cut off without one throws.</summary>
    public async Task<byte[]> ReceiveToEndAsync()
    {
        using var all = new MemoryStream();
        await Stream.CopyToAsync(all).WaitAsync(TransportWorld.Patience);
        return all.ToArray();
    }

    /// <summary>Says goodbye and sends end-of-stream, as libpq does; closing with a session ticket unread would reset the connection.</summary>
    public async Task FinishAsync()
    {
        await Stream.ShutdownAsync();
        Socket.Shutdown(SocketShutdown.Send);
    }

    public void Dispose() => Stream.Dispose();

    private sealed class TapStream(Stream inner) : Stream
    {
        private readonly List<int> _records = [];
        private readonly byte[] _header = new byte[5];
        private int _headerLength, _bodyLeft;

        public IReadOnlyList<int> RecordLengths => _records;

        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int length = await inner.ReadAsync(buffer, cancellationToken);
            Note(buffer.Span[..length]);
            return length;
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => inner.WriteAsync(buffer, cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Flush() => inner.Flush();

        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
            base.Dispose(disposing);
        }

        private void Note(ReadOnlySpan<byte> bytes)
        {
            foreach (byte value in bytes)
            {
                if (_bodyLeft > 0)
                {
                    _bodyLeft--;
                    continue;
                }
                _header[_headerLength++] = value;
                if (_headerLength < _header.Length) continue;
                _headerLength = 0;
                _bodyLeft = (_header[3] << 8) | _header[4];
                Assert.InRange(_header[0], 0x14, 0x17);
                if (_header[0] == 0x17) _records.Add(_bodyLeft);
            }
        }
    }
}
