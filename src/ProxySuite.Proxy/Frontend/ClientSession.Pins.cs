using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Proxy.Frontend;

/// <summary>
/// Pins and their end. What a client did to its session is not followed statement by statement: while it is idle its server is asked what is left, and what the server does
/// not vouch for stays pinned. So a table dropped in a function, or a lock given back by name, ends a pin as DISCARD ALL does.
/// </summary>
internal sealed partial class ClientSession
{
    // Between two statements of one conversation it would be asked for nothing.
    private const long IdleBeforeProbe = 200;

    private PgError? _pinRefusal;      // a pin came about that the plan does not allow
    private bool _isPinCounted;
    private bool _hasActed;            // since the server was last asked
    private long _settingPinnedAt;     // number in the ledger of the last statement that set what is not carried

    /// <summary>Notes what a text leaves behind that is not carried; a session with a server of its own has nothing to note.</summary>
    private void PinFor(StatementTraits traits)
    {
        if (_isNative) return;
        if ((traits & SessionPins.Settings) != 0) _settingPinnedAt = _server!.Ledger.LastPushed + 1;
        _pins.Note(traits);
        CountPin();
    }

    /// <summary>Keeps the server for state that was found after it was made.</summary>
    private void Pin(PinReason reason)
    {
        if (_isNative) return;
        if (!_pins.Any && _pool.PinnedInAll >= _pool.Config.PinsMax) _pinRefusal = ProxyErrors.PinsExhausted(_pool.Config.PinsMax).AsFatal();
        _settingPinnedAt = _server?.Ledger.LastPushed ?? 0;
        _pins.Add(reason);
        CountPin();
    }

    private void CountPin()
    {
        if (_pins.Any == _isPinCounted) return;
        _isPinCounted = _pins.Any;
        if (_isPinCounted) _pool.AddPinned(this);
        else _pool.RemovePinned(this);
    }

    /// <summary>Whether a text may run that makes another pinned client of this one: a server has to be left for those who keep none.</summary>
    private PgError? WhyNotPinned(StatementTraits traits, SessionChange? change)
    {
        if (_isNative || _pins.Any || _pool.PinnedInAll < _pool.Config.PinsMax) return null;
        return SessionPins.IsPinning(NotCarried(traits, change)) ? ProxyErrors.PinsExhausted(_pool.Config.PinsMax) : null;
    }

    /// <summary>RESET ALL, committed: settings are as they were, whoever set them; identities are not among them.</summary>
    private void OnSettingsReset(long number)
    {
        if (_settingPinnedAt >= number || _pins.HasIdentity) return;
        _pins.Remove(PinReason.SessionSetting);
        CountPin();
    }

    /// <inheritdoc/>
    internal override void OnPinTick(long now)
    {
        if (_state != SessionState.Linked || _bodyLeft > 0 || _isReadyKept || !_server!.Ledger.IsFree) return;
        TimeSpan limit = _pool.Config.PinnedIdle;
        if (limit > TimeSpan.Zero && now - LastAnswerAt > limit.TotalMilliseconds)
        {
            _stats.ErrorsClient++;
            End(ProxyErrors.PinnedIdleTooLong(limit));
            return;
        }
        // With settings to apply first, the next message is looked at as it comes.
        if (!_hasActed || now - LastAnswerAt < IdleBeforeProbe || !ReferenceEquals(_server.Settings, _settings)) return;
        _hasActed = false;
        _server.Probe(_context.Scratch);
    }

    /// <inheritdoc/>
    public void OnProbed(ServerConnection server, SessionRemains? remains)
    {
        SettleNames();
        // What has been sent meanwhile may have made new state.
        if (remains is not { } left || server.Ledger.Count > 0) return;
        if (!left.HasFlag(SessionRemains.TempObjects)) _pins.Remove(PinReason.TempTable);
        if (!left.HasFlag(SessionRemains.HeldCursors)) _pins.Remove(PinReason.HoldCursor);
        if (!left.HasFlag(SessionRemains.AdvisoryLocks)) _pins.Remove(PinReason.AdvisoryLock);
        if (!left.HasFlag(SessionRemains.PreparedBySql)) _pins.Remove(PinReason.SqlPrepare);
        if (!left.HasFlag(SessionRemains.Channels)) _pins.Remove(PinReason.Listen);
        if (!left.HasFlag(SessionRemains.Identity)) _pins.ForgetIdentity();
        CountPin();
        if (_pins.Any) return;
        server.IsDirty = true;
        TryRelease(server);
        Deliver();
    }
}
