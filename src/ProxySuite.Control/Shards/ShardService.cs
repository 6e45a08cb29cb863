using ProxySuite.Control.Jobs;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Control.Shards;

/// <summary>The clusters that hold tenants.</summary>
public sealed class ShardService(ControlPlane control)
{
    /// <summary>Enters a shard; it takes tenants once it is prepared. The same shard again changes nothing.</summary>
    /// <exception cref="ControlException">A value out of its range, or the name belongs to a shard that is otherwise.</exception>
    public async Task<Shard> AddAsync(NewShard shard, CancellationToken cancellationToken)
        => (Shard)(await new JobRunner(control).RunAsync(new AddShard { Name = shard.Name, Shard = shard }, cancellationToken)).Result!;

    /// <summary>Changes how a shard is reached and what it takes; what is null stays as it is.</summary>
    /// <remarks>Another DSN must lead to the same cluster: where tenants live is not changed by it.</remarks>
    /// <exception cref="ControlException">A value out of its range; the new DSN leads to another cluster, or nowhere.</exception>
    public async Task<Shard> SetAsync(ShardChange change, CancellationToken cancellationToken)
        => (Shard)(await new JobRunner(control).RunAsync(new SetShard
        {
            Name = change.Name, Primary = change.Primary, Replica = change.Replica, RemoveReplica = change.RemoveReplica, Region = change.Region,
            TenantsMax = change.TenantsMax, ConnectionsMax = change.ConnectionsMax,
        }, cancellationToken)).Result!;

    /// <summary>Removes a shard that holds no tenant; its server is left as it is.</summary>
    /// <exception cref="ControlException">Tenants are there, or are moving there.</exception>
    public Task RemoveAsync(string name, CancellationToken cancellationToken)
        => new JobRunner(control).RunAsync(new RemoveShard { Name = name }, cancellationToken);

    /// <exception cref="ControlException">No such shard.</exception>
    public async Task<ShardSummary> ShowAsync(string name, CancellationToken cancellationToken)
        => (await control.Store.ListShardsAsync(cancellationToken)).FirstOrDefault(summary => summary.Shard.Name == name)
            ?? throw new ControlException($"there is no shard \"{name}\"", "See: proxyctl shard list");

    /// <summary>Looks at a shard as it is now; changes nothing.</summary>
    /// <exception cref="ControlException">No such shard.</exception>
    public async Task<System.Collections.Immutable.ImmutableArray<CheckFinding>> CheckAsync(string name, CancellationToken cancellationToken)
        => await ShardCheck.RunAsync(control, await ShowAsync(name, cancellationToken), cancellationToken);

    /// <summary>Takes no new tenants from now on, or takes them again; those it has are served either way.</summary>
    /// <exception cref="RegistryException">No such shard, or changed by somebody else meanwhile.</exception>
    public async Task<Shard> SetAcceptingAsync(string name, bool accepting, CancellationToken cancellationToken)
        => (Shard)(await new JobRunner(control).RunAsync(new DrainShard { Name = name, Accepting = accepting }, cancellationToken)).Result!;

    /// <summary>Prepares the shard and its tenants' own databases, and opens it for tenants.</summary>
    /// <param name="lockdown">Null for the level it has.</param>
    /// <exception cref="ControlException">The server cannot hold tenants, or cannot be logged in to.</exception>
    /// <exception cref="RegistryException">No such shard; relaxed, while it holds sealed tenants.</exception>
    public async Task<ShardReport> PrepareAsync(string name, Lockdown? lockdown, CancellationToken cancellationToken)
        => (ShardReport)(await new JobRunner(control).RunAsync(new PrepareShard { Name = name, Lockdown = lockdown }, cancellationToken)).Result!;
}

/// <summary>What is to be otherwise about a shard; null leaves it as it is.</summary>
public sealed record ShardChange
{
    public required string Name { get; init; }

    public Dsn? Primary { get; init; }

    public Dsn? Replica { get; init; }

    public bool RemoveReplica { get; init; }

    public string? Region { get; init; }

    public int? TenantsMax { get; init; }

    public int? ConnectionsMax { get; init; }
}
