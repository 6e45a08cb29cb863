using System.IO.Pipelines;
using System.Net;

namespace ProxySuite.Proxy.Transport;

/// <summary>
/// One byte stream, owned by one reactor and touched on its thread alone. It starts in pipe mode (slow paths read and write <see cref="Pipe"/>);
/// <see cref="SetHandler"/> switches it to push mode for good, and bytes that the pipe's reader has not consumed go to the handler first.
/// </summary>
public abstract class TransportConnection
{
    /// <summary>Size of a reactor's receive buffer in bytes, and so the most that a handler is shown at once.</summary>
    public const int ReceiveSize = 64 * 1024;

    /// <summary>The reactor whose thread owns this connection; changes only in <see cref="MoveTo"/>.</summary>
    public abstract Reactor Reactor { get; }

    /// <summary>The peer's address; a Unix socket's peer has an empty path.</summary>
    public abstract EndPoint RemoteEndPoint { get; }

    /// <summary>Bytes accepted by <see cref="Send"/> and not yet taken by the operating system.</summary>
    public abstract int QueuedBytes { get; }

    /// <summary>True once the connection is closed from either side; sends are dropped from then on.</summary>
    public abstract bool IsClosed { get; }

    /// <summary>Pipe mode: reader and writer straight on the descriptor, continuations on the reactor's thread. Reading after the peer's
    /// end-of-stream completes; a reset surfaces as <see cref="IOException"/>.</summary>
    public abstract IDuplexPipe Pipe { get; }

    /// <summary>Ends pipe mode. Bytes still unread are shown to the handler in this turn of the loop, not from within this call.</summary>
    public abstract void SetHandler(IConnectionHandler handler);

    /// <summary>Sends at once what the operating system takes and queues a copy of the rest.</summary>
    /// <returns>False while bytes are queued: stop reading from wherever they came from until <see cref="IConnectionHandler.OnDrained"/>.</returns>
    public abstract bool Send(ReadOnlySpan<byte> bytes);

    /// <summary>
    /// Whether the peer's end waits behind a pause. False, the default, fits a client: once it has gone, or only sent end-of-stream, a paused
    /// handler learns of it at once and what it had sent is dropped. True fits a server: what it sent before it went is shown first, so the pause of a slow reader cuts off
    /// no result.
    /// </summary>
    public abstract bool ReadsToEnd { get; set; }

    /// <summary>Stops showing bytes to the handler; what arrives stays in the kernel and so holds the peer back.</summary>
    public abstract void PauseReading();

    /// <summary>Goes on reading; the unconsumed rest is shown again in this turn of the loop, not from within this call.</summary>
    public abstract void ResumeReading();

    /// <summary>
    /// Drops what is queued and tells the peer that nothing follows (end-of-stream, shutdown(2)); what it sends is shown as before. Later sends are dropped.
    /// Only in push mode.
    /// </summary>
    public abstract void FinishSending();

    /// <summary>Closes once queued bytes have left, at the latest after <paramref name="deadline"/>. The handler is not called again.</summary>
    public abstract void Close(TimeSpan deadline);

    /// <summary>Closes at once and drops what is queued. The handler is not called again.</summary>
    public abstract void Abort();

    /// <summary>
    /// Hands the connection to another reactor: it is taken off this one and <paramref name="arrived"/> runs on the target's thread with the
    /// same connection object. Unread bytes travel along. Only in pipe mode with no read or flush pending.
    /// </summary>
    public abstract void MoveTo(Reactor target, Action<TransportConnection> arrived);
}
