using System.Collections.Concurrent;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Proxy.Routing;

/// <summary>The connection budgets of all shards, shared by the reactors. Any thread.</summary>
/// <param name="options">Options in force.</param>
/// <param name="stats">Where the budgets' numbers go.</param>
internal sealed class ShardBudgets(CurrentOptions options, StatsRegistry stats)
{
    private readonly ConcurrentDictionary<ShardId, ShardBudget> _byShard = new();
    private readonly Lock _gate = new();

    /// <summary>Budgets of shards seen so far.</summary>
    public IEnumerable<KeyValuePair<ShardId, ShardBudget>> All => _byShard;

    /// <summary>The budget of a shard, with its cap as the registry has it now.</summary>
    public ShardBudget Of(Shard shard)
    {
        if (!_byShard.TryGetValue(shard.Id, out ShardBudget? budget))
        {
            lock (_gate) budget = _byShard.GetOrAdd(shard.Id, _ => new ShardBudget(shard.ConnectionsMax, options, stats.Shares(shard.Name), shard.Name));
        }
        if (budget.Total != shard.ConnectionsMax) budget.Total = shard.ConnectionsMax;
        return budget;
    }
}
