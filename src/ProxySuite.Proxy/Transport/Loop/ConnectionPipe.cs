using System.IO.Pipelines;

namespace ProxySuite.Proxy.Transport.Loop;

/// <summary>A connection's pipe mode. It reads only when asked to, so a peer that sends more waits in its own kernel.</summary>
/// <remarks>Completing either side does not close the connection; its owner does, with Close or Abort.</remarks>
internal sealed class ConnectionPipe(LoopConnection connection) : IDuplexPipe
{
    private readonly ConnectionPipeReader _input = new(connection);
    private readonly ConnectionPipeWriter _output = new(connection);

    public PipeReader Input => _input;

    public PipeWriter Output => _output;

    /// <summary>Completes what is pending and can be. From the top of the loop.</summary>
    public void Continue()
    {
        _output.Continue();
        _input.Continue();
    }

    /// <exception cref="InvalidOperationException">A read or flush is pending, or written bytes are not flushed.</exception>
    public void ThrowIfBusy(string wish)
    {
        if (_input.IsPending || _output.IsPending)
            throw new InvalidOperationException($"cannot {wish} while a read or flush of the pipe is pending");
        if (_output.UnflushedBytes > 0)
            throw new InvalidOperationException($"cannot {wish} while bytes written to the pipe are not flushed");
    }
}
