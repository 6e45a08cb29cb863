using System.Collections.Concurrent;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Proxy.Routing;

/// <summary>The connection budgets of all shards, shared by the reactors. Any thread.</summary>
internal sealed class ShardBudgets
{
    private readonly ConcurrentDictionary<ShardId, ShardBudget> _byShard = new();

    /// <summary>Budgets of shards seen so far.</summary>
    public IEnumerable<KeyValuePair<ShardId, ShardBudget>> All => _byShard;

    /// <summary>The budget of a shard, with its cap as the registry has it now.</summary>
    public ShardBudget Of(Shard shard)
    {
        ShardBudget budget = _byShard.GetOrAdd(shard.Id, static (_, max) => new ShardBudget(max), shard.ConnectionsMax);
        if (budget.Total != shard.ConnectionsMax) budget.Total = shard.ConnectionsMax;
        return budget;
    }
}
