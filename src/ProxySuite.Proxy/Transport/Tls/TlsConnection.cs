using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace ProxySuite.Proxy.Transport.Tls;

/// <summary>
/// A connection whose bytes travel encrypted on another one. The seam's promises are those of the connection below: pauses and queued bytes are its own,
/// and a handler is called from the top of the loop. Made by <see cref="TlsHandshake"/>.
/// </summary>
/// <remarks>An <see cref="SslStream"/> on bytes that are there completes in the same call, so after the handshake nothing leaves the reactor's thread.</remarks>
internal sealed partial class TlsConnection : TransportConnection, IConnectionHandler
{
    private readonly TransportConnection _inner;
    private readonly CipherStream _cipher;
    private readonly SslStream _tls;
    private IConnectionHandler? _handler;
    private TlsPipe? _pipe;
    private bool _inPipeMode = true;
    private bool _isClosed;

    internal TlsConnection(TransportConnection inner, CipherStream cipher, SslStream tls, byte[] channelBinding)
    {
        _inner = inner;
        _cipher = cipher;
        _tls = tls;
        ChannelBinding = channelBinding;
        ServerName = tls.TargetHostName;
        PeerCertificate = tls.RemoteCertificate as X509Certificate2;
    }

    /// <summary>The name that the client asked for (SNI), or that the server was asked by; empty for none.</summary>
    public string ServerName { get; }

    /// <summary>The peer's certificate, verified; null when it showed none.</summary>
    public X509Certificate2? PeerCertificate { get; }

    /// <summary>tls-server-end-point data of our certificate (RFC 5929 §4); empty where the certificate's signature names no hash, and on connections to servers.</summary>
    public byte[] ChannelBinding { get; }

    /// <summary>Whether client and proxy agreed by ALPN to speak PostgreSQL.</summary>
    public bool HasAgreedOnProtocol => _tls.NegotiatedApplicationProtocol == ClientTls.Protocol;

    public override Reactor Reactor => _inner.Reactor;

    public override EndPoint RemoteEndPoint => _inner.RemoteEndPoint;

    public override int QueuedBytes => _inner.QueuedBytes;

    public override bool IsClosed => _isClosed || _inner.IsClosed;

    public override bool ReadsToEnd { get => _inner.ReadsToEnd; set => _inner.ReadsToEnd = value; }

    public override IDuplexPipe Pipe => _inPipeMode
        ? _pipe ??= new TlsPipe(this)
        : throw new InvalidOperationException("the connection has a handler; its pipe has ended");

    /// <summary>The connection below.</summary>
    internal TransportConnection Inner => _inner;

    /// <summary>Plaintext not consumed yet.</summary>
    internal ref TlsRest Rest => ref _rest;

    public override void SetHandler(IConnectionHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        _pipe?.ThrowIfBusy("end pipe mode");
        _inner.SetHandler(this);
        _pipe = null;
        _inPipeMode = false;
        if (_isClosed) return; // its owner closed it: the handler is never called
        _handler = handler;
        _showRest = true;
        Schedule();
    }

    public override bool Send(ReadOnlySpan<byte> bytes)
    {
        if (IsClosed || bytes.IsEmpty) return IsClosed || _inner.QueuedBytes == 0;
        TlsBuffers buffers = TlsBuffers.Current;
        _cipher.StartGathering(buffers);
        while (!bytes.IsEmpty)
        {
            int length = Math.Min(bytes.Length, TlsBuffers.RecordMax);
            bytes[..length].CopyTo(buffers.Record);
            _tls.Write(buffers.Record, 0, length);
            bytes = bytes[length..];
        }
        return _cipher.SendGathered();
    }

    public override void Close(TimeSpan deadline)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(deadline, TimeSpan.Zero);
        if (_isClosed) return;
        SayGoodbye();
        _inner.Close(deadline);
        Release();
    }

    // No close_notify: what was cut off must not look whole.
    public override void FinishSending() => _inner.FinishSending();

    public override void Abort()
    {
        _inner.Abort();
        Release();
    }

    public override void MoveTo(Reactor target, Action<TransportConnection> arrived)
    {
        ArgumentNullException.ThrowIfNull(arrived);
        if (!_inPipeMode) throw new InvalidOperationException("the connection has a handler; it cannot move");
        _pipe?.ThrowIfBusy("move");
        _inner.MoveTo(target, _ => arrived(this));
    }

    /// <summary>close_notify: tells the peer that what it received is all, and not what somebody cut off (RFC 8446 §6.1).</summary>
    private void SayGoodbye()
    {
        if (_inner.IsClosed) return;
        try
        {
            // It completes in this call: the cipher stream takes what it is given.
            _ = _tls.ShutdownAsync();
        }
        catch (Exception)
        {
            // The channel has failed already; there is nobody to say it to. After a record that was none the TLS library throws whatever it finds: no such peer
            // may keep its connection open.
        }
    }

    private void Release()
    {
        if (_isClosed) return;
        _isClosed = true;
        _handler = null;
        // A pipe's reader may still look at the rest.
        if (_inPipeMode) _rest.Forget();
        else _rest.Return();
        _tls.Dispose();
        PeerCertificate?.Dispose();
    }
}
