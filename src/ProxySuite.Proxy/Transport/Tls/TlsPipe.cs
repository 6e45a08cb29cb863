using System.Buffers;
using System.IO.Pipelines;

namespace ProxySuite.Proxy.Transport.Tls;

/// <summary>Pipe mode of a <see cref="TlsConnection"/>, on the pipe of the connection below.</summary>
internal sealed class TlsPipe(TlsConnection connection) : IDuplexPipe
{
    private readonly TlsPipeReader _input = new(connection);
    private readonly TlsPipeWriter _output = new(connection);

    public PipeReader Input => _input;

    public PipeWriter Output => _output;

    /// <exception cref="InvalidOperationException">A read or flush is pending, or written bytes are not flushed.</exception>
    public void ThrowIfBusy(string wish)
    {
        if (_input.IsPending || _output.IsPending) throw new InvalidOperationException($"cannot {wish} while a read or flush of the pipe is pending");
        if (_output.UnflushedBytes > 0) throw new InvalidOperationException($"cannot {wish} while bytes written to the pipe are not flushed");
    }
}

/// <summary>Decrypted bytes. At most <see cref="TransportConnection.ReceiveSize"/> wait unconsumed.</summary>
internal sealed class TlsPipeReader(TlsConnection connection) : PipeReader
{
    private bool _needsMore; // all that is held was examined: only new bytes are worth a result
    private bool _hasEnded;
    private bool _isCancelRequested;
    private bool _isCompleted;

    public bool IsPending { get; private set; }

    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfUnusable();
        cancellationToken.ThrowIfCancellationRequested();
        IsPending = true;
        try
        {
            while (true)
            {
                if (TryTake(out ReadResult result)) return result;
                ReadResult cipher = await connection.Inner.Pipe.Input.ReadAsync(cancellationToken);
                if (cipher.IsCanceled) return Result(isCanceled: true);
                int taken = 0, held = connection.Rest.Length;
                foreach (ReadOnlyMemory<byte> part in cipher.Buffer) taken += connection.Feed(part.Span, isLast: false);
                if (cipher.IsCompleted && taken == cipher.Buffer.Length)
                {
                    _hasEnded = true;
                    connection.Feed(default, isLast: true);
                }
                if (connection.Rest.Length > held) _needsMore = false;
                connection.Inner.Pipe.Input.AdvanceTo(cipher.Buffer.GetPosition(taken));
            }
        }
        finally
        {
            IsPending = false;
        }
    }

    public override bool TryRead(out ReadResult result)
    {
        ThrowIfUnusable();
        return TryTake(out result);
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        ref TlsRest rest = ref connection.Rest;
        if (rest.Length == 0) return; // the result was empty, or the connection has been closed since
        int end = rest.Start + rest.Length;
        int start = consumed.GetInteger(), seen = examined.GetInteger();
        ArgumentOutOfRangeException.ThrowIfLessThan(start, rest.Start, nameof(consumed));
        ArgumentOutOfRangeException.ThrowIfLessThan(seen, start, nameof(examined));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(seen, end, nameof(examined));
        _needsMore = seen == end && start < end;
        rest.ConsumeTo(start);
    }

    public override void CancelPendingRead()
    {
        if (IsPending) connection.Inner.Pipe.Input.CancelPendingRead();
        else _isCancelRequested = true;
    }

    public override void Complete(Exception? exception = null)
    {
        _isCompleted = true;
        connection.Rest.Return();
    }

    private bool TryTake(out ReadResult result)
    {
        if (_isCancelRequested)
        {
            _isCancelRequested = false;
            result = Result(isCanceled: true);
            return true;
        }
        if (connection.Rest.Length > 0 && !_needsMore)
        {
            result = Result(isCanceled: false);
            return true;
        }
        if (connection.IsClosed && connection.Inner.IsClosed) throw new IOException("the connection was closed on this side");
        if (connection.Rest.Length == TransportConnection.ReceiveSize)
            throw new IOException($"the peer sent {TransportConnection.ReceiveSize} bytes of which the reader can make nothing");
        int decrypted = _hasEnded ? 0 : connection.DecryptIntoRest();
        if (decrypted == 0) _hasEnded = true;
        if (decrypted > 0) _needsMore = false;
        result = decrypted >= 0 ? Result(isCanceled: false) : default;
        return decrypted >= 0;
    }

    private ReadResult Result(bool isCanceled) => new(connection.Rest.Sequence, isCanceled, isCompleted: _hasEnded);

    private void ThrowIfUnusable()
    {
        if (_isCompleted) throw new InvalidOperationException("reading from a pipe after its reader was completed");
        if (IsPending) throw new InvalidOperationException("an earlier read of the pipe is still pending");
    }
}

/// <summary>Encrypts at the flush, which is complete when the operating system has taken all.</summary>
internal sealed class TlsPipeWriter(TlsConnection connection) : PipeWriter
{
    private readonly ArrayBufferWriter<byte> _gathered = new();
    private bool _isCompleted;

    public bool IsPending { get; private set; }

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _gathered.WrittenCount;

    public override Memory<byte> GetMemory(int sizeHint = 0) => _gathered.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => _gathered.GetSpan(sizeHint);

    public override void Advance(int bytes) => _gathered.Advance(bytes);

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (_isCompleted) throw new InvalidOperationException("writing to a pipe after its writer was completed");
        if (IsPending) throw new InvalidOperationException("an earlier flush of the pipe is still pending");
        cancellationToken.ThrowIfCancellationRequested();
        bool hasLeft = connection.Send(_gathered.WrittenSpan);
        _gathered.ResetWrittenCount();
        return hasLeft ? new ValueTask<FlushResult>(new FlushResult(isCanceled: false, connection.IsClosed)) : WaitAsync(cancellationToken);
    }

    public override void CancelPendingFlush() => connection.Inner.Pipe.Output.CancelPendingFlush();

    public override void Complete(Exception? exception = null)
    {
        if (_isCompleted) return;
        _isCompleted = true;
        if (exception is null) connection.Send(_gathered.WrittenSpan);
    }

    private async ValueTask<FlushResult> WaitAsync(CancellationToken cancellationToken)
    {
        IsPending = true;
        try
        {
            return await connection.Inner.Pipe.Output.FlushAsync(cancellationToken);
        }
        finally
        {
            IsPending = false;
        }
    }
}
