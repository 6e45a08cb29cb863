using ProxySuite.Tenancy.Model;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Proxy.Frontend;

/// <summary>Where a client session stands once it is authenticated; each value says what the session holds.</summary>
internal enum SessionState : byte
{
    Idle,      // no server connection; the last ReadyForQuery said 'I'
    Waiting,   // unread messages and a place in its tenant's queue
    Linked,    // a server connection: replies are owed, a transaction is open, or a pin holds it
    Refused,   // no server connection came: the batch is answered with an error, up to its Sync
    Closing,   // the last bytes to flush
}

/// <summary>What to do with a message of the client.</summary>
internal enum FrontendAction : byte
{
    Forward,       // to the linked server
    LinkAndForward, // get a server first
    Drop,          // it has no effect here, as it would have none on a server
    AnswerReady,   // a Sync with nothing before it: ReadyForQuery, no server needed
    AnswerError,   // the error the session was refused with, then drop up to Sync or answer at once
    Hold,          // a place in the queue is held for it
    Terminate,     // good-bye
    Refuse,        // not a message of this protocol phase: error and end
}

/// <summary>What a release hangs on.</summary>
/// <param name="Status">Of the last ReadyForQuery.</param>
/// <param name="Owed">Replies still owed; a pipelined Query or Sync may be unanswered.</param>
/// <param name="IsUnsynced">An implicit transaction is open: extended messages without their Sync.</param>
/// <param name="IsMidMessage">Part of a client message has gone out and the rest has not.</param>
/// <param name="IsPinned">Session state lives on the server.</param>
internal readonly record struct ReleaseFacts(TransactionStatus Status, int Owed, bool IsUnsynced, bool IsMidMessage, bool IsPinned);

/// <summary>Every legal move of a client session: pure, no I/O. The relay asks, carries out the action, and keeps the state.</summary>
internal static class SessionMachine
{
    /// <summary>On a message of the client (protocol-flow: Simple Query, Extended Query, COPY Operations).</summary>
    public static FrontendAction OnFrontend(SessionState state, FrontendMessage message) => (state, message) switch
    {
        (SessionState.Closing, _) => FrontendAction.Drop,
        (_, FrontendMessage.Terminate) => FrontendAction.Terminate,
        (_, FrontendMessage.PasswordMessage) => FrontendAction.Refuse,
        (_, not (FrontendMessage.Query or FrontendMessage.Parse or FrontendMessage.Bind or FrontendMessage.Describe or FrontendMessage.Execute
            or FrontendMessage.Close or FrontendMessage.Sync or FrontendMessage.Flush or FrontendMessage.FunctionCall
            or FrontendMessage.CopyData or FrontendMessage.CopyDone or FrontendMessage.CopyFail)) => FrontendAction.Refuse,
        (SessionState.Linked, _) => FrontendAction.Forward,
        (SessionState.Waiting, _) => FrontendAction.Hold,
        // Sent before the client knew that its COPY had failed; PostgreSQL ignores them too.
        (_, FrontendMessage.CopyData or FrontendMessage.CopyDone or FrontendMessage.CopyFail) => FrontendAction.Drop,
        // Nothing is owed, so there is nothing to flush.
        (SessionState.Idle, FrontendMessage.Flush) => FrontendAction.Drop,
        (SessionState.Idle, FrontendMessage.Sync) => FrontendAction.AnswerReady,
        (SessionState.Idle, _) => FrontendAction.LinkAndForward,
        (SessionState.Refused, FrontendMessage.Flush) => FrontendAction.Drop,
        (SessionState.Refused, _) => FrontendAction.AnswerError,
        _ => FrontendAction.Refuse,
    };

    /// <summary>Whether the server goes back to its pool.</summary>
    public static bool MayRelease(PoolMode mode, in ReleaseFacts facts)
        // 'I' alone does not free the server: a pipelined Query or Sync may be unanswered, and a pin outlives the transaction.
        => mode != PoolMode.Session
        && facts is { Status: TransactionStatus.Idle, Owed: 0, IsUnsynced: false, IsMidMessage: false, IsPinned: false };
}

