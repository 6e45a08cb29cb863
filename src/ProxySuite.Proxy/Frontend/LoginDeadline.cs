using ProxySuite.Proxy.Transport;

namespace ProxySuite.Proxy.Frontend;

/// <summary>Cancels a login that takes too long. Used for one login after the other, as most end in time; touched by one reactor's thread alone.</summary>
internal sealed class LoginDeadline : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly WheelTimer _timer;

    private LoginDeadline() => _timer = new WheelTimer(static source => ((CancellationTokenSource)source!).Cancel(), _source);

    public CancellationToken Token => _source.Token;

    public void Dispose() => _source.Dispose();

    /// <summary>Those that wait for their next login.</summary>
    internal sealed class Store(TimerWheel timers)
    {
        private const int KeptMax = 64;

        private readonly Stack<LoginDeadline> _kept = new();

        /// <summary>A deadline that runs; it goes back by <see cref="Return"/>.</summary>
        public LoginDeadline Start(TimeSpan time)
        {
            LoginDeadline deadline = _kept.Count > 0 ? _kept.Pop() : new LoginDeadline();
            timers.Arm(deadline._timer, time);
            return deadline;
        }

        /// <summary>The login is over, or waits for a server, which has a deadline of its own.</summary>
        public void Stop(LoginDeadline deadline) => timers.Disarm(deadline._timer);

        /// <summary>Nothing looks at the token any more.</summary>
        public void Return(LoginDeadline deadline)
        {
            Stop(deadline);
            if (_kept.Count < KeptMax && deadline._source.TryReset()) _kept.Push(deadline);
            else deadline.Dispose();
        }
    }
}
