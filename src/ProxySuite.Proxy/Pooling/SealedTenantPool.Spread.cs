namespace ProxySuite.Proxy.Pooling;

/// <summary>
/// The tenant's limit where several reactors serve it. What counts are servers lent at a time, so a count of all reactors would be contended by every transaction; instead each
/// reactor takes places of the limit as it lacks them, keeps them, and gives them to another that lacks some by the rule that moves connections (<see cref="TenantPlaces"/>).
/// </summary>
internal sealed partial class SealedTenantPool
{
    private readonly TenantBudget? _held; // the places that this reactor has; Budget.Total is as many
    private long _usedAt;
    private long _gotAt;
    private long _lookPlacesAt;

    /// <inheritdoc/>
    public override int IdleHint => Budget.Free;

    /// <inheritdoc/>
    private protected override TenantBudget Shared => _held ?? Budget;

    /// <summary>What is guaranteed to the tenant, or the part of this reactor.</summary>
    public int Minimum => Shared.PartOf(Math.Min(Config.ConnectionsMin, Config.Connections));

    /// <inheritdoc/>
    public override void LeavePlaces()
    {
        while (_held!.Leased > 0) _held.Return();
        Budget.Total = 0;
        _held.End();
    }

    /// <inheritdoc/>
    private protected override void SetLimit(int connections)
    {
        // During the base's construction there is no place yet.
        if (_held is null)
        {
            Budget.Total = 0;
            return;
        }
        _held.Total = connections;
        GivePlaces();
    }

    /// <inheritdoc/>
    private protected override void MoveIdleOver() => GivePlaces();

    /// <summary>Takes places for those who wait.</summary>
    private void TakePlaces()
    {
        int lacking = IsPaused || Refusal is not null ? 0 : Math.Max(0, WaitingCount - Budget.Free);
        for (; lacking > 0 && _held!.TryTake(); lacking--)
        {
            Budget.Total = _held.Leased;
            _gotAt = _usedAt = Now;
        }
        _held!.Want(lacking);
    }

    /// <summary>Gives up places that are free here and lacking elsewhere, or that the plan has no more.</summary>
    private void GivePlaces()
    {
        bool isFirst = true;
        while (Budget.Free > 0 && _held is { } held && (held.IsOverdrawn || (held.IsWantedElsewhere && IsToGive(held, isFirst))))
        {
            held.Return();
            Budget.Total = held.Leased;
            isFirst = false;
        }
    }

    private bool IsToGive(TenantBudget held, bool isFirst)
    {
        // A no holds for a moment: while all reactors are busy, not every query is worth a look.
        if (!isFirst || Now >= _lookPlacesAt)
        {
            TimeSpan? idle = WaitingCount == 0 ? TimeSpan.FromMilliseconds(Now - _usedAt) : null;
            if (held.TryYield(hasServed: Now - _gotAt >= ShareQuantum.TotalMilliseconds, idle, ShareQuantum)) return true;
            _lookPlacesAt = Now + LookAgainMilliseconds;
        }
        LookAgainSoon();
        return false;
    }
}
