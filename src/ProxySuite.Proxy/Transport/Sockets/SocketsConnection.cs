using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using ProxySuite.Proxy.Transport.Loop;

namespace ProxySuite.Proxy.Transport.Sockets;

/// <summary>
/// A connection on a .NET socket. A receive of zero bytes says when there is something to read, which is then read without blocking; what cannot be
/// sent without blocking goes out by an asynchronous send of the queue's head.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "CloseHandle disposes them, at the end of the turn in which the connection ended.")]
internal sealed class SocketsConnection : LoopConnection
{
    private readonly Socket _socket;
    private readonly SocketAsyncEventArgs _readiness = new(true);
    private SocketAsyncEventArgs? _sending;
    private bool _awaitsReadable;
    private bool _isSending;

    /// <summary>Takes over a connected socket.</summary>
    public SocketsConnection(SocketsReactor reactor, Socket socket, EndPoint remoteEndPoint) : base(reactor, remoteEndPoint)
    {
        _socket = socket;
        _socket.Blocking = false;
        _readiness.SetBuffer(Memory<byte>.Empty);
        _readiness.Completed += (_, _) => Loop.TryPost(static c => ((SocketsConnection)c!).OnReceived(), this);
        Attach();
    }

    // No receive may run beside the zero-byte one, and there is nothing to read before that completes.
    private protected override bool IsEndToCome => _awaitsReadable;

    private protected override bool IsHeadInFlight => _isSending;

    /// <summary>A new stream socket.</summary>
    public static Socket Open(EndPoint endPoint)
        => new(endPoint.AddressFamily, SocketType.Stream, endPoint is UnixDomainSocketEndPoint ? ProtocolType.Unspecified : ProtocolType.Tcp);

    /// <summary>No delay for small sends, and keep-alive as told. A Unix socket knows neither.</summary>
    public static void Apply(SocketSettings settings, Socket socket)
    {
        if (socket.AddressFamily == AddressFamily.Unix)
            return;
        socket.NoDelay = true;
        if (settings.KeepAliveIdleSeconds == 0)
            return;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, settings.KeepAliveIdleSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, settings.KeepAliveIntervalSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, settings.KeepAliveCount);
    }

    internal override void CloseHandle()
    {
        // Without it a socket that is closed while an operation is pending resets the connection (SafeSocketHandle), and last bytes could be lost.
        ShutDownSending();
        _socket.Dispose();
        _readiness.Dispose();
        _sending?.Dispose();
    }

    private protected override int Receive(Span<byte> buffer)
    {
        if (_awaitsReadable)
            return IoResult.WouldBlock;
        int received = _socket.Receive(buffer, SocketFlags.None, out SocketError error);
        return ToResult(received, error);
    }

    private protected override int Transmit(ReadOnlySpan<byte> bytes)
    {
        int sent = _socket.Send(bytes, SocketFlags.None, out SocketError error);
        return ToResult(sent, error);
    }

    private protected override void ShutDownSending()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // The peer was faster.
        }
    }

    private protected override void AwaitReadable()
    {
        if (_awaitsReadable)
            return;
        _awaitsReadable = true;
        if (!_socket.ReceiveAsync(_readiness))
            Loop.TryPost(static c => ((SocketsConnection)c!).OnReceived(), this);
    }

    private protected override void AwaitWritable()
    {
        if (_isSending)
            return;
        _isSending = true;
        if (_sending is null)
        {
            _sending = new SocketAsyncEventArgs(true);
            _sending.Completed += (_, _) => Loop.TryPost(static c => ((SocketsConnection)c!).OnSent(), this);
        }
        Chunk head = UnsentHead!;
        _sending.SetBuffer(head.Array, head.Start, head.Length);
        if (!_socket.SendAsync(_sending))
            Loop.TryPost(static c => ((SocketsConnection)c!).OnSent(), this);
    }

    private protected override void StopAwaitingWritable()
    {
        // There is no send without queued bytes.
    }

    // Nobody tells of the peer's end while bytes stand before it: up to a receive buffer of them is taken in to see behind them.
    private protected override void OnReadableWhilePaused()
    {
        while (ReceiveIntoRest() > 0)
        {
        }
    }

    private protected override void Detach()
    {
        // A receive of zero bytes that is still pending completes at whatever reactor the connection has then.
    }

    private protected override void Attach() => AwaitReadable();

    private static int ToResult(int bytes, SocketError error) => error switch
    {
        SocketError.Success => bytes,
        SocketError.WouldBlock => IoResult.WouldBlock,
        _ => IoResult.Broken,
    };

    private void OnReceived()
    {
        if (!Loop.IsCurrent)
        {
            Loop.TryPost(static c => ((SocketsConnection)c!).OnReceived(), this); // it moved meanwhile
            return;
        }
        _awaitsReadable = false;
        if (IsGone)
            return;
        if (_readiness.SocketError == SocketError.Success)
            OnReadable();
        else
            OnHangUp(reset: true);
    }

    private void OnSent()
    {
        _isSending = false;
        if (IsGone)
            return;
        if (_sending!.SocketError == SocketError.Success)
            OnTransmitted(_sending.BytesTransferred);
        else
            FailSend();
    }
}
