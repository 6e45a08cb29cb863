using System.Diagnostics;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Proxy.Frontend;

/// <summary>What operators see of a session, and do to it.</summary>
internal sealed partial class ClientSession
{
    /// <summary>When it was made, in Stopwatch ticks.</summary>
    public long ConnectedAt { get; } = Stopwatch.GetTimestamp();

    /// <summary>What it does.</summary>
    public SessionState State => _state;

    /// <summary>When the oldest unanswered request came, in reactor ticks; 0 when nothing is asked.</summary>
    public long RequestStarted => _requestStarted;

    /// <summary>When its wait began, in reactor ticks; 0 unless it waits.</summary>
    public long WaitStarted => _state == SessionState.Waiting ? WaitingSince : 0;

    /// <summary>Which limit of its tenant holds its query back; null for none.</summary>
    public LimitKind? DelayedBy => _isDelayed ? _rateWaiter!.Reason : null;

    /// <summary>Since when, in reactor ticks; 0 when none does.</summary>
    public long DelayStarted => _isDelayed ? _rateWaiter!.Since : 0;

    /// <summary>Its application_name, as it was told last.</summary>
    public string ApplicationName => _told["application_name"] ?? "";

    /// <summary>Whether the client's side is encrypted.</summary>
    public bool IsEncrypted => _link is Transport.Tls.TlsConnection;

    /// <summary>True while its transaction is open on the server that it holds.</summary>
    public bool IsInTransaction => _server is { } server && server.Ledger.Status != TransactionStatus.Idle;

    /// <summary>True while the server that it holds owes an answer.</summary>
    public bool IsAsking => _server is { Ledger.Count: > 0 };

    /// <summary>Whether a reason pins it.</summary>
    public bool IsPinned(PinReason reason) => _pins.Has(reason);

    /// <summary>Ends the session at once: what it runs is cancelled, and the client is told why.</summary>
    public void Kill(PgError error)
    {
        if (_state == SessionState.Closing) return;
        SendError(error);
        Leave(cancel: true);
        _link.Close(FlushDeadline);
    }
}
