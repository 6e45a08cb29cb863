using ProxySuite.Tenancy.Model;

namespace ProxySuite.Tenancy.Cache;

/// <summary>What a proxy tells the others of a tenant's use.</summary>
/// <param name="Tenant">The tenant.</param>
/// <param name="Line">For the other proxies, in their own form; one line.</param>
/// <param name="Queries">Statements let through since the last post that was delivered; for operators.</param>
public readonly record struct RatePost(TenantId Tenant, string Line, long Queries);

/// <summary>What another proxy told last.</summary>
/// <param name="Proxy">Its id.</param>
/// <param name="Age">How long ago, by the board's clock.</param>
/// <param name="Line">Its line.</param>
public readonly record struct RateNote(string Proxy, TimeSpan Age, string Line);

/// <summary>A notice board on which the proxies tell each other what they have seen of each tenant. It holds nothing that they would not post again.</summary>
public interface IRateBoard
{
    /// <summary>Posts for many tenants at once and reads what others have posted for them, in the same order.</summary>
    /// <returns>Null when the board is away; never waits for long.</returns>
    Task<IReadOnlyList<IReadOnlyList<RateNote>>?> ExchangeAsync(IReadOnlyList<RatePost> posts, CancellationToken cancellationToken);
}
