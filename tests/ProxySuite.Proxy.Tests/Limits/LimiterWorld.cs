using System.Diagnostics;
using ProxySuite.Proxy.Limits;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Proxy.Transport;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Proxy.Tests.Limits;

/// <summary>A limiter with a clock that a test moves, a millisecond at a time.</summary>
internal sealed class LimiterWorld
{
    private readonly TimerWheel _wheel = new(0);
    private readonly Func<long>? _clock;
    private long _milliseconds;

    /// <param name="limits">In force from the start.</param>
    /// <param name="maxDelay">Limits:MaxRateDelay; default 1 s.</param>
    /// <param name="noticeAfter">Pool:QueueNoticeAfter; default never.</param>
    /// <param name="clock">Instead of its own.</param>
    /// <param name="group">The tenant's limiters, this one to be among them; null for this one alone.</param>
    public LimiterWorld(RateLimits limits, TimeSpan? maxDelay = null, TimeSpan noticeAfter = default, Func<long>? clock = null, LimiterGroup? group = null)
    {
        _clock = clock;
        Options = new CurrentOptions(new ProxyOptions
        {
            Limits = new LimitsOptions { MaxRateDelay = maxDelay ?? TimeSpan.FromSeconds(1) },
            Pool = new PoolOptions { QueueNoticeAfter = noticeAfter },
        });
        var cell = new LeaseCell();
        group?.Add(cell);
        Limiter = new TenantLimiter(Stats, _wheel, () => _clock?.Invoke() ?? Now, Options, Proxies, cell, group ?? Alone(cell));
        cell.Wake = Limiter.OnWoken;
        Limiter.Update(limits);
    }

    public TenantLimiter Limiter { get; }

    private static LimiterGroup Alone(LeaseCell cell)
    {
        var group = new LimiterGroup();
        group.Add(cell);
        return group;
    }

    public TenantStats Stats { get; } = new();

    public CurrentOptions Options { get; }

    public ProxyStats Proxies { get; } = new();

    /// <summary>Stopwatch ticks.</summary>
    public long Now => Ticks(TimeSpan.FromMilliseconds(_milliseconds)) + Skew;

    /// <summary>What the clock is wrong by.</summary>
    public long Skew { get; set; }

    public static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);

    /// <summary>Lets time pass.</summary>
    public void Pass(TimeSpan time)
    {
        for (long end = _milliseconds + (long)time.TotalMilliseconds; _milliseconds < end;)
        {
            _milliseconds++;
            _wheel.Advance(_milliseconds);
        }
    }

    /// <summary>Asks until it is refused or held back.</summary>
    /// <returns>How many queries were let in.</returns>
    public int Drain(int most = 100_000)
    {
        int entered = 0;
        while (entered < most && Limiter.TryEnter())
        {
            Limiter.Exit();
            entered++;
        }
        return entered;
    }

    /// <summary>A query as a session brings it: let in, in line, or refused.</summary>
    public Visitor Ask()
    {
        var visitor = new Visitor(this);
        visitor.Ask();
        return visitor;
    }

    /// <summary>Somebody with a query.</summary>
    internal sealed class Visitor : IRateUser
    {
        private readonly LimiterWorld _world;

        public Visitor(LimiterWorld world)
        {
            _world = world;
            Waiter = new RateWaiter(this);
        }

        public RateWaiter Waiter { get; }

        public bool IsIn { get; private set; }

        public PgError? Error { get; private set; }

        public int Notices { get; private set; }

        /// <summary>Stopwatch ticks at which it was let in or refused.</summary>
        public long SettledAt { get; private set; }

        /// <summary>Called when it was let in after a wait.</summary>
        public Action? Entered { get; init; }

        public void Ask()
        {
            (IsIn, Error) = (false, null);
            if (_world.Limiter.TryEnter()) IsIn = true;
            else Error = _world.Limiter.Enqueue(Waiter);
            if (!Waiter.IsWaiting) SettledAt = _world.Now;
        }

        public void Exit() => _world.Limiter.Exit();

        void IRateUser.OnRateGranted()
        {
            (IsIn, SettledAt) = (true, _world.Now);
            Entered?.Invoke();
        }

        void IRateUser.OnRateRefused(PgError error) => (Error, SettledAt) = (error, _world.Now);

        void IRateUser.OnLongRateWait(PgError notice) => Notices++;
    }
}
