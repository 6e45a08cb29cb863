using ProxySuite.Proxy.Backend;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Proxy.Limits;

/// <summary>
/// Looks at a lent server every now and then and says which limit of time it has passed. A timer a query would be armed and taken off for nothing
/// nearly every time; here a query costs one increment, and a deadline is kept to within two intervals.
/// </summary>
internal static class WorkWatch
{
    /// <summary>How often servers are looked at.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    /// <summary>What a statement gets beyond its plan, so that the server's own timeout, which says the same in its own words, comes first.</summary>
    private const long GraceMilliseconds = 500;

    /// <summary>Compares with the last look.</summary>
    /// <param name="work">Of the server; what was seen is noted in it.</param>
    /// <param name="ledger">What it owes and its status.</param>
    /// <param name="now">Reactor time in milliseconds.</param>
    /// <param name="limits">In force.</param>
    /// <param name="cancelMilliseconds">How long a cancelled statement may go on.</param>
    public static Overdue Look(ref ServerWork work, ReplyLedger ledger, long now, in WorkLimits limits, long cancelMilliseconds)
    {
        bool isAsked = ledger.Count > 0;
        bool isOpen = isAsked || ledger.IsUnsynced || ledger.Status != TransactionStatus.Idle;
        bool isSameStatement = work.SeenCompleted == work.Completed;
        bool isSameTransaction = work.SeenTransactions == work.Transactions;
        (work.SeenCompleted, work.SeenTransactions) = (work.Completed, work.Transactions);
        Restart(ref work.StatementSince, isAsked, isSameStatement, now);
        Restart(ref work.TransactionSince, isOpen, isSameTransaction, now);
        Restart(ref work.IdleSince, isOpen && !isAsked, isSameStatement, now);
        if (!isAsked || !isSameStatement) work.CancelledAt = 0;

        if (isAsked && limits.Statement > TimeSpan.Zero && now - work.StatementSince > limits.Statement.TotalMilliseconds + GraceMilliseconds)
        {
            if (work.CancelledAt != 0) return now - work.CancelledAt > cancelMilliseconds ? Overdue.CancelledStatement : Overdue.None;
            work.CancelledAt = now;
            return Overdue.Statement;
        }
        if (isOpen && IsPassed(limits.Transaction, work.TransactionSince, now)) return Overdue.Transaction;
        return isOpen && !isAsked && IsPassed(limits.IdleInTransaction, work.IdleSince, now) ? Overdue.IdleInTransaction : Overdue.None;
    }

    private static void Restart(ref long since, bool isRunning, bool isSame, long now)
    {
        if (!isRunning) since = 0;
        else if (since == 0 || !isSame) since = now;
    }

    private static bool IsPassed(TimeSpan limit, long since, long now) => limit > TimeSpan.Zero && now - since > limit.TotalMilliseconds;
}
