using System.Threading.Tasks.Sources;

namespace ProxySuite.Proxy.Transport.Loop;

/// <summary>
/// What a pending read or flush of a pipe is awaited on: reused, and completed from the top of the loop, where the awaiting code continues inline
/// without a detour over the reactor's queue.
/// </summary>
/// <remarks>No context is captured: completion happens on the reactor's thread, where pipes are used. An async method restores its own execution context.</remarks>
internal sealed class PipeSignal<T>(LoopConnection connection) : IValueTaskSource<T>
{
    private Action<object?>? _continuation;
    private object? _state;
    private T _result = default!;
    private Exception? _error;
    private bool _isDone;
    private short _version;

    /// <summary>True from <see cref="Start"/> until completion.</summary>
    public bool IsPending { get; private set; }

    /// <exception cref="InvalidOperationException">The last one is still pending.</exception>
    public ValueTask<T> Start()
    {
        if (IsPending)
            throw new InvalidOperationException("an earlier call on this side of the pipe is still pending");
        _isDone = false;
        _continuation = null;
        _error = null;
        IsPending = true;
        return new ValueTask<T>(this, ++_version);
    }

    public void Complete(T result)
    {
        _result = result;
        Signal();
    }

    public void Fail(Exception error)
    {
        _error = error;
        Signal();
    }

    public T GetResult(short token)
    {
        if (token != _version || !_isDone)
            throw new InvalidOperationException("a read or flush is awaited once, and not before it is complete");
        T result = _result;
        _result = default!;
        return _error is { } error ? throw error : result;
    }

    public ValueTaskSourceStatus GetStatus(short token)
        => !_isDone ? ValueTaskSourceStatus.Pending
        : _error is null ? ValueTaskSourceStatus.Succeeded
        : _error is OperationCanceledException ? ValueTaskSourceStatus.Canceled
        : ValueTaskSourceStatus.Faulted;

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        if (_isDone)
        {
            connection.Reactor.Post(continuation, state);
            return;
        }
        _continuation = continuation;
        _state = state;
    }

    private void Signal()
    {
        IsPending = false;
        _isDone = true;
        Action<object?>? continuation = _continuation;
        object? state = _state;
        _continuation = null;
        _state = null;
        continuation?.Invoke(state);
    }
}
