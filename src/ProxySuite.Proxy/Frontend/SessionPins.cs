using ProxySuite.Proxy.Telemetry;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Proxy.Frontend;

/// <summary>
/// Why a client keeps its server beyond the transaction (A4): state that lives in the server's session and cannot be carried to another one.
/// A pin lasts until DISCARD ALL, or a driver's own reset, or until the server says that the state is gone, or the client leaves; it is counted where operators see it.
/// </summary>
internal struct SessionPins(TenantStats stats)
{
    private const StatementTraits Pinning = StatementTraits.Listen | StatementTraits.DeclareWithHold | StatementTraits.CreatesTemp
        | StatementTraits.Load | StatementTraits.SessionAdvisoryLock | StatementTraits.SetConfig | StatementTraits.SetsSession | StatementTraits.SetRoleOrAuthorization;

    /// <summary>Settings that are not carried, identities among them.</summary>
    public const StatementTraits Settings = StatementTraits.SetConfig | StatementTraits.SetsSession | StatementTraits.SetRoleOrAuthorization;

    private uint _reasons;
    private bool _hasOtherSetting;

    /// <summary>True after SET ROLE or SET SESSION AUTHORIZATION.</summary>
    public bool HasIdentity { get; private set; }

    /// <summary>True when a text with these traits pins.</summary>
    public static bool IsPinning(StatementTraits traits) => (traits & Pinning) != 0;

    /// <summary>True while anything holds the server.</summary>
    public readonly bool Any => _reasons != 0;

    /// <summary>True when this is among the reasons.</summary>
    public readonly bool Has(PinReason reason) => (_reasons & (1u << (int)reason)) != 0;

    /// <summary>Pins for whatever a statement may leave behind.</summary>
    /// <param name="traits">What the scanner found, less what the journal carries.</param>
    public void Note(StatementTraits traits)
    {
        if ((traits & Pinning) == 0) return;
        if (traits.HasFlag(StatementTraits.Listen)) Add(PinReason.Listen);
        if (traits.HasFlag(StatementTraits.DeclareWithHold)) Add(PinReason.HoldCursor);
        if (traits.HasFlag(StatementTraits.CreatesTemp)) Add(PinReason.TempTable);
        if (traits.HasFlag(StatementTraits.Load)) Add(PinReason.Load);
        if (traits.HasFlag(StatementTraits.SessionAdvisoryLock)) Add(PinReason.AdvisoryLock);
        HasIdentity |= (traits & StatementTraits.SetRoleOrAuthorization) != 0;
        if ((traits & Settings) != 0) Add(PinReason.SessionSetting);
        _hasOtherSetting |= (traits & (StatementTraits.SetConfig | StatementTraits.SetsSession)) != 0 && (traits & StatementTraits.SetRoleOrAuthorization) == 0;
    }

    /// <summary>The session works as who it is again.</summary>
    public void ForgetIdentity()
    {
        if (!HasIdentity) return;
        HasIdentity = false;
        if (!_hasOtherSetting) Remove(PinReason.SessionSetting);
    }

    /// <summary>Adds one reason.</summary>
    public void Add(PinReason reason)
    {
        _hasOtherSetting |= reason == PinReason.SessionSetting && !HasIdentity;
        uint bit = 1u << (int)reason;
        if ((_reasons & bit) != 0) return;
        _reasons |= bit;
        stats.Pinned(reason)++;
    }

    /// <summary>The state of one kind is gone.</summary>
    public void Remove(PinReason reason)
    {
        uint bit = 1u << (int)reason;
        if ((_reasons & bit) == 0) return;
        _reasons &= ~bit;
        if (reason == PinReason.SessionSetting) HasIdentity = _hasOtherSetting = false;
        stats.Pinned(reason)--;
    }

    /// <summary>All state is gone.</summary>
    public void Clear()
    {
        HasIdentity = _hasOtherSetting = false;
        for (int reason = 0; _reasons != 0; reason++, _reasons >>= 1)
        {
            if ((_reasons & 1) != 0) stats.Pinned((PinReason)reason)--;
        }
    }
}
