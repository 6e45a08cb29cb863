using System.IO.Pipelines;

namespace ProxySuite.Proxy.Transport.Loop;

/// <summary>A pipe's writing side: gathers in rented chunks and sends them at the flush, which is complete when the operating system has taken all.</summary>
/// <remarks>Once the connection is closed or reset, bytes are dropped and flushes say <see cref="FlushResult.IsCompleted"/>; reading tells why.</remarks>
internal sealed class ConnectionPipeWriter(LoopConnection connection) : PipeWriter
{
    private const int RoomMin = 4 * 1024;

    private readonly PipeSignal<FlushResult> _signal = new(connection);
    private ChunkQueue _gathered;
    private CancellationTokenRegistration _registration;
    private CancellationToken _token;
    private bool _isCancelRequested;
    private bool _isCompleted;

    public bool IsPending => _signal.IsPending;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _gathered.Bytes;

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        ThrowIfUnusable();
        return _gathered.Reserve(connection.Loop.Chunks, sizeHint == 0 ? 1 : sizeHint, RoomMin);
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes) => _gathered.Advance(bytes);

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        ThrowIfUnusable();
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<FlushResult>(cancellationToken);
        if (_gathered.Bytes > 0)
        {
            _gathered.Append(connection.Loop.Chunks, source.Span);
            return FlushAsync(cancellationToken);
        }
        // Nothing to keep the order with: straight from the caller's memory.
        return connection.Send(source.Span) ? new ValueTask<FlushResult>(Result()) : WaitAsync(cancellationToken);
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfUnusable();
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<FlushResult>(cancellationToken);
        return connection.Send(ref _gathered) ? new ValueTask<FlushResult>(Result()) : WaitAsync(cancellationToken);
    }

    public override void CancelPendingFlush()
    {
        _isCancelRequested = true;
        connection.Reactor.Post(static writer => ((ConnectionPipeWriter)writer!).Continue(), this);
    }

    /// <summary>Sends what is gathered, unless completed by an exception; nothing can be written afterwards.</summary>
    public override void Complete(Exception? exception = null)
    {
        if (_isCompleted)
            return;
        _isCompleted = true;
        if (exception is null)
            connection.Send(ref _gathered);
        else
            _gathered.Clear(connection.Loop.Chunks);
    }

    /// <summary>Completes a pending flush once nothing is queued. From the top of the loop.</summary>
    public void Continue()
    {
        if (!_signal.IsPending || (connection.QueuedBytes > 0 && !connection.IsClosed && !_isCancelRequested))
            return;
        Unregister();
        _signal.Complete(Result());
    }

    private FlushResult Result()
    {
        bool isCanceled = _isCancelRequested;
        _isCancelRequested = false;
        return new FlushResult(isCanceled, isCompleted: connection.IsClosed);
    }

    private ValueTask<FlushResult> WaitAsync(CancellationToken cancellationToken)
    {
        ValueTask<FlushResult> pending = _signal.Start();
        if (_isCancelRequested)
            connection.Schedule();
        if (cancellationToken.CanBeCanceled)
        {
            _token = cancellationToken;
            _registration = cancellationToken.UnsafeRegister(static writer => ((ConnectionPipeWriter)writer!).OnTokenFired(), this);
        }
        return pending;
    }

    private void OnTokenFired() => connection.Reactor.Post(static writer => ((ConnectionPipeWriter)writer!).CancelByToken(), this);

    private void CancelByToken()
    {
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
            throw new InvalidOperationException("writing to a pipe after its writer was completed");
        if (_signal.IsPending)
            throw new InvalidOperationException("an earlier flush of the pipe is still pending");
    }
}
