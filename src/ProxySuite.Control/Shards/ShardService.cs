using System.Text.RegularExpressions;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Control.Shards;

/// <summary>The clusters that hold tenants.</summary>
public sealed partial class ShardService(ControlPlane control)
{
    /// <summary>Enters a shard; it takes tenants once it is prepared. The same shard again changes nothing.</summary>
    /// <exception cref="ControlException">A value out of its range, or the name belongs to a shard that is otherwise.</exception>
    public async Task<Shard> AddAsync(NewShard shard, CancellationToken cancellationToken)
    {
        if (WhyRefused(shard) is { } reason) throw new ControlException(reason);
        await using IAsyncDisposable mine = await control.LockAsync($"shard {shard.Name}", cancellationToken);
        if (await control.Store.FindShardAsync(shard.Name, cancellationToken) is { } found)
        {
            bool same = found.AdminDsn!.Reveal() == shard.Primary.Reveal() && found.ReplicaDsn?.Reveal() == shard.Replica?.Reveal()
                && found.Region == shard.Region && found.TenantsMax == shard.TenantsMax && found.ConnectionsMax == shard.ConnectionsMax;
            return same ? found : throw new ControlException($"shard \"{shard.Name}\" exists already, and otherwise", $"See: proxyctl shard show {shard.Name}");
        }
        Shard added = await control.Store.InsertShardAsync(shard, cancellationToken);
        await control.AuditAsync("shard.add", $"shard {added.Name}", new { After = Facts(added) }, cancellationToken);
        return added;
    }

    /// <exception cref="ControlException">No such shard.</exception>
    public async Task<ShardSummary> ShowAsync(string name, CancellationToken cancellationToken)
        => (await control.Store.ListShardsAsync(cancellationToken)).FirstOrDefault(summary => summary.Shard.Name == name)
            ?? throw new ControlException($"there is no shard \"{name}\"", "See: proxyctl shard list");

    /// <summary>Takes no new tenants from now on, or takes them again; those it has are served either way.</summary>
    /// <exception cref="RegistryException">No such shard, or changed by somebody else meanwhile.</exception>
    public async Task<Shard> SetAcceptingAsync(string name, bool accepting, CancellationToken cancellationToken)
    {
        Shard shard = await control.Store.GetShardAsync(name, cancellationToken);
        if (shard.Accepting == accepting) return shard;
        await control.Store.UpdateShardAsync(shard with { Accepting = accepting }, cancellationToken);
        await control.AuditAsync("shard.drain", $"shard {name}", new { Before = new { shard.Accepting }, After = new { Accepting = accepting } }, cancellationToken);
        return await control.Store.GetShardAsync(name, cancellationToken);
    }

    /// <summary>Prepares the shard and its tenants' own databases, and opens it for tenants.</summary>
    /// <param name="lockdown">Null for the level it has.</param>
    /// <exception cref="ControlException">The server cannot hold tenants, or cannot be logged in to.</exception>
    /// <exception cref="RegistryException">No such shard; relaxed, while it holds sealed tenants.</exception>
    public async Task<ShardReport> PrepareAsync(string name, Lockdown? lockdown, CancellationToken cancellationToken)
    {
        await using IAsyncDisposable mine = await control.LockAsync($"shard {name}", cancellationToken);
        Shard shard = await control.Store.GetShardAsync(name, cancellationToken);
        Lockdown level = lockdown ?? shard.Lockdown;
        // Stricter on the server than in the registry is harmless, the other way round is not: what a crash leaves must be on the safe side.
        if (level == Lockdown.Relaxed && shard is { Lockdown: Lockdown.Strict, PreparedAt: not null }) await control.Store.MarkShardPreparedAsync(shard.Id, level, cancellationToken);
        ShardReport report = await ShardPreparation.PrepareAsync(shard, level, await OwnDatabasesAsync(name, cancellationToken), cancellationToken);
        await control.Store.MarkShardPreparedAsync(shard.Id, level, cancellationToken);
        await control.AuditAsync("shard.prepare", $"shard {name}",
            new { Before = new { shard.Lockdown, shard.PreparedAt }, After = new { Lockdown = level }, report.ServerVersion }, cancellationToken);
        return report;
    }

    private static string? WhyRefused(NewShard shard) => shard switch
    {
        _ when !ShardName().IsMatch(shard.Name) => $"\"{shard.Name}\" is no shard name: 1 to 63 lower-case letters, digits, '-' and '_', a letter or digit first",
        _ when !RegionName().IsMatch(shard.Region) => $"\"{shard.Region}\" is no region: up to 63 letters, digits, '.', '-' and '_'",
        { TenantsMax: < 1 or > 100_000 } => $"a shard holds 1 to 100000 tenants, not {shard.TenantsMax}",
        { ConnectionsMax: < 1 or > 100_000 } => $"a shard takes 1 to 100000 connections, not {shard.ConnectionsMax}",
        _ => null,
    };

    [GeneratedRegex(@"^[a-z0-9][a-z0-9_-]{0,62}\z")]
    private static partial Regex ShardName();

    [GeneratedRegex(@"^[A-Za-z0-9._-]{0,63}\z")]
    private static partial Regex RegionName();

    private async Task<List<string>> OwnDatabasesAsync(string shard, CancellationToken cancellationToken)
        => [.. (await AllTenants.OfShardAsync(control.Store, shard, cancellationToken))
            .Where(entry => entry.Tenant.Isolation == IsolationModel.Database).Select(entry => entry.Tenant.Placement.Database)];

    private static object Facts(Shard shard) => new
    {
        Primary = shard.AdminDsn!.ToString(),
        Replica = shard.ReplicaDsn?.ToString(),
        shard.Region,
        shard.TenantsMax,
        shard.ConnectionsMax,
    };
}
