namespace ProxySuite.Proxy.Transport;

/// <summary>What a handler did with the bytes it was shown.</summary>
/// <param name="Bytes">How many of them it is done with, 0 to all; the transport shows the rest again, with what came after it.</param>
/// <param name="KeepReading">False stops reading from this peer until <see cref="TransportConnection.ResumeReading"/>.</param>
public readonly record struct Consumed(int Bytes, bool KeepReading);

/// <summary>Why a connection is gone.</summary>
public enum CloseCause : byte
{
    /// <summary>The peer sent end-of-stream.</summary>
    PeerFinished,

    /// <summary>The peer reset the connection, or a send failed.</summary>
    PeerReset,

    /// <summary>The reactor stops, or a deadline of the transport itself ran out.</summary>
    TransportStopped,

    /// <summary>The handler threw, or answered what cannot be; the exception went to <see cref="Reactor.FailureHook"/>.</summary>
    HandlerFailed,
}

/// <summary>
/// The synchronous side of a connection: it is handed bytes and answers what to do next. All calls come on the thread of the
/// connection's reactor, one at a time, and never from within a call that the handler itself made to the transport.
/// </summary>
public interface IConnectionHandler
{
    /// <summary>Bytes that the peer sent. The handler must not keep the span: it forwards, copies or refuses before it returns.</summary>
    /// <param name="received">The unconsumed rest of earlier calls followed by new bytes; never empty, up to <see cref="TransportConnection.ReceiveSize"/> bytes.
    /// A handler that is shown <see cref="TransportConnection.ReceiveSize"/> bytes and keeps reading must consume at least one.</param>
    Consumed OnBytes(ReadOnlySpan<byte> received);

    /// <summary>All that <see cref="TransportConnection.Send"/> had to queue has left: whoever was told to stop may go on.</summary>
    void OnDrained();

    /// <summary>The connection ended from outside. Called once, and not after the owner's own Close or Abort.</summary>
    void OnClosed(CloseCause cause);
}
