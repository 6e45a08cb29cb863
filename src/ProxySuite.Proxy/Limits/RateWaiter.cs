using ProxySuite.Proxy.Telemetry;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Proxy.Limits;

/// <summary>Whose query is held back by a limit.</summary>
internal interface IRateUser
{
    /// <summary>The wait is over: it is paid for, and may start.</summary>
    void OnRateGranted();

    /// <summary>The wait has lasted for as long as it may.</summary>
    void OnRateRefused(PgError error);

    /// <summary>The wait is long and goes on. Called once a wait.</summary>
    void OnLongRateWait(PgError notice);
}

/// <summary>A place in a tenant's line of queries that a limit holds back. A user has one for all its waits.</summary>
internal sealed class RateWaiter(IRateUser user)
{
    internal readonly IRateUser User = user;
    internal RateWaiter? Next;
    internal RateWaiter? Previous;
    internal long Since;
    internal long Deadline;
    internal bool IsNoticeSent;
    internal LimitKind Reason;

    /// <summary>True while in line. Whoever takes it out decides: its turn, its deadline, or its user's leaving.</summary>
    public bool IsWaiting { get; internal set; }
}
