using System.Diagnostics;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Proxy.Limits;

/// <summary>Queries that a limit holds back: first come, first served, up to a bound.</summary>
internal sealed partial class TenantLimiter
{
    // Another proxy may leave more for this one at any time, and nobody tells the line.
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(50);

    private RateWaiter? _first;
    private RateWaiter? _last;

    /// <summary>Queries in line.</summary>
    public int Waiting { get; private set; }

    /// <summary>Stands in line; the user is called once, unless <see cref="Leave"/> comes first.</summary>
    /// <returns>The error, when its turn cannot come within Limits:MaxRateDelay.</returns>
    public PgError? Enqueue(RateWaiter waiter)
    {
        long now = _clock();
        Cell.QueriesWanted++;
        TimeSpan delayMax = _options.Value.Limits.MaxRateDelay;
        LimitKind reason = Look(now, Waiting, out TimeSpan wait) ?? _first?.Reason ?? LimitKind.Queries;
        // A part that is small because little was wanted here grows with the next exchange, up to an even one at least.
        if (reason == LimitKind.Queries && (_isLeased || _part.Count > 1))
            wait = _queries.WaitFor(1 + Waiting, now, (double)(_limits.QueriesPerSecond ?? 0) / (_isLeased ? _lease!.Proxies : _shares) / _part.Count);
        if (delayMax == TimeSpan.Zero || wait > delayMax) return Refuse(reason, wait);
        waiter.IsWaiting = true;
        waiter.Since = now;
        waiter.Deadline = now + (long)(delayMax.TotalSeconds * Stopwatch.Frequency);
        waiter.IsNoticeSent = false;
        waiter.Reason = reason;
        (waiter.Previous, waiter.Next) = (_last, null);
        if (_last is null) _first = waiter;
        else _last.Next = waiter;
        _last = waiter;
        Cell.Backlog = ++Waiting;
        Cell.LacksPlace = _first!.Reason == LimitKind.ConcurrentQueries;
        if (!_timer.IsArmed) Arm(now, wait);
        return null;
    }

    /// <summary>The user gives up.</summary>
    /// <returns>False when it was no longer in line.</returns>
    public bool Leave(RateWaiter waiter)
    {
        if (!waiter.IsWaiting) return false;
        waiter.IsWaiting = false;
        if (waiter.Previous is null) _first = waiter.Next;
        else waiter.Previous.Next = waiter.Next;
        if (waiter.Next is null) _last = waiter.Previous;
        else waiter.Next.Previous = waiter.Previous;
        waiter.Next = waiter.Previous = null;
        Cell.Backlog = --Waiting;
        if (Waiting > 0) return true;
        _timers.Disarm(_timer);
        // What it stood in the way of.
        if (!Cell.LacksPlace) return true;
        Cell.LacksPlace = false;
        if (_group.Count > 1) _group.WakeBeside(Cell);
        return true;
    }

    private PgError Refuse(LimitKind reason, TimeSpan wait)
    {
        _stats.RateRefused++;
        _stats.Limited(reason, isRefused: true)++;
        _stats.ErrorsProxy++;
        return ErrorFor(reason, wait);
    }

    private void OnTimer()
    {
        long now = _clock();
        Pump(now);
        TellWhoWaitsLong(now);
    }

    /// <summary>Lets in whoever may, and refuses whoever has waited for too long.</summary>
    private void Pump(long now)
    {
        TimeSpan wait = TimeSpan.Zero;
        while (_first is { } first)
        {
            LimitKind? reason = Look(now, ahead: 0, out wait);
            if (reason is null)
            {
                // Counted before the line lets others look.
                Admit(now);
                Leave(first);
                _stats.RateDelayed++;
                _stats.Limited(first.Reason, isRefused: false)++;
                first.User.OnRateGranted();
                continue;
            }
            first.Reason = reason.Value;
            Cell.LacksPlace = reason == LimitKind.ConcurrentQueries;
            if (now < first.Deadline) break;
            Leave(first);
            first.User.OnRateRefused(Refuse(reason.Value, wait));
        }
        if (_first is not null) Arm(now, wait);
    }

    private void Arm(long now, TimeSpan wait)
    {
        TimeSpan delay = wait > TimeSpan.Zero && wait < LookInterval ? wait : LookInterval;
        TimeSpan left = _first is null || now >= _first.Deadline ? TimeSpan.Zero : Stopwatch.GetElapsedTime(now, _first.Deadline);
        _timers.Arm(_timer, left < delay ? left : delay);
    }

    private void TellWhoWaitsLong(long now)
    {
        TimeSpan after = _options.Value.Pool.QueueNoticeAfter;
        if (after == TimeSpan.Zero) return;
        for (RateWaiter? waiter = _first; waiter is not null && Stopwatch.GetElapsedTime(waiter.Since, now) >= after; waiter = waiter.Next)
        {
            if (waiter.IsNoticeSent) continue;
            waiter.IsNoticeSent = true;
            waiter.User.OnLongRateWait(ProxyErrors.StillDelayed(after));
        }
    }
}
