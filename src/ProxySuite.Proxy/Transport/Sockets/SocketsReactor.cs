using System.Net;
using System.Net.Sockets;
using ProxySuite.Proxy.Transport.Loop;

namespace ProxySuite.Proxy.Transport.Sockets;

/// <summary>
/// A reactor over .NET's sockets, for any operating system: the runtime's own threads learn of readiness and post it here. For development; each
/// query costs some thread hops and system calls more than over epoll.
/// </summary>
internal sealed class SocketsReactor(int index) : LoopReactor(index)
{
    // As EpollConnect: a Unix listener whose backlog is full asks to come again.
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(5);

    private readonly AutoResetEvent _wake = new(initialState: false);
    private readonly CancellationTokenSource _ended = new();

    public override IListener Listen(EndPoint endPoint, ListenOptions options, Action<TransportConnection> accepted)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(accepted);
        var listener = new SocketsListener(this, endPoint, options, accepted);
        try
        {
            RunOrPost(static l => ((SocketsListener)l!).Start(), listener);
        }
        catch (ObjectDisposedException)
        {
            listener.CloseHandle();
            throw;
        }
        return listener;
    }

    protected override async Task<TransportConnection> OpenAsync(EndPoint endPoint, SocketSettings settings, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(IsStopping, this);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _ended.Token);
        Socket socket;
        try
        {
            socket = await ConnectSocketAsync(endPoint, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // It names the linked token, which means nothing to the caller.
            cancellationToken.ThrowIfCancellationRequested();
            throw new ObjectDisposedException(nameof(Reactor));
        }
        try
        {
            SocketsConnection.Apply(settings, socket);
            var connection = new TaskCompletionSource<TransportConnection>(TaskCreationOptions.RunContinuationsAsynchronously);
            RunOrPost(_ => connection.SetResult(new SocketsConnection(this, socket, endPoint)), null);
            return await connection.Task.ConfigureAwait(false);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    // Readiness comes as posted work, which is what wakes the loop.
    protected override int Wait(int milliseconds)
    {
        if (milliseconds != 0)
            _wake.WaitOne(milliseconds);
        return 0;
    }

    protected override void Deliver(int events)
    {
    }

    protected override void Wake() => _wake.Set();

    protected override void EndTurn()
    {
    }

    protected override void ReleaseLoop()
    {
        _ended.Cancel();
        _wake.Dispose();
    }

    private static async Task<Socket> ConnectSocketAsync(EndPoint endPoint, CancellationToken cancellationToken)
    {
        while (true)
        {
            Socket socket = SocketsConnection.Open(endPoint);
            try
            {
                await socket.ConnectAsync(endPoint, cancellationToken).ConfigureAwait(false);
                return socket;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.WouldBlock)
            {
                socket.Dispose();
            }
            catch
            {
                socket.Dispose();
                throw;
            }
            await Task.Delay(RetryDelay, cancellationToken).ConfigureAwait(false);
        }
    }
}
