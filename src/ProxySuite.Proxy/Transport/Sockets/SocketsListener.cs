using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace ProxySuite.Proxy.Transport.Sockets;

/// <summary>A listening .NET socket: one accept is pending at a time and starts the next.</summary>
internal sealed class SocketsListener : IListener
{
    // As EpollListener.
    private const int BatchMax = 64;
    private static readonly TimeSpan PauseWithoutDescriptors = TimeSpan.FromMilliseconds(100);

    private readonly SocketsReactor _reactor;
    private readonly ListenOptions _options;
    private readonly Action<TransportConnection> _accepted;
    private readonly SocketAsyncEventArgs _accepting = new(true);
    private readonly WheelTimer _resume;
    private readonly Socket _socket;
    private readonly UnixSocketFile? _file;
    private bool _closed;

    public SocketsListener(SocketsReactor reactor, EndPoint endPoint, ListenOptions options, Action<TransportConnection> accepted)
    {
        _reactor = reactor;
        _options = options;
        _accepted = accepted;
        _resume = new WheelTimer(static listener => ((SocketsListener)listener!).Accept(), this);
        _accepting.Completed += (_, _) => _reactor.TryPost(static listener => ((SocketsListener)listener!).OnAccepted(), this);
        _socket = SocketsConnection.Open(endPoint);
        try
        {
            if (endPoint is UnixDomainSocketEndPoint path)
            {
                _file = new UnixSocketFile(path);
                _file.RemoveIfStale();
            }
            else if (options.SharePort)
            {
                SharePort(_socket);
            }
            if (endPoint.AddressFamily == AddressFamily.InterNetworkV6)
                _socket.DualMode = false;
            _socket.Bind(endPoint);
            _file?.Own(options.UnixMode);
            _socket.Listen(options.Backlog);
            LocalEndPoint = _socket.LocalEndPoint!;
        }
        catch
        {
            CloseHandle();
            throw;
        }
    }

    public EndPoint LocalEndPoint { get; }

    /// <summary>Begins to accept. On the reactor's thread.</summary>
    public void Start()
    {
        if (_closed)
            return;
        if (_reactor.IsStopping)
        {
            Close();
            return;
        }
        _reactor.Hold(this);
        Accept();
    }

    public void Dispose() => _reactor.RunAndWait(static listener => ((SocketsListener)listener!).Close(), this);

    /// <summary>Closes the socket and removes its file.</summary>
    public void CloseHandle()
    {
        _file?.Remove();
        _socket.Dispose();
        _accepting.Dispose();
    }

    private static void SharePort(Socket socket)
    {
        // SO_REUSEPORT has no name in .NET: asm-generic/socket.h; sys/socket.h of macOS.
        (int level, int option) = OperatingSystem.IsLinux() ? (1, 15)
            : OperatingSystem.IsMacOS() ? (0xffff, 0x200)
            : throw new PlatformNotSupportedException("reactors cannot share a port on this operating system");
        int one = 1;
        socket.SetRawSocketOption(level, option, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in one)));
    }

    private void Accept()
    {
        for (int i = 0; !_closed; i++)
        {
            _accepting.AcceptSocket = null;
            if (_socket.AcceptAsync(_accepting))
                return;
            if (i == BatchMax)
            {
                _reactor.TryPost(static listener => ((SocketsListener)listener!).OnAccepted(), this);
                return;
            }
            if (!Take())
                return;
        }
    }

    private void OnAccepted()
    {
        if (!_closed && Take())
            Accept();
        else if (_closed)
            _accepting.AcceptSocket?.Dispose();
    }

    /// <summary>Takes what the last accept brought.</summary>
    /// <returns>False when accepting pauses.</returns>
    private bool Take()
    {
        switch (_accepting.SocketError)
        {
            case SocketError.Success:
                Take(_accepting.AcceptSocket!);
                return true;
            case SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable:
                _reactor.Counters.AcceptPauses++;
                _reactor.Timers.Arm(_resume, PauseWithoutDescriptors);
                return false;
            default:
                return true; // that one connection failed before it was accepted
        }
    }

    private void Take(Socket socket)
    {
        SocketsConnection connection;
        try
        {
            SocketsConnection.Apply(_options.Socket, socket);
            EndPoint peer = socket.AddressFamily == AddressFamily.Unix ? UnnamedUnix.EndPoint : socket.RemoteEndPoint!;
            connection = new SocketsConnection(_reactor, socket, peer);
        }
        catch (SocketException)
        {
            socket.Dispose(); // reset already
            return;
        }
        _reactor.Counters.Accepted++;
        try
        {
            _accepted(connection);
        }
        catch (Exception e)
        {
            connection.Abort();
            _reactor.Report(e);
        }
    }

    private void Close()
    {
        if (_closed)
            return;
        _closed = true;
        _reactor.LetGo(this);
        _reactor.Timers.Disarm(_resume);
        CloseHandle();
    }
}
