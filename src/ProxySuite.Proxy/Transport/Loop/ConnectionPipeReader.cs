using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;

namespace ProxySuite.Proxy.Transport.Loop;

/// <summary>A pipe's reading side straight on the descriptor: the buffer is the connection's rest, rented when bytes have come, returned when consumed.</summary>
/// <remarks>At most <see cref="TransportConnection.ReceiveSize"/> bytes wait unconsumed; a reader that examined them all and asks for more gets an
/// <see cref="IOException"/>, for it would wait for ever.</remarks>
internal sealed class ConnectionPipeReader(LoopConnection connection) : PipeReader
{
    private readonly PipeSignal<ReadResult> _signal = new(connection);
    private CancellationTokenRegistration _registration;
    private CancellationToken _token;
    private bool _needsMore;       // all that is held was examined: only new bytes are worth a result
    private bool _isCancelRequested;
    private bool _isCompleted;

    public bool IsPending => _signal.IsPending;

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfUnusable();
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<ReadResult>(cancellationToken);
        if (TryTake(out ReadResult result))
            return new ValueTask<ReadResult>(result);
        ValueTask<ReadResult> pending = _signal.Start();
        if (cancellationToken.CanBeCanceled)
        {
            _token = cancellationToken;
            _registration = cancellationToken.UnsafeRegister(static reader => ((ConnectionPipeReader)reader!).OnTokenFired(), this);
        }
        return pending;
    }

    public override bool TryRead(out ReadResult result)
    {
        ThrowIfUnusable();
        return TryTake(out result);
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        connection.RequirePipeMode();
        if (connection.Rest is not { } rest)
            return; // the result was empty, or the connection has been closed since
        int start = consumed.GetInteger();
        int seen = examined.GetInteger();
        ArgumentOutOfRangeException.ThrowIfLessThan(start, rest.Start, nameof(consumed));
        ArgumentOutOfRangeException.ThrowIfLessThan(seen, start, nameof(examined));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(seen, rest.End, nameof(examined));
        _needsMore = seen == rest.End && start < rest.End;
        connection.ConsumeRest(start);
    }

    public override void CancelPendingRead()
    {
        _isCancelRequested = true;
        connection.Reactor.Post(static reader => ((ConnectionPipeReader)reader!).Continue(), this);
    }

    public override void Complete(Exception? exception = null)
    {
        _isCompleted = true;
        if (connection.IsInPipeMode && connection.Rest is { } rest)
            connection.ConsumeRest(rest.End);
    }

    /// <summary>Completes a pending read if there is something to say. From the top of the loop.</summary>
    public void Continue()
    {
        if (!_signal.IsPending)
            return;
        ReadResult result;
        try
        {
            if (!TryTake(out result))
                return;
        }
        catch (IOException e)
        {
            Unregister();
            _signal.Fail(e);
            return;
        }
        Unregister();
        _signal.Complete(result);
    }

    private bool TryTake(out ReadResult result)
    {
        if (_isCancelRequested)
        {
            _isCancelRequested = false;
            result = Result(isCanceled: true, isCompleted: false);
            return true;
        }
        if (connection.Rest is not null && !_needsMore)
        {
            result = Result(isCanceled: false, isCompleted: false);
            return true;
        }
        if (connection.IsClosedByOwner)
            throw new IOException("the connection was closed on this side");
        if (connection.Rest is { Length: TransportConnection.ReceiveSize })
            throw new IOException($"the peer sent {TransportConnection.ReceiveSize} bytes of which the reader can make nothing");
        int received = connection.IsReadable ? connection.ReceiveIntoRest() : IoResult.WouldBlock;
        if (received == IoResult.Broken)
            throw new IOException("the connection was reset by the peer", new SocketException((int)SocketError.ConnectionReset));
        if (received > 0)
            _needsMore = false;
        result = received == IoResult.WouldBlock ? default : Result(isCanceled: false, isCompleted: received == 0);
        return received != IoResult.WouldBlock;
    }

    private ReadResult Result(bool isCanceled, bool isCompleted)
        => new(connection.Rest is { } rest ? new ReadOnlySequence<byte>(rest.Array, rest.Start, rest.Length) : default, isCanceled, isCompleted);

    private void OnTokenFired() => connection.Reactor.Post(static reader => ((ConnectionPipeReader)reader!).CancelByToken(), this);

    private void CancelByToken()
    {
        // The read it was meant for may be over, and another one pending with a token of its own.
        if (!_signal.IsPending || !_token.IsCancellationRequested)
            return;
        CancellationToken token = _token;
        Unregister();
        _signal.Fail(new OperationCanceledException(token));
    }

    private void Unregister()
    {
        _registration.Unregister();
        _registration = default;
        _token = default;
    }

    private void ThrowIfUnusable()
    {
        connection.RequirePipeMode();
        if (_isCompleted)
            throw new InvalidOperationException("reading from a pipe after its reader was completed");
        if (_signal.IsPending)
            throw new InvalidOperationException("an earlier read of the pipe is still pending");
    }
}
