namespace ProxySuite.Proxy.Backend;

/// <summary>How far a server's work has come. The relay counts, which costs an increment; whoever watches the time compares with what it saw last.</summary>
internal struct ServerWork
{
    /// <summary>Statements and requests that were answered.</summary>
    public long Completed;

    /// <summary>Transactions that ended.</summary>
    public long Transactions;

    /// <summary>What the watch saw last, and since when (reactor time in milliseconds; 0 for not running).</summary>
    public long SeenCompleted, SeenTransactions, StatementSince, TransactionSince, IdleSince;

    /// <summary>When the statement that is still running was cancelled; 0 for not.</summary>
    public long CancelledAt;
}

/// <summary>Which limit of time was passed.</summary>
internal enum Overdue : byte
{
    None,

    /// <summary>A statement runs for longer than its plan allows: to be cancelled.</summary>
    Statement,

    /// <summary>It goes on although it was cancelled: to be closed.</summary>
    CancelledStatement,

    /// <summary>A transaction has been open for too long.</summary>
    Transaction,

    /// <summary>A transaction has been open and idle for too long.</summary>
    IdleInTransaction,
}
