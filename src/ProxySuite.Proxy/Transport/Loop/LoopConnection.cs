using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;

namespace ProxySuite.Proxy.Transport.Loop;

/// <summary>
/// A connection whatever its reactor feeds it with. The kinds below it receive and transmit without blocking and say when that may work again;
/// here is what it means: who is shown which bytes, what is queued, and when the end is told.
/// </summary>
/// <remarks>
/// Handlers are called from the top of the loop only: from an event, or from <see cref="RunDue"/>, which the loop calls in the same turn for a
/// connection that asked for it. So a handler is never called from within a call that it made itself.
/// </remarks>
internal abstract partial class LoopConnection : TransportConnection
{
    private enum Stage : byte
    {
        Open,       // bytes flow
        Finishing,  // closed by its owner; queued bytes are still to leave
        Closed,     // nothing is held but the descriptor, and that until the end of the turn
    }

    private enum End : byte
    {
        None,      // more may come
        Finished,  // the peer sent end-of-stream
        Reset,     // the peer reset the connection, or a send failed
    }

    private LoopReactor _reactor;
    private IConnectionHandler? _handler;
    private ConnectionPipe? _pipe;
    private Stage _stage;
    private bool _inPipeMode = true;
    private bool _scheduled;

    private protected LoopConnection(LoopReactor reactor, EndPoint remoteEndPoint)
    {
        _reactor = reactor;
        RemoteEndPoint = remoteEndPoint;
        reactor.Enlist(this);
    }

    public sealed override Reactor Reactor => _reactor;

    public sealed override EndPoint RemoteEndPoint { get; }

    public sealed override bool IsClosed => _stage != Stage.Open || _sendEnd != End.None;

    public sealed override bool ReadsToEnd { get; set; }

    public sealed override IDuplexPipe Pipe
    {
        get
        {
            RequirePipeMode();
            return _pipe ??= new ConnectionPipe(this);
        }
    }

    /// <summary>The reactor with what it offers its connections.</summary>
    internal LoopReactor Loop => _reactor;

    /// <summary>Where the reactor's list holds this connection.</summary>
    internal int ListIndex { get; set; }

    /// <summary>True until a handler is set.</summary>
    internal bool IsInPipeMode => _inPipeMode;

    /// <summary>True from the owner's Close or Abort.</summary>
    internal bool IsClosedByOwner => _stage != Stage.Open;

    /// <summary>True once all is given back but the descriptor.</summary>
    private protected bool IsGone => _stage == Stage.Closed;

    public sealed override void SetHandler(IConnectionHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        AssertCurrent();
        if (_pipe is { } pipe)
        {
            pipe.ThrowIfBusy("end pipe mode");
            _pipe = null;
        }
        _inPipeMode = false;
        if (_stage != Stage.Open)
            return; // its owner closed it: the handler is never called
        _handler = handler;
        _showRest = true;
        Schedule();
    }

    public sealed override void MoveTo(Reactor target, Action<TransportConnection> arrived)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(arrived);
        AssertCurrent();
        RequirePipeMode();
        _pipe?.ThrowIfBusy("move");
        if (_unsent.Bytes > 0)
            throw new InvalidOperationException("cannot move a connection while bytes are queued");
        if (target is not LoopReactor to || to.GetType() != _reactor.GetType())
            throw new ArgumentException("a connection moves between reactors of one kind only", nameof(target));
        if (_stage == Stage.Open)
        {
            Detach();
            _reactor.Delist(this);
            if (_rest is not null)
                _reactor.Chunks.Leave(_rest);
        }
        // A turn that it asked for here is dropped; it asks again where it arrives.
        _scheduled = false;
        LoopReactor from = _reactor;
        _reactor = to;
        if (!to.TryPost(static move => ((Move)move!).Arrive(), new Move(this, arrived)) && _stage == Stage.Open)
        {
            // The target has ended, and with it the only thread that could own this connection.
            _reactor = from;
            _stage = Stage.Closed;
            _rest = null;
            from.Bury(this);
        }
    }

    /// <summary>The turn of its own that <see cref="Schedule"/> asked for.</summary>
    internal void RunDue()
    {
        if (!_scheduled)
            return;
        _scheduled = false;
        _pipe?.Continue();
        if (_stage == Stage.Open && !_inPipeMode)
            Show();
        else if (_stage == Stage.Finishing && _unsent.Bytes == 0)
            Finish();
    }

    /// <summary>Asks for a turn before the loop sleeps; once however often it is asked for.</summary>
    internal void Schedule()
    {
        if (_scheduled)
            return;
        _scheduled = true;
        _reactor.Schedule(this);
    }

    /// <exception cref="InvalidOperationException">A handler was set.</exception>
    internal void RequirePipeMode()
    {
        if (!_inPipeMode)
            throw new InvalidOperationException("the connection has a handler; its pipe has ended");
    }

    /// <summary>Receives into a buffer that is not empty.</summary>
    /// <returns>Bytes received, 0 at end-of-stream, or an <see cref="IoResult"/>.</returns>
    private protected abstract int Receive(Span<byte> buffer);

    /// <summary>Sends what the operating system takes now.</summary>
    /// <returns>Bytes taken, or an <see cref="IoResult"/>.</returns>
    private protected abstract int Transmit(ReadOnlySpan<byte> bytes);

    /// <summary>All that had arrived is read: has <see cref="OnReadable"/> called when more comes.</summary>
    private protected abstract void AwaitReadable();

    /// <summary>Sends end-of-stream (shutdown(2)).</summary>
    private protected abstract void ShutDownSending();

    /// <summary>Bytes are queued: has <see cref="OnWritable"/> called when some of them may leave.</summary>
    private protected abstract void AwaitWritable();

    /// <summary>The queue is empty again.</summary>
    private protected abstract void StopAwaitingWritable();

    /// <summary>Bytes came while reading is paused; they stay where they are, unless that hides the peer's end.</summary>
    private protected abstract void OnReadableWhilePaused();

    /// <summary>True while the operating system may still read from the queue's head chunk.</summary>
    private protected virtual bool IsHeadInFlight => false;

    /// <summary>True when the peer's end, and bytes before it, are announced by a call of <see cref="OnReadable"/> that is to come.</summary>
    private protected virtual bool IsEndToCome => false;

    /// <summary>Stops events at the reactor it leaves.</summary>
    private protected abstract void Detach();

    /// <summary>Starts events at the reactor it arrived at.</summary>
    private protected abstract void Attach();

    /// <summary>Closes the descriptor, at the end of the turn in which the connection ended.</summary>
    internal abstract void CloseHandle();

    [Conditional("DEBUG")]
    private void AssertCurrent() => Debug.Assert(_reactor.IsCurrent || _reactor.IsStopping, "a connection is touched on its reactor's thread only");

    private sealed record Move(LoopConnection Connection, Action<TransportConnection> Arrived)
    {
        public void Arrive()
        {
            LoopReactor reactor = Connection._reactor;
            if (Connection._stage == Stage.Open)
            {
                reactor.Enlist(Connection);
                if (Connection._rest is not null)
                    reactor.Chunks.Arrive(Connection._rest);
            }
            try
            {
                if (Connection._stage == Stage.Open)
                    Connection.Attach();
                Arrived(Connection);
            }
            catch (Exception e)
            {
                Connection.Abort();
                reactor.Report(e);
            }
        }
    }
}
