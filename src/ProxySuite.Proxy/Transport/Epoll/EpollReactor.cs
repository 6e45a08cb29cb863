using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Transport.Loop;

namespace ProxySuite.Proxy.Transport.Epoll;

/// <summary>A reactor over Linux's epoll, edge-triggered: a query costs one receive and one send a side, and no call that changes what is watched.</summary>
internal sealed unsafe class EpollReactor : LoopReactor
{
    private const int EventsMax = 256;

    private readonly int _epoll;
    private readonly int _wake;
    private readonly byte* _events;
    private readonly ReactorWakeups _wakeups;
    private readonly List<int> _closing = [];
    private IEpollSource?[] _sources = new IEpollSource?[1024];

    public EpollReactor(int index, ReactorWakeups wakeups) : base(index)
    {
        _wakeups = wakeups;
        _epoll = SocketCalls.Check(Libc.EpollCreate(Libc.CloseOnExec));
        _wake = SocketCalls.Check(Libc.EventFd(0, Libc.CloseOnExec | Libc.NonBlocking));
        // Edge-triggered, so each write is an event and nobody has to read the counter back; it would overflow after 2^64 - 2 writes.
        SocketCalls.Check(Libc.Watch(_epoll, Libc.EpollAdd, _wake, Libc.EpollIn | Libc.EpollEdge));
        _events = (byte*)NativeMemory.AllocZeroed(EventsMax, (nuint)Libc.EventSize);
    }

    /// <summary>Watches a descriptor from now on.</summary>
    public void Watch(int fd, IEpollSource source, uint events)
    {
        if (fd >= _sources.Length)
            Array.Resize(ref _sources, Math.Max(fd + 1, _sources.Length * 2));
        _sources[fd] = source;
        SocketCalls.Check(Libc.Watch(_epoll, Libc.EpollAdd, fd, events));
    }

    /// <summary>Changes what a descriptor is watched for; what holds already is an event again.</summary>
    public void Rewatch(int fd, uint events) => SocketCalls.Check(Libc.Watch(_epoll, Libc.EpollModify, fd, events));

    /// <summary>Stops watching a descriptor that stays open; events of this turn that are not yet delivered are dropped.</summary>
    public void Unwatch(int fd)
    {
        _sources[fd] = null;
        SocketCalls.Check(Libc.Watch(_epoll, Libc.EpollDelete, fd, 0));
    }

    /// <summary>Drops events of a descriptor from now on and closes it at the end of the turn: until then its number cannot come back as another one's.</summary>
    public void Close(int fd)
    {
        if (fd < _sources.Length)
            _sources[fd] = null;
        _closing.Add(fd);
    }

    public override IListener Listen(EndPoint endPoint, ListenOptions options, Action<TransportConnection> accepted)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(accepted);
        var listener = new EpollListener(this, endPoint, options, accepted);
        try
        {
            RunOrPost(static l => ((EpollListener)l!).Start(), listener);
        }
        catch (ObjectDisposedException)
        {
            listener.CloseHandle();
            throw;
        }
        return listener;
    }

    protected override Task<TransportConnection> OpenAsync(EndPoint endPoint, SocketSettings settings, CancellationToken cancellationToken)
    {
        var attempt = new EpollConnect(this, endPoint, settings, cancellationToken);
        RunOrPost(static a => ((EpollConnect)a!).Start(), attempt);
        return attempt.Task;
    }

    protected override int Wait(int milliseconds)
    {
        int events = Libc.EpollWait(_epoll, _events, EventsMax, milliseconds);
        if (events < 0 && Marshal.GetLastPInvokeError() != Libc.ErrorInterrupted)
            throw new SocketException(Marshal.GetLastPInvokeError());
        return events;
    }

    protected override void Deliver(int events)
    {
        int size = Libc.EventSize;
        int dataOffset = Libc.EventDataOffset;
        byte* next = _events;
        for (int i = 0; i < events; i++, next += size)
        {
            int fd = (int)*(long*)(next + dataOffset);
            IEpollSource? source = _sources[fd];
            try
            {
                // Connections are nearly all there is: the type test lets the call be direct.
                if (source is EpollConnection connection)
                    connection.OnEvents(*(uint*)next);
                else
                    source?.OnEvents(*(uint*)next);
            }
            catch (Exception e)
            {
                // Handlers' exceptions are caught where they are called; whatever this is, it costs one connection and neither the loop nor other events.
                (source as EpollConnection)?.Abort();
                Report(e);
            }
        }
    }

    protected override void Wake()
    {
        ulong one = 1;
        _ = Libc.Write(_wake, &one, sizeof(ulong));
    }

    protected override void EndTurn()
    {
        // The close ends the watching too: nothing else refers to the descriptor.
        foreach (int fd in _closing)
            _ = Libc.Close(fd);
        _closing.Clear();
    }

    protected override void Follow(ReactorPace pace)
    {
        // Who runs proxyd under a policy of its own choice (chrt, CPUSchedulingPolicy=) keeps it; where a sandbox refuses the call, all stays as it is.
        int from = pace.IsPatient ? Libc.ScheduleOther : Libc.ScheduleBatch, to = pace.IsPatient ? Libc.ScheduleBatch : Libc.ScheduleOther;
        if (_wakeups == ReactorWakeups.Adaptive && Libc.GetScheduler(0) == from)
            _ = Libc.SetScheduler(to);
    }

    protected override void ReleaseLoop()
    {
        _ = Libc.Close(_wake);
        _ = Libc.Close(_epoll);
        NativeMemory.Free(_events);
    }
}
