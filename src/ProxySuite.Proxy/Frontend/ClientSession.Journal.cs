using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Proxy.Frontend;

/// <summary>The session's journal: what its texts change, when it becomes part of the session, and when it never was.</summary>
internal sealed partial class ClientSession
{
    private bool _hasSavepointInDoubt; // one that was sent in a batch that failed may be there or not

    /// <summary>What a text that goes to the server may leave behind in its session.</summary>
    private void NoteTraits(StatementTraits traits, SessionChange? change)
    {
        if (traits == StatementTraits.None) return;
        _batchTraits |= traits;
        StatementTraits notCarried = NotCarried(traits, change);
        if (change is not null) Enter(change, change.HasSetting && !IsJournalFull, change.HasChannel && CanShareListener);
        if ((traits & (StatementTraits.DiscardAll | StatementTraits.Deallocate)) != 0) _isDiscardSent = true;
        PinFor(notCarried);
        if ((traits & (StatementTraits.Do | StatementTraits.Call | StatementTraits.UnicodeIdentifier | StatementTraits.ChangesReading)) != 0) _server!.IsDirty = true;
    }

    /// <summary>Traits of what the journal does not carry.</summary>
    private StatementTraits NotCarried(StatementTraits traits, SessionChange? change)
    {
        if (change is { HasSetting: true } && !IsJournalFull) traits &= ~(StatementTraits.SetsSession | StatementTraits.SetConfig);
        if (change is { HasChannel: true } && CanShareListener) traits &= ~StatementTraits.Listen;
        return traits;
    }

    // A journal without an end would be memory without one: such a client stays with its server.
    private bool IsJournalFull => (_pendingChanges?.Count ?? 0) + _settings.Count >= JournalMax;

    private void Enter(SessionChange change, bool hasSetting, bool hasChannel)
    {
        long number = _server!.Ledger.LastPushed + 1;
        foreach (SessionChange part in Parts(change))
        {
            if (part switch
            {
                SettingChange => !hasSetting,
                ChannelChange => !hasChannel,
                // One that was set before anything else is found by not being here.
                _ => _pendingChanges is not { Count: > 0 },
            }) continue;
            if (part is ChannelChange channel) _channels?.NoteSent(channel);
            (_pendingChanges ??= []).Add(new SentChange(number, part));
        }
    }

    /// <summary>Changes become part of the session when their transaction commits, and never were when it does not.</summary>
    private void SettleChanges(ServerConnection server, TransactionStatus status)
    {
        // A pipeline may have sent more than has been answered: this ReadyForQuery says nothing of what comes behind it.
        long settled = server.Ledger.LastSettled;
        int count = 0;
        while (count < _pendingChanges!.Count && _pendingChanges[count].Number <= settled) count++;
        if (count == 0) return;
        if (!_sawError && _rollbacks > 0 && _rollbacks == RollbacksTo(count)) (count, _rollbacks) = (FollowSavepoints(count), 0);
        if (status == TransactionStatus.Idle && !_sawError && _rollbacks == 0)
        {
            Apply(server, count);
        }
        else if (status != TransactionStatus.Idle && _rollbacks == 0 && !_sawCommit)
        {
            _hasSavepointInDoubt |= _sawError && HasSavepoint(count);
            return;
        }
        else if (status != TransactionStatus.Idle || MayHaveKept(count))
        {
            // An error or ROLLBACK beside a COMMIT: which of the changes hold is the server's secret, so the session stays with it. It hears rather more than less.
            if (HasSetting(count)) Pin(PinReason.SessionSetting);
            for (int i = 0; i < count; i++) Settle(_pendingChanges[i].Change, isKept: true);
        }
        else
        {
            for (int i = 0; i < count; i++) Settle(_pendingChanges[i].Change, isKept: false);
        }
        _pendingChanges.RemoveRange(0, count);
        _hasSavepointInDoubt &= _pendingChanges.Count > 0;
    }

    private void Apply(ServerConnection server, int count)
    {
        SessionSettings carried = server.Settings;
        for (int i = 0; i < count; i++)
        {
            Settle(_pendingChanges![i].Change, isKept: true);
            if (_pendingChanges[i].Change is not SettingChange setting) continue;
            _settings = setting.Apply(_settings, _startup);
            carried = setting.Apply(carried, SessionSettings.None);
            if (setting.Name is null) OnSettingsReset(_pendingChanges[i].Number);
        }
        _settings = _pool.Settings.Intern(_settings);
        server.NoteSettings(_pool.Settings.Intern(carried));
    }

    private void Settle(SessionChange change, bool isKept)
    {
        if (change is not ChannelChange channel) return;
        if (isKept) _channels?.Apply(channel);
        else _channels?.Drop(channel);
    }

    /// <summary>How many of the changes that this ReadyForQuery answers go back to a savepoint; -1 when it cannot be told.</summary>
    private int RollbacksTo(int count)
    {
        int rollbacks = 0;
        for (int i = 0; i < count; i++)
        {
            if (_pendingChanges![i].Change is not SavepointChange savepoint) continue;
            if (_hasSavepointInDoubt || savepoint.Name is null) return -1;
            if (savepoint.Kind == StatementKind.Rollback && _pendingChanges[i].Number > _readyUpTo) rollbacks++;
        }
        return rollbacks;
    }

    /// <summary>Carries out what savepoints say about the first changes, all of which ran.</summary>
    /// <returns>How many of them are left.</returns>
    private int FollowSavepoints(int count)
    {
        for (int i = 0; i < count; i++)
        {
            if (_pendingChanges![i].Change is not SavepointChange { Kind: not StatementKind.Savepoint } end) continue;
            int start = i - 1;
            while (start >= 0 && !(_pendingChanges[start].Change is SavepointChange { Kind: StatementKind.Savepoint } begin && begin.Name == end.Name)) start--;
            int before = _pendingChanges.Count;
            if (end.Kind == StatementKind.Rollback)
            {
                // The savepoint itself stays. One that is not here was set before all that is here.
                for (int undone = start + 1; undone < i; undone++) Settle(_pendingChanges[undone].Change, isKept: false);
                _pendingChanges.RemoveRange(start + 1, i - start);
            }
            else
            {
                _pendingChanges.RemoveAt(i);
                for (int inside = i - 1; inside >= Math.Max(0, start); inside--)
                {
                    if (_pendingChanges[inside].Change is SavepointChange { Kind: StatementKind.Savepoint }) _pendingChanges.RemoveAt(inside);
                }
            }
            int removed = before - _pendingChanges.Count;
            count -= removed;
            i -= removed;
        }
        return count;
    }

    /// <summary>False when an error or ROLLBACK has certainly undone the first changes: nothing was committed meanwhile, and none came behind the ROLLBACK.</summary>
    private bool MayHaveKept(int count)
        => _sawCommit || (_sawError && _sawOther) || (_rollbacks > 0 && _pendingChanges![count - 1].Number > _readyUpTo);

    private bool HasSetting(int count)
    {
        for (int i = 0; i < count; i++)
        {
            if (_pendingChanges![i].Change is SettingChange) return true;
        }
        return false;
    }

    private bool HasSavepoint(int count)
    {
        for (int i = 0; i < count; i++)
        {
            if (_pendingChanges![i].Change is SavepointChange && _pendingChanges[i].Number > _readyUpTo) return true;
        }
        return false;
    }

    /// <summary>A change that was sent, and the number of its entry in the server's ledger.</summary>
    private readonly record struct SentChange(long Number, SessionChange Change);
}
