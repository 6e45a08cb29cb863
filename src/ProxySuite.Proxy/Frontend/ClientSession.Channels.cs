using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Proxy.Frontend;

/// <summary>
/// LISTEN without a server of one's own. The tenant's listener listens first; then PostgreSQL accepts the client's own LISTEN, and with its commit the client becomes one of
/// those that the listener's notifications go to. They wait until the client is between two queries, and those of its own transaction come before its ReadyForQuery.
/// </summary>
internal sealed partial class ClientSession : IChannelUser
{
    private SessionChannels? _channels;
    private PgError? _channelFailure;  // why the LISTEN that is held cannot go on
    private bool _isHeldForChannels;
    private bool _hasPrepared;         // a channel was joined for a LISTEN that may never have been sent
    private bool _isReadyKept;         // a ReadyForQuery that the client is to get behind its notifications

    /// <summary>Whether the server's own session listens for this client.</summary>
    private bool ListensItself => _isNative || _pins.Has(PinReason.Listen) || _pins.Has(PinReason.Other);

    /// <summary>Whether a LISTEN can be carried: names and payloads come in UTF-8.</summary>
    private bool CanShareListener => !ListensItself && (_channels?.Count ?? 0) < SessionChannels.Max
        && string.Concat((_told["client_encoding"] ?? "").Where(char.IsAsciiLetterOrDigit)).ToUpperInvariant() is "UTF8" or "UNICODE";

    /// <summary>Looks at a text in front of its way to the server.</summary>
    private Admission AdmitText(StatementTraits traits, SessionChange? change, out PgError? refusal)
    {
        refusal = WhyNotPinned(traits, change);
        if (refusal is not null) return Admission.Refuse;
        if ((traits & (StatementTraits.Listen | StatementTraits.Notify)) == 0) return Admission.Pass;
        if (_pool.Config.Notifications == NotificationReach.None)
        {
            refusal = ProxyErrors.NotificationsRefused();
            return Admission.Refuse;
        }
        if (!traits.HasFlag(StatementTraits.Listen) || change is not { HasChannel: true } || !CanShareListener) return Admission.Pass;
        if (_channelFailure is not null)
        {
            refusal = _channelFailure;
            (_channelFailure, _isHeldForChannels) = (null, false);
            _channels?.DropUnsent();
            return Admission.Refuse;
        }
        _channels ??= new SessionChannels(this);
        _hasPrepared = true;
        bool isReady = true;
        foreach (SessionChange part in Parts(change))
        {
            if (part is ChannelChange { IsListen: true, Channel: { } name }) isReady &= _channels.Prepare(_pool.Listener, name);
        }
        _isHeldForChannels = !isReady;
        return isReady ? Admission.Pass : Admission.Hold;
    }

    /// <inheritdoc/>
    void IChannelUser.OnChannelOn()
    {
        // It is looked at again, and held again while another of its channels is missing.
        if (_isHeldForChannels) _link.ResumeReading();
    }

    /// <inheritdoc/>
    void IChannelUser.OnChannelsFailed(PgError error) => FailHeldChannels(error);

    private bool FailHeldChannels(PgError error)
    {
        if (!_isHeldForChannels) return false;
        _channelFailure = error;
        _link.ResumeReading();
        return true;
    }

    /// <inheritdoc/>
    void IChannelUser.OnNotification(in ChannelMessage message)
    {
        if (_state == SessionState.Closing) return;
        bool isInFlight = _server is { Ledger.Count: > 0 } || _isReadyKept;
        _channels!.Take(message, SenderFor(message, isInFlight), isInFlight);
        Deliver();
    }

    /// <summary>A client tells its own notifications by the process id that it was given; no other may look like it.</summary>
    private int SenderFor(in ChannelMessage message, bool isInFlight)
    {
        if (_server is { } server && isInFlight && server.CancelKey.ProcessId == message.ProcessId && Equals(server.RemoteEndPoint, message.Origin)) return ProcessId;
        return message.ProcessId == ProcessId && !_isNative ? -message.ProcessId : message.ProcessId;
    }

