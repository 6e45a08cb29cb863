using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace ProxySuite.Proxy.Transport.Epoll;

/// <summary>One attempt to connect: ends connected, failed, or cancelled, and leaves a descriptor only in the first case.</summary>
internal sealed class EpollConnect(EpollReactor reactor, EndPoint endPoint, SocketSettings settings, CancellationToken cancellationToken)
    : IEpollSource, IDisposable
{
    // A Unix listener whose backlog is full answers EAGAIN, and no event says when there is room (unix_stream_connect): ask again after a while.
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(5);

    private readonly TaskCompletionSource<TransportConnection> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenRegistration _registration;
    private WheelTimer? _retry;
    private int _fd = -1;
    private bool _watched;

    public Task<TransportConnection> Task => _result.Task;

    /// <summary>Begins. On the reactor's thread.</summary>
    public void Start()
    {
        if (reactor.IsStopping)
        {
            _result.TrySetException(new ObjectDisposedException(nameof(Reactor)));
            return;
        }
        reactor.Hold(this);
        try
        {
            _fd = SocketCalls.Open(endPoint);
            SocketCalls.Apply(settings, _fd, endPoint);
            _registration = cancellationToken.UnsafeRegister(static attempt => ((EpollConnect)attempt!).OnTokenFired(), this);
            Try();
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    public void OnEvents(uint events)
    {
        int error = Libc.TakeSocketError(_fd);
        if (error == 0)
            Succeed();
        else
            Fail(SocketCalls.Failure(error));
    }

    /// <summary>The reactor ends.</summary>
    public void Dispose() => Fail(new ObjectDisposedException(nameof(Reactor)));

    private void Try()
    {
        if (SocketCalls.Connect(_fd, endPoint) == 0)
        {
            Succeed();
            return;
        }
        int error = Marshal.GetLastPInvokeError();
        switch (error)
        {
            case Libc.ErrorInProgress or Libc.ErrorInterrupted:
                _watched = true;
                reactor.Watch(_fd, this, Libc.EpollOut | Libc.EpollEdge);
                break;
            case Libc.ErrorAgain:
                _retry ??= new WheelTimer(static attempt => ((EpollConnect)attempt!).Try(), this);
                reactor.Timers.Arm(_retry, RetryDelay);
                break;
            default:
                Fail(SocketCalls.Failure(error));
                break;
        }
    }

    private void OnTokenFired()
        => reactor.TryPost(static attempt => ((EpollConnect)attempt!).Cancel(), this);

    private void Cancel() => Fail(new OperationCanceledException(cancellationToken));

    private void Succeed()
    {
        if (_watched)
            reactor.Unwatch(_fd);
        EpollConnection connection;
        try
        {
            connection = new EpollConnection(reactor, _fd, endPoint);
        }
        catch (SocketException e)
        {
            Fail(e);
            return;
        }
        _fd = -1; // the connection's from now on
        End();
        _result.TrySetResult(connection);
    }

    private void Fail(Exception error)
    {
        if (_result.Task.IsCompleted)
            return;
        if (_fd >= 0)
            reactor.Close(_fd);
        _fd = -1;
        End();
        if (error is OperationCanceledException)
            _result.TrySetCanceled(cancellationToken);
        else
            _result.TrySetException(error);
    }

    private void End()
    {
        _registration.Unregister();
        if (_retry is not null)
            reactor.Timers.Disarm(_retry);
        reactor.LetGo(this);
    }
}
