using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using ProxySuite.Wire.Frames;

namespace ProxySuite.Proxy.Backend;

/// <summary>One message of a slow path, copied out of the pipe.</summary>
internal readonly record struct PipeMessage(byte Type, byte[] Body);

/// <summary>Reads and writes whole messages on a pipe: for logins, where a copy costs nothing that matters.</summary>
/// <param name="pipe">The connection in pipe mode.</param>
/// <param name="bodyLengthMax">Largest body accepted in bytes.</param>
/// <remarks>
/// A read is completed by the connection, on its reactor's thread, and whoever awaits this directly goes on there at once when it asks for no context
/// (ConfigureAwait false): with one the runtime would post it to the reactor's queue. The methods of a login up to here are made like that, by value tasks of the
/// pooling kind: an ordinary task's continuation without a context would go to the thread pool instead, because the reactor's thread has one.
/// </remarks>
internal sealed class MessagePipe(IDuplexPipe pipe, int bodyLengthMax)
{
    /// <summary>Collects what the next flush sends.</summary>
    public FrameWriter Out { get; } = new();

    /// <summary>What SCRAM can bind the TLS channel below by (tls-server-end-point); empty where there is none.</summary>
    public byte[] ChannelBinding { get; init; } = [];

    /// <summary>The next message.</summary>
    /// <returns>Null when the peer has ended the stream.</returns>
    /// <exception cref="ProxySuite.Wire.Errors.PgProtocolException">An impossible or excessive length.</exception>
    /// <exception cref="IOException">The connection was reset.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<PipeMessage?> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult result = await pipe.Input.ReadAsync(cancellationToken);
            ReadOnlySequence<byte> buffer = result.Buffer;
            if (TryTake(buffer, out PipeMessage message, out long length))
            {
                pipe.Input.AdvanceTo(buffer.GetPosition(length));
                return message;
            }
            pipe.Input.AdvanceTo(buffer.Start, buffer.End);
            if (result.IsCompleted) return null;
        }
    }

    /// <summary>Sends what was collected in <see cref="Out"/>.</summary>
    /// <exception cref="IOException">The connection is gone.</exception>
    public ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        ValueTask<FlushResult> flushed = pipe.Output.WriteAsync(Out.WrittenMemory, cancellationToken);
        // The operating system takes a login's few bytes at once: then nothing is waited for, and nothing allocated.
        if (!flushed.IsCompletedSuccessfully) return WaitAsync(flushed);
        Flushed(flushed.Result);
        return ValueTask.CompletedTask;
    }

    private async ValueTask WaitAsync(ValueTask<FlushResult> flushed) => Flushed(await flushed);

    private void Flushed(FlushResult result)
    {
        Out.Clear();
        if (result.IsCompleted) throw new IOException("the peer has closed the connection");
    }

    private bool TryTake(in ReadOnlySequence<byte> buffer, out PipeMessage message, out long length)
    {
        message = default;
        length = 0;
        ReadOnlySpan<byte> bytes = buffer.IsSingleSegment ? buffer.FirstSpan : buffer.ToArray();
        if (!FrameHeader.TryRead(bytes, bodyLengthMax, out FrameHeader header) || bytes.Length < header.FrameLength) return false;
        length = header.FrameLength;
        message = new PipeMessage(header.Type, bytes.Slice(FrameHeader.Size, header.BodyLength).ToArray());
        return true;
    }
}
