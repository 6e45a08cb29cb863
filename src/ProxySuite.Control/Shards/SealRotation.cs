using Npgsql;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Control.Shards;

/// <summary>
/// Another key for the seals of a shard, without a moment in which none counts: the shard takes both, then the registry names the new one and the
/// proxies follow, and once none of them uses the old one it is removed.
/// </summary>
public sealed class SealRotation(ControlPlane control, MasterKey masterKey)
{
    /// <summary>Installs the next key beside the present one and has the proxies use it. Cut off, it is begun again by the same call.</summary>
    /// <returns>The number of the key now in use.</returns>
    /// <exception cref="ControlException">The shard is not under lockdown strict; the last rotation is not finished; another master key.</exception>
    public async Task<int> BeginAsync(string name, CancellationToken cancellationToken)
    {
        await using IAsyncDisposable mine = await control.LockAsync($"shard {name}", cancellationToken);
        Shard shard = await RequireSealedAsync(name, cancellationToken);
        await using NpgsqlConnection shared = await new ShardConnections(shard).OpenSharedAsync(cancellationToken);
        await SealedRoles.EnsureAsync(shared, shard, masterKey, cancellationToken);
        int next = shard.SealKid + 1;
        long others = await shared.ScalarAsync<long>("SELECT count(*) FROM tenancy.seal_key WHERE kid <> ALL ($1)", cancellationToken,
            (object)new[] { Text(shard.SealKid), Text(next) });
        if (others > 0) throw new ControlException($"the last rotation on shard \"{name}\" is not finished", $"Run: proxyctl shard rotate-seal {name} --finish");
        await Provisioning.MasterKeyGuard.RequireAsync(shared, masterKey, cancellationToken);
        await SealedRoles.InstallKeyAsync(shared, SealKey.Of(masterKey, shard, next), cancellationToken);
        await control.Store.SetShardSealKidAsync(shard, next, cancellationToken);
        await control.AuditAsync("shard.rotate-seal", $"shard {name}", new { Before = new { shard.SealKid }, After = new { SealKid = next } }, cancellationToken);
        return next;
    }

    /// <summary>Removes all keys but the one in use. A proxy that still seals with another has its tenants refused with 42501, so it is not for at once.</summary>
    /// <returns>The number of the key in use, and how many were removed.</returns>
    /// <exception cref="ControlException">The shard is not under lockdown strict, or does not have the key in use.</exception>
    public async Task<(int Kid, int Removed)> FinishAsync(string name, CancellationToken cancellationToken)
    {
        await using IAsyncDisposable mine = await control.LockAsync($"shard {name}", cancellationToken);
        Shard shard = await RequireSealedAsync(name, cancellationToken);
        await using NpgsqlConnection shared = await new ShardConnections(shard).OpenSharedAsync(cancellationToken);
        await SealedRoles.EnsureAsync(shared, shard, masterKey, cancellationToken);
        int removed = await SealedRoles.RemoveOtherKeysAsync(shared, shard.SealKid, cancellationToken);
        if (removed > 0) await control.AuditAsync("shard.rotate-seal", $"shard {name}", new { Finished = true, shard.SealKid, Removed = removed }, cancellationToken);
        return (shard.SealKid, removed);
    }

    private async Task<Shard> RequireSealedAsync(string name, CancellationToken cancellationToken)
    {
        Shard shard = await control.Store.GetShardAsync(name, cancellationToken);
        return shard is { Lockdown: Lockdown.Strict, PreparedAt: not null } ? shard
            : throw new ControlException($"shard \"{name}\" has no seals: its lockdown is not strict", $"Run: proxyctl shard prepare {name} --lockdown strict");
    }

    private static string Text(int kid) => kid.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
