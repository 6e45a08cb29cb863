namespace ProxySuite.Proxy.Transport.Loop;

/// <summary>The end: by the owner, by the peer, by a failure.</summary>
internal abstract partial class LoopConnection
{
    // A peer that sent end-of-stream may still read what is queued for it, for this long.
    private static readonly TimeSpan HalfClosedFlush = TimeSpan.FromSeconds(5);

    // Closing with unread bytes resets the connection and can destroy the last bytes on their way to the peer; up to 1 MiB is read and dropped.
    private const int DiscardRoundsMax = 16;

    private WheelTimer? _deadline;

    public sealed override void Close(TimeSpan deadline)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(deadline, TimeSpan.Zero);
        AssertCurrent();
        if (_stage != Stage.Open)
            return;
        _handler = null;
        if (_sendEnd != End.None || (_unsent.Bytes > 0 && deadline == TimeSpan.Zero))
            Release();
        else
            BeginFinish(deadline);
    }

    public sealed override void FinishSending()
    {
        AssertCurrent();
        if (_stage != Stage.Open || _sendEnd != End.None || _isSendingFinished)
            return;
        _isSendingFinished = true;
        DropUnsent();
        StopAwaitingWritable();
        ShutDownSending();
    }

    public sealed override void Abort()
    {
        AssertCurrent();
        _handler = null;
        Release();
    }

    /// <summary>The reactor ends: what is open is closed and told so.</summary>
    internal void Stop()
    {
        if (_stage == Stage.Finishing)
            Release();
        else
            EndFromOutside(CloseCause.TransportStopped);
    }

    private void BeginFinish(TimeSpan deadline)
    {
        _stage = Stage.Finishing;
        ForgetRest();
        // Not from within the owner's call: whoever awaits the pipe is told, and Finish uses the reactor's buffer, which a handler may be looking at.
        Schedule();
        if (_unsent.Bytes == 0)
            return;
        _deadline = new WheelTimer(static connection => ((LoopConnection)connection!).Release(), this);
        _reactor.Timers.Arm(_deadline, deadline);
    }

    /// <summary>All has left. The close sends end-of-stream; a shutdown before it would be one more call to the same end. From the top of the loop.</summary>
    private void Finish()
    {
        // The end of a client that said good-bye came with its last bytes: what stands behind them is that end alone, and needs no look.
        bool isAllRead = _isDrained && _hangUp == End.Finished;
        for (int round = 0; _readable && !isAllRead && _receiveEnd == End.None && round < DiscardRoundsMax; round++)
        {
            int received = Receive(_reactor.ReceiveBuffer);
            _readable = received == ReceiveSize;
        }
        Release();
    }

    /// <summary>Ends the connection and then tells the handler, once. From the top of the loop.</summary>
    private void EndFromOutside(CloseCause cause)
    {
        if (_stage != Stage.Open)
            return;
        IConnectionHandler? handler = _handler;
        _handler = null;
        if (cause == CloseCause.PeerFinished && _unsent.Bytes > 0)
            BeginFinish(HalfClosedFlush);
        else
            Release();
        try
        {
            handler?.OnClosed(cause);
        }
        catch (Exception e)
        {
            _reactor.Report(e);
        }
    }

    private void FailHandler(Exception exception)
    {
        _reactor.Report(exception);
        EndFromOutside(CloseCause.HandlerFailed);
    }

    /// <summary>Gives everything back; the descriptor follows at the end of the turn.</summary>
    private void Release()
    {
        if (_stage == Stage.Closed)
            return;
        _stage = Stage.Closed;
        if (_deadline is not null)
            _reactor.Timers.Disarm(_deadline);
        ForgetRest();
        DropUnsent();
        _reactor.Delist(this);
        _reactor.Bury(this);
        if (_pipe is not null)
            Schedule(); // whoever awaits it is told, but not from within its own call
    }
}
