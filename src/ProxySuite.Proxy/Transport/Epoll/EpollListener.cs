using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace ProxySuite.Proxy.Transport.Epoll;

/// <summary>A listening descriptor, level-triggered: what one batch leaves in the backlog is an event again.</summary>
internal sealed unsafe class EpollListener : IListener, IEpollSource
{
    // A storm of connections is taken in turns with the work of those that are open.
    private const int BatchMax = 64;

    // How many an event is likely to bring. Asking once more, to be told that there is none, is a call; what is left over is an event of the very next turn,
    // and then more are taken at a time.
    private int _expected = 1;
    private long _filledAt = -1; // the turn in which so many came

    // Without free descriptors every accept fails while the event stays: look again after a while instead of at once.
    private static readonly TimeSpan PauseWithoutDescriptors = TimeSpan.FromMilliseconds(100);

    private readonly EpollReactor _reactor;
    private readonly Action<TransportConnection> _accepted;
    private readonly WheelTimer _resume;
    private readonly int _fd;
    private readonly UnixSocketFile? _file;
    private bool _started;
    private bool _closed;

    public EpollListener(EpollReactor reactor, EndPoint endPoint, ListenOptions options, Action<TransportConnection> accepted)
    {
        _reactor = reactor;
        _accepted = accepted;
        _resume = new WheelTimer(static listener => ((EpollListener)listener!).Resume(), this);
        _fd = SocketCalls.Open(endPoint);
        try
        {
            if (endPoint is UnixDomainSocketEndPoint path)
            {
                _file = new UnixSocketFile(path);
                _file.RemoveIfStale();
            }
            else
            {
                SocketCalls.Check(Libc.SetOption(_fd, Libc.LevelSocket, Libc.ReuseAddress, 1));
                if (options.SharePort)
                    SocketCalls.Check(Libc.SetOption(_fd, Libc.LevelSocket, Libc.ReusePort, 1));
                if (endPoint.AddressFamily == AddressFamily.InterNetworkV6)
                    SocketCalls.Check(Libc.SetOption(_fd, Libc.LevelV6, Libc.V6Only, 1));
            }
            SocketCalls.Apply(options.Socket, _fd, endPoint);
            SocketCalls.Check(SocketCalls.Bind(_fd, endPoint));
            _file?.Own(options.UnixMode); // before listen: nobody connects under a wider mode
            SocketCalls.Check(Libc.Listen(_fd, options.Backlog));
            LocalEndPoint = SocketCalls.LocalEndPoint(_fd, endPoint);
        }
        catch
        {
            _file?.Remove();
            _ = Libc.Close(_fd);
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
        _started = true;
        _reactor.Hold(this);
        _reactor.Watch(_fd, this, Libc.EpollIn);
    }

    public void OnEvents(uint events)
    {
        byte* address = stackalloc byte[SocketCalls.AddressSizeMax];
        long turn = _reactor.Counters.Turns;
        if (_filledAt == turn - 1) _expected = Math.Min(2 * _expected, BatchMax);
        for (int i = 0; i < _expected && !_closed; i++)
        {
            int length = SocketCalls.AddressSizeMax;
            int fd = Libc.Accept(_fd, address, &length, Libc.NonBlocking | Libc.CloseOnExec);
            if (fd >= 0)
            {
                Accept(fd, SocketCalls.ToEndPoint(address, length));
                continue;
            }
            switch (Marshal.GetLastPInvokeError())
            {
                case Libc.ErrorAgain:
                    _expected = Math.Max(i, 1);
                    return;
                case Libc.ErrorFilesProcess or Libc.ErrorFilesSystem or Libc.ErrorNoBuffers or Libc.ErrorNoMemory:
                    _reactor.Counters.AcceptPauses++;
                    _reactor.Rewatch(_fd, 0);
                    _reactor.Timers.Arm(_resume, PauseWithoutDescriptors);
                    return;
            }
            // Else that one connection failed before it was accepted (accept(2), "Error handling"): on to the next.
        }
        _filledAt = turn;
    }

    public void Dispose() => _reactor.RunAndWait(static listener => ((EpollListener)listener!).Close(), this);

    private void Accept(int fd, EndPoint peer)
    {
        EpollConnection connection;
        try
        {
            connection = new EpollConnection(_reactor, fd, peer);
        }
        catch (SocketException e)
        {
            _reactor.Close(fd);
            _reactor.Report(e);
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

    private void Resume() => _reactor.Rewatch(_fd, Libc.EpollIn);

    private void Close()
    {
        if (_closed)
            return;
        _closed = true;
        _reactor.LetGo(this);
        _reactor.Timers.Disarm(_resume);
        // At once, so that the address is free when Dispose returns. An event of this turn could then reach whoever gets the number: it would find nothing to read.
        if (_started)
            _reactor.Unwatch(_fd);
        CloseHandle();
    }

    /// <summary>Closes the descriptor of a listener that never began.</summary>
    public void CloseHandle()
    {
        _file?.Remove();
        _ = Libc.Close(_fd);
    }
}
