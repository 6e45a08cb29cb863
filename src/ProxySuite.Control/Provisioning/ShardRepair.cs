using System.Collections.Immutable;
using Npgsql;
using ProxySuite.Control.Shards;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Control.Provisioning;

/// <summary>Tenants that were gone over, and what was taken back from their roles.</summary>
/// <param name="Undone">SQL that was run beyond making what was missing: memberships revoked, settings of a role dropped.</param>
public sealed record RepairReport(string Shard, ImmutableArray<string> Tenants, ImmutableArray<string> Undone);

/// <summary>
/// Brings tenants' roles, grants and places on a shard back to what the registry says: a role whose owner changed its own password (which no
/// statement filter can prevent for certain), or that an operator dropped, renamed or gave too much. Tables and rows are left alone.
/// </summary>
public sealed class ShardRepair(ControlPlane control, MasterKey masterKey)
{
    private const string Grown =
        """
        SELECT format('REVOKE %I FROM %I', g.rolname, r.rolname)
          FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member JOIN pg_roles g ON g.oid = m.roleid
         WHERE r.rolname = ANY ($1) AND g.rolname NOT IN ('pool_app', 'pool_readonly')
        UNION ALL
        SELECT format('ALTER ROLE %I%s RESET %s', r.rolname, coalesce(' IN DATABASE ' || quote_ident(d.datname), ''), split_part(x.setting, '=', 1))
          FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase CROSS JOIN LATERAL unnest(s.setconfig) AS x(setting)
         WHERE r.rolname = ANY ($1) AND NOT (s.setdatabase = 0 AND x.setting LIKE 'temp\_file\_limit=%')
        """;

    /// <summary>Safe to repeat, and while tenants work: each is changed in one transaction.</summary>
    /// <param name="slug">One tenant; null for all of the shard.</param>
    /// <exception cref="ControlException">The shard cannot be reached, is not prepared, or has tenants made with another master key.</exception>
    /// <exception cref="RegistryException">No such shard or tenant.</exception>
    public async Task<RepairReport> RunAsync(string name, TenantSlug? slug, CancellationToken cancellationToken)
    {
        Shard shard = await control.Store.GetShardAsync(name, cancellationToken);
        if (shard.PreparedAt is null) throw new ControlException($"shard \"{name}\" is not prepared", $"Run: proxyctl shard prepare {name}");
        await using (NpgsqlConnection shared = await new ShardConnections(shard).OpenSharedAsync(cancellationToken))
        {
            await MasterKeyGuard.RequireAsync(shared, masterKey, cancellationToken);
            await AuditorLogin.ResetAsync(shared, masterKey, cancellationToken);
        }
        TenantSlug[] slugs = slug is { } one ? [one] : [.. (await AllTenants.OfShardAsync(control.Store, name, cancellationToken)).Select(entry => entry.Tenant.Slug)];
        var repaired = ImmutableArray.CreateBuilder<string>();
        var undone = ImmutableArray.CreateBuilder<string>();
        foreach (TenantSlug each in slugs)
        {
            await using IAsyncDisposable mine = await control.LockAsync($"tenant {each}", cancellationToken);
            // Read again under the lock: it may have been suspended, moved or deleted meanwhile.
            TenantEntry? entry = await control.Store.FindTenantAsync(each, cancellationToken);
            if (entry is null || entry.Shard.Name != name)
            {
                if (slug is not null) throw new ControlException($"shard \"{name}\" has no tenant \"{each}\"", $"See: proxyctl tenant show {each}");
                continue;
            }
            if (entry.Tenant.State is not (TenantState.Active or TenantState.Suspended) || entry.Tenant.Identity != TenantIdentity.Role) continue;
            undone.AddRange(await TakeBackAsync(shard, entry.Tenant, cancellationToken));
            await new TenantObjects(shard, entry.Tenant, masterKey, template: null, _ => Task.CompletedTask).RepairAsync(cancellationToken);
            repaired.Add(each.Value);
        }
        var report = new RepairReport(name, repaired.ToImmutable(), undone.ToImmutable());
        await control.AuditAsync("shard.repair", $"shard {name}", new { Tenants = report.Tenants.Length, report.Undone }, cancellationToken);
        return report;
    }

    private static async Task<List<string>> TakeBackAsync(Shard shard, Tenant tenant, CancellationToken cancellationToken)
    {
        await using NpgsqlConnection shared = await new ShardConnections(shard).OpenSharedAsync(cancellationToken);
        string[] roles = [.. TenantRoles.Of(tenant).Select(role => BackendNames.Role(tenant.Id, role))];
        List<string> statements = await shared.QueryAsync(Grown, row => row.GetString(0), cancellationToken, (object)roles);
        foreach (string statement in statements) await shared.ExecuteAsync(statement, cancellationToken);
        return statements;
    }
}
