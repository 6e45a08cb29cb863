namespace ProxySuite.Proxy.Pooling;

/// <summary>
/// The right to hold one server connection: one place of the tenant's budget and one of the shard's. An owned value: whoever takes it gives it back
/// exactly once, so that free + leased = budget at any time. A leaked permit freezes a pool slowly; that bug is worth a type of its own.
/// </summary>
internal sealed class ServerPermit : IDisposable
{
    private readonly TenantBudget _tenant;
    private bool _isReturned;

    internal ServerPermit(TenantBudget tenant, ShardPlace place)
    {
        _tenant = tenant;
        Place = place;
        tenant.Take();
    }

    /// <summary>The place on the shard.</summary>
    public ShardPlace Place { get; }

    /// <summary>Gives the permit back: no connection could be opened with it.</summary>
    /// <param name="isShardsFault">False when one login was refused, which says nothing about others.</param>
    public void Failed(bool isShardsFault)
    {
        End();
        Place.Failed(isShardsFault);
    }

    /// <summary>Gives the permit back.</summary>
    /// <exception cref="InvalidOperationException">It was given back before: two owners believe that it is theirs.</exception>
    public void Dispose()
    {
        End();
        Place.Dispose();
    }

    private void End()
    {
        if (_isReturned) throw new InvalidOperationException("a server permit was returned twice");
        _isReturned = true;
        _tenant.Return();
    }
}

/// <summary>How many server connections a tenant may hold on one reactor; touched by that reactor's thread alone.</summary>
internal sealed class TenantBudget
{
    /// <summary>The limit, from 1; may be lowered below what is leased, which then drains.</summary>
    public int Total { get; set; } = 1;

    /// <summary>Permits out.</summary>
    public int Leased { get; private set; }

    /// <summary>Permits left; 0 while more are out than the limit allows.</summary>
    public int Free => Math.Max(0, Total - Leased);

    internal void Take() => Leased++;

    internal void Return()
    {
        Leased--;
        if (Leased < 0) throw new InvalidOperationException("more server permits came back than were given");
    }
}
