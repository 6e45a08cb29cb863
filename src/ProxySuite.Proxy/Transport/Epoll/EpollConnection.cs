using System.Net;
using ProxySuite.Proxy.Transport.Loop;

namespace ProxySuite.Proxy.Transport.Epoll;

/// <summary>A connection on a descriptor of its own, watched edge-triggered; for writing only while bytes are queued.</summary>
internal sealed class EpollConnection : LoopConnection, IEpollSource
{
    private const uint Reading = Libc.EpollIn | Libc.EpollPeerFinished | Libc.EpollEdge;
    private const uint PeerGone = Libc.EpollPeerFinished | Libc.EpollHangUp | Libc.EpollError;

    private readonly int _fd;
    private bool _awaitsWritable;

    /// <summary>Takes over a connected, non-blocking descriptor that is not watched yet.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">The kernel cannot watch more; the caller still owns the descriptor.</exception>
    public EpollConnection(EpollReactor reactor, int fd, EndPoint remoteEndPoint) : base(reactor, remoteEndPoint)
    {
        _fd = fd;
        try
        {
            Attach();
        }
        catch
        {
            reactor.Delist(this);
            throw;
        }
    }

    private EpollReactor Epoll => (EpollReactor)Loop;

    public void OnEvents(uint events)
    {
        if (IsGone)
            return;
        if ((events & Libc.EpollOut) != 0 && QueuedBytes > 0)
            OnWritable();
        if ((events & PeerGone) != 0)
            OnHangUp(reset: (events & Libc.EpollError) != 0);
        else if ((events & Libc.EpollIn) != 0)
            OnReadable();
    }

    private protected override int Receive(Span<byte> buffer) => Libc.Receive(_fd, buffer);

    private protected override int Transmit(ReadOnlySpan<byte> bytes) => Libc.Transmit(_fd, bytes);

    // An error means that the connection is gone, which the next receive tells.
    private protected override void ShutDownSending() => _ = Libc.ShutDown(_fd, Libc.ShutDownWrite);

    private protected override void AwaitReadable()
    {
        // Edge-triggered: the next bytes are an event without being asked for.
    }

    private protected override void AwaitWritable()
    {
        if (_awaitsWritable)
            return;
        _awaitsWritable = true;
        Epoll.Rewatch(_fd, Reading | Libc.EpollOut);
    }

    private protected override void StopAwaitingWritable()
    {
        if (!_awaitsWritable)
            return;
        _awaitsWritable = false;
        Epoll.Rewatch(_fd, Reading);
    }

    private protected override void OnReadableWhilePaused()
    {
        // The peer's end is an event of its own, whatever stands unread before it.
    }

    private protected override void Detach() => Epoll.Unwatch(_fd);

    private protected override void Attach() => Epoll.Watch(_fd, this, Reading);

    internal override void CloseHandle() => Epoll.Close(_fd);
}
