using ProxySuite.Proxy.Transport;
using Xunit;

namespace ProxySuite.Proxy.Tests.Transport;

/// <summary>A handler out of lambdas that checks the rules of the seam on every call: the reactor's thread, and never from within itself.</summary>
internal sealed class TestHandler : IConnectionHandler
{
    private readonly TaskCompletionSource<CloseCause> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _inside;

    public TransportConnection Connection { get; private set; } = null!;

    /// <summary>The answer to bytes; without it all are consumed.</summary>
    public Func<TransportConnection, ReadOnlyMemory<byte>, Consumed>? Bytes { get; init; }

    /// <summary>What is done when all queued bytes have left.</summary>
    public Action<TransportConnection>? Drained { get; init; }

    /// <summary>What is done at the end.</summary>
    public Action<TransportConnection, CloseCause>? AtClose { get; init; }

    /// <summary>Completes with the cause once the transport has told of the end.</summary>
    public Task<CloseCause> Closed => _closed.Task.WaitAsync(TransportWorld.Patience);

    public bool IsClosed => _closed.Task.IsCompleted;

    public int BytesCalls { get; private set; }

    public int DrainedCalls { get; private set; }

    /// <summary>Becomes the connection's handler. On the reactor's thread.</summary>
    public void Take(TransportConnection connection)
    {
        Connection = connection;
        Guarded(() => connection.SetHandler(this));
    }

    /// <summary>Runs code as the handler would: the transport must not call it meanwhile.</summary>
    public void Guarded(Action action)
    {
        bool outer = _inside;
        _inside = true;
        action();
        _inside = outer;
    }

    public Consumed OnBytes(ReadOnlySpan<byte> received)
    {
        Enter();
        BytesCalls++;
        Assert.False(received.IsEmpty);
        try
        {
            return Bytes?.Invoke(Connection, received.ToArray()) ?? new Consumed(received.Length, KeepReading: true);
        }
        finally
        {
            _inside = false;
        }
    }

    public void OnDrained()
    {
        Enter();
        DrainedCalls++;
        try
        {
            Drained?.Invoke(Connection);
        }
        finally
        {
            _inside = false;
        }
    }

    public void OnClosed(CloseCause cause)
    {
        Enter();
        Assert.True(_closed.TrySetResult(cause), "the end was told twice");
        try
        {
            AtClose?.Invoke(Connection, cause);
        }
        finally
        {
            _inside = false;
        }
    }

    private void Enter()
    {
        Assert.False(_inside, "the transport called a handler from within a call that it made itself");
        Assert.True(Connection.Reactor.IsCurrent, "the transport called a handler off its reactor's thread");
        _inside = true;
    }
}
