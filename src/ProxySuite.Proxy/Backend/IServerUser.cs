using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Proxy.Backend;

/// <summary>Whoever a server connection works for at the moment: it gets the replies, in order, and is told where they end.</summary>
internal interface IServerUser : ILedgerObserver
{
    /// <summary>Replies to pass on. The span must not be kept.</summary>
    /// <returns>False when no more can be taken until <see cref="ServerConnection.ResumeReplies"/>.</returns>
    bool OnReplies(ReadOnlySpan<byte> replies);

    /// <summary>The server's session was notified.</summary>
    void OnNotification(ServerConnection server, NotificationResponse notification);

    /// <summary>Asked in front of a ReadyForQuery, which is ticked off: true when the user sends it itself, later.</summary>
    bool KeepsReady(ServerConnection server, TransactionStatus status);

    /// <summary>A ReadyForQuery went out with the replies before this call, or is the user's to send. The user may check the server in from here.</summary>
    void OnReadyForQuery(ServerConnection server, TransactionStatus status);

    /// <summary>A statement completed with a tag that says more than "rows".</summary>
    void OnTag(ServerConnection server, TagMeaning meaning);

    /// <summary>The whole message that the client gets in place of the server's error; null to pass that on.</summary>
    byte[]? InPlaceOf(ErrorFields error);

    /// <summary>What the server works on for this user has gone beyond a limit of time.</summary>
    void OnOverdue(ServerConnection server, Overdue overdue);

    /// <summary>An ErrorResponse is about to be ticked off.</summary>
    /// <param name="server">The server that sent it.</param>
    /// <param name="body">Its body.</param>
    /// <param name="instead">A frame for the client in its place, or null when it goes as it is.</param>
    /// <returns>False when nobody shall see it: its batch goes nowhere, and the user sends it again once the server is ready.</returns>
    bool OnErrorComing(ServerConnection server, ReadOnlySpan<byte> body, out byte[]? instead);

    /// <summary>An ErrorResponse went out with the replies.</summary>
    void OnError(ServerConnection server);

    /// <summary>The server answered a message that the proxy sent on the user's behalf; nobody is shown it. The user may check the server in from here.</summary>
    void OnOwnReply(ServerConnection server, BackendMessage type, ReadOnlySpan<byte> body);

    /// <summary>A ParameterStatus went out with the replies.</summary>
    void OnParameter(string name, string value);

    /// <summary>The settings that the proxy put in front of the client's bytes are in force; the server's parameters may have changed with them.</summary>
    void OnSettingsApplied(ServerConnection server);

    /// <summary>The server has said what is left in its session; null when it could not.</summary>
    void OnProbed(ServerConnection server, SessionRemains? remains);

    /// <summary>The server refused those settings; the connection is closed by its owner.</summary>
    void OnSettingsRefused(ServerConnection server, ReadOnlySpan<byte> errorResponse);

    /// <summary>The server did not take the seal that the proxy put in front of the client's bytes; the connection is closed by its owner.</summary>
    /// <param name="sqlState">Of the server's error.</param>
    void OnSealRefused(ServerConnection server, string sqlState);

    /// <summary>The connection took all that was queued on it: the client may be read again.</summary>
    void OnServerDrained();

    /// <summary>The connection is gone or in doubt; it is no longer the user's.</summary>
    void OnServerLost(ServerConnection server, ServerLoss loss);
}

/// <summary>Whoever gets the bytes of a server connection as they come, because no ledger can follow what is said there: a replication stream goes both ways at once.</summary>
internal interface IServerTap
{
    /// <inheritdoc cref="Transport.IConnectionHandler.OnBytes"/>
    Transport.Consumed OnServerBytes(ReadOnlySpan<byte> received);

    /// <summary>The connection took all that was queued on it.</summary>
    void OnServerDrained();

    /// <summary>The connection is gone or in doubt; it is no longer the tap's.</summary>
    void OnServerLost(ServerLoss loss);
}

/// <summary>Why a user lost its server.</summary>
internal enum ServerLoss : byte
{
    /// <summary>The server closed or reset the connection.</summary>
    Closed,

    /// <summary>It sent what it did not owe: nothing it says can be trusted to be for this client.</summary>
    Violation,
}

/// <summary>The pool that a server connection belongs to.</summary>
internal interface IServerOwner
{
    /// <summary>A reset that the pool asked for is done; the connection is as after its login.</summary>
    void OnReset(ServerConnection server);

    /// <summary>A connection that was parked because of cancel requests is the owner's again: to be closed when it is condemned, else to be reset.</summary>
    void OnCancelsOver(ServerConnection server);

    /// <summary>The connection is closed, for whatever reason; its permit is still held.</summary>
    void OnServerClosed(ServerConnection server);
}
