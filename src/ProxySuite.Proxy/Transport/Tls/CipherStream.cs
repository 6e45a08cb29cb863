using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace ProxySuite.Proxy.Transport.Tls;

/// <summary>
/// The encrypted side of an <see cref="System.Net.Security.SslStream"/>. During the handshake it carries bytes between a thread of the pool and the
/// connection's reactor; from then on it is fed on the reactor's thread, and whatever waits for bytes continues inline, inside <see cref="Feed"/>.
/// </summary>
internal sealed class CipherStream(TransportConnection inner) : Stream, IValueTaskSource<int>
{
    private ManualResetValueTaskSourceCore<int> _read; // continuations run where the result is set
    private Memory<byte> _wanted;
    private unsafe byte* _fed;
    private int _fedLength;
    private bool _isWaiting;
    private bool _hasEnded;
    private bool _isFed;
    private TlsBuffers? _gather;
    private int _gathered;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>The handshake is over: bytes come from <see cref="Feed"/>, and all calls on the reactor's thread.</summary>
    public void BecomeFed() => _isFed = true;

    /// <summary>Offers bytes that stay where they are until <see cref="TakeBack"/>.</summary>
    public unsafe void Feed(byte* bytes, int length)
    {
        _fed = bytes;
        _fedLength = length;
        Continue();
    }

    /// <summary>Ends the offer.</summary>
    /// <returns>How many of the last bytes nobody took.</returns>
    public unsafe int TakeBack()
    {
        int left = _fedLength;
        _fed = null;
        _fedLength = 0;
        return left;
    }

    /// <summary>No more bytes will come.</summary>
    public void End()
    {
        _hasEnded = true;
        Continue();
    }

    /// <summary>Collects what is written from now on.</summary>
    public void StartGathering(TlsBuffers buffers)
    {
        _gather = buffers;
        _gathered = 0;
    }

    /// <summary>Sends what was collected, in one call.</summary>
    /// <returns>As <see cref="TransportConnection.Send"/>.</returns>
    public bool SendGathered()
    {
        TlsBuffers buffers = _gather!;
        _gather = null;
        return inner.Send(buffers.Cipher.AsSpan(0, _gathered));
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!_isFed) return new ValueTask<int>(ReadOnReactorAsync(buffer, cancellationToken));
        if (_isWaiting) throw new InvalidOperationException("an earlier read of the encrypted side is still pending");
        if (_fedLength > 0 || _hasEnded) return new ValueTask<int>(Take(buffer.Span));
        _read.Reset();
        _wanted = buffer;
        _isWaiting = true;
        return new ValueTask<int>(this, _read.Version);
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (_gather is not { } buffers)
        {
            inner.Send(buffer);
            return;
        }
        if (buffer.Length > buffers.Cipher.Length - _gathered)
        {
            inner.Send(buffers.Cipher.AsSpan(0, _gathered));
            _gathered = 0;
        }
        buffer.CopyTo(buffers.Cipher.AsSpan(_gathered));
        _gathered += buffer.Length;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!_isFed) return new ValueTask(WriteOnReactorAsync(buffer));
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("bytes come when the reactor has them");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Flush()
    {
        // Nothing is held back here.
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    int IValueTaskSource<int>.GetResult(short token) => _read.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _read.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _read.OnCompleted(continuation, state, token, flags);

    private void Continue()
    {
        if (!_isWaiting || (_fedLength == 0 && !_hasEnded)) return;
        _isWaiting = false;
        int taken = Take(_wanted.Span);
        _wanted = default;
        _read.SetResult(taken);
    }

    private unsafe int Take(Span<byte> into)
    {
        int length = Math.Min(into.Length, _fedLength);
        new ReadOnlySpan<byte>(_fed, length).CopyTo(into);
        _fed += length;
        _fedLength -= length;
        return length;
    }

    private Task<int> ReadOnReactorAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        inner.Reactor.Post(static async state =>
        {
            (TransportConnection link, Memory<byte> into, TaskCompletionSource<int> done, CancellationToken token)
                = ((TransportConnection, Memory<byte>, TaskCompletionSource<int>, CancellationToken))state!;
            try
            {
                // A read of no bytes asks whether there are any.
                ReadResult result = await link.Pipe.Input.ReadAsync(token);
                int length = (int)Math.Min(into.Length, result.Buffer.Length);
                System.Buffers.BuffersExtensions.CopyTo(result.Buffer.Slice(0, length), into.Span);
                link.Pipe.Input.AdvanceTo(result.Buffer.GetPosition(length));
                done.SetResult(length);
            }
            catch (Exception broken)
            {
                done.SetException(broken);
            }
        }, (inner, buffer, done, cancellationToken));
        return done.Task;
    }

    private Task WriteOnReactorAsync(ReadOnlyMemory<byte> buffer)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        inner.Reactor.Post(static state =>
        {
            (TransportConnection link, ReadOnlyMemory<byte> bytes, TaskCompletionSource done) = ((TransportConnection, ReadOnlyMemory<byte>, TaskCompletionSource))state!;
            link.Send(bytes.Span);
            done.SetResult();
        }, (inner, buffer, done));
        return done.Task;
    }
}
