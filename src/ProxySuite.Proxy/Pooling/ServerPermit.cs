namespace ProxySuite.Proxy.Pooling;

/// <summary>
/// The right to hold one server connection: one place of the tenant's budget and one of the shard's. An owned value: whoever takes it gives it back
/// exactly once, so that free + leased = budget at any time. A leaked permit freezes a pool slowly; that bug is worth a type of its own.
/// </summary>
internal sealed class ServerPermit : IDisposable
{
    private readonly TenantBudget _tenant;
    private bool _isReturned;

    internal ServerPermit(TenantBudget tenant, ShardPlace place, bool isTaken = false)
    {
        _tenant = tenant;
        Place = place;
        if (!isTaken) tenant.Take();
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