    /// <inheritdoc/>
    public void OnNotification(ServerConnection server, NotificationResponse notification)
    {
        if (!ListensItself) return;
        _pool.Listener.Judge(this, new ChannelMessage(notification.ProcessId, server.RemoteEndPoint, notification.Channel.ToArray(), notification.Payload.ToArray()));
    }

    /// <inheritdoc/>
    void IChannelUser.OnJudged(in ChannelMessage message)
    {
        if (_state == SessionState.Closing || !ListensItself) return;
        int sender = _server is { } server && server.CancelKey.ProcessId == message.ProcessId ? ProcessId : message.ProcessId;
        var frame = new FrameWriter();
        NotificationResponse.Write(frame, sender, message.Channel, message.Payload);
        // PostgreSQL sends them at the right moment; what is known at once goes out in that moment.
        if (_channels is null or { WaitingBytes: 0 } && _server is { Ledger.Status: TransactionStatus.Idle }) ToClient(frame.WrittenSpan);
        else
        {
            (_channels ??= new SessionChannels(this)).Add(frame.WrittenSpan.ToArray());
            Deliver();
        }
    }

    /// <inheritdoc/>
    void IChannelUser.OnNotificationsMissed()
    {
        if (_state == SessionState.Closing) return;
        var frame = new FrameWriter();
        NoticeResponse.Write(frame, ProxyErrors.NotificationsMissed());
        _channels!.Add(frame.WrittenSpan.ToArray());
        Deliver();
    }

    /// <inheritdoc/>
    void IChannelUser.OnListenerReplaced()
    {
        TenantPool pool = _pool;
        while (pool.Successor is { } successor) pool = successor;
        _channels!.MoveTo(pool.Listener);
        FailHeldChannels(ProxyErrors.ShardUnavailable());
        ((IChannelUser)this).OnNotificationsMissed();
    }

    /// <summary>Sends what waits, if the client is between two queries and reads.</summary>
    private void Deliver()
    {
        if (_channels is not { WaitingBytes: > 0 } channels) return;
        if (channels.WaitingBytes > SessionChannels.WaitingBytesMax)
        {
            _stats.ErrorsClient++;
            End(ProxyErrors.NotificationsOverflow(SessionChannels.WaitingBytesMax));
            return;
        }
        bool isBetween = _state == SessionState.Idle || (_state == SessionState.Linked && !_isReadyKept && _bodyLeft == 0 && _server!.Ledger.IsFree);
        while (isBetween && !_isClientFull && channels.TryTake(out byte[] frame)) ToClient(frame);
    }

    /// <inheritdoc/>
    public bool KeepsReady(ServerConnection server, TransactionStatus status)
    {
        // With more on its way behind it the client does not wait for this one.
        if (_channels is not { Any: true } || status != TransactionStatus.Idle || !server.Ledger.IsFree || !_pool.Listener.IsUp) return false;
        return _isReadyKept = true;
    }

    /// <summary>Holds the ReadyForQuery and the server back until all has come that was notified before: with the server goes the knowledge of who sent it.</summary>
    private void SendReadyBehindNotifications() => _pool.Listener.Barrier(() =>
    {
        if (_isReadyKept) SendKeptReady();
    });

    private void SendKeptReady()
    {
        _isReadyKept = false;
        if (_hasPrepared && !_isHeldForChannels)
        {
            _hasPrepared = false;
            _channels!.DropUnsent();
        }
        Deliver();
        if (_state == SessionState.Closing) return;
        ToClient(ReadyIdle);
        if (_server is { } server) TryRelease(server);
        _link.ResumeReading();
    }

    private static IReadOnlyList<SessionChange> Parts(SessionChange change) => change is SessionChanges several ? several.All : [change];
}

/// <summary>What becomes of a text that is on its way to the server.</summary>
internal enum Admission : byte
{
    Pass,
    Hold,   // something has to be there first: the client is read no further until it is
    Refuse, // the client gets an error in its place
}
