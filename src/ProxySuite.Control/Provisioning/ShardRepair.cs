using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Npgsql;
using ProxySuite.Control.Jobs;
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
    /// <summary>Safe to repeat, and while tenants work: each is changed in one transaction. Cut off, it is finished by the same call.</summary>
    /// <param name="slug">One tenant; null for all of the shard.</param>
    /// <exception cref="ControlException">The shard cannot be reached, is not prepared, or has tenants made with another master key.</exception>
    /// <exception cref="RegistryException">No such shard or tenant.</exception>
    public async Task<RepairReport> RunAsync(string name, TenantSlug? slug, CancellationToken cancellationToken)
        => (RepairReport)(await new JobRunner(control, masterKey).RunAsync(new RepairShard { Name = name, Tenant = slug?.Value }, cancellationToken)).Result!;
}

/// <summary>Goes over the tenants of a shard, one after the other.</summary>
internal sealed record RepairShard : ShardJob
{
    private const string UndoneSoFar = "undone";

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

    public override string Kind => "shard.repair";

    [JsonIgnore]
    public override string Key => Tenant is null ? Subject : $"{Subject}/{Tenant}";

    /// <value>Its slug; null for all of the shard.</value>
    public string? Tenant { get; init; }

    public override async Task RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        Shard shard = await job.Store.GetShardAsync(Name, cancellationToken);
        if (shard.PreparedAt is null) throw new ControlException($"shard \"{Name}\" is not prepared", $"Run: proxyctl shard prepare {Name}");
        await job.StepAsync("auditor", async () =>
        {
            await using NpgsqlConnection shared = await new ShardConnections(shard).OpenSharedAsync(cancellationToken);
            await MasterKeyGuard.RequireAsync(shared, job.MasterKey, cancellationToken);
            await AuditorLogin.ResetAsync(shared, job.MasterKey, cancellationToken);
        }, cancellationToken);
        TenantSlug[] slugs = Tenant is { } one ? [TenantSlug.Parse(one)]
            : [.. (await AllTenants.OfShardAsync(job.Store, Name, cancellationToken)).Select(entry => entry.Tenant.Slug).OrderBy(slug => slug.Value, StringComparer.Ordinal)];
        var repaired = ImmutableArray.CreateBuilder<string>();
        int count = await job.EachAsync("tenant", slugs, slug => slug.Value, async slug =>
        {
            if (await RepairAsync(job, shard, slug, cancellationToken)) repaired.Add(slug.Value);
        }, cancellationToken);
        string[] undone = Undone(job);
        job.After(new { Tenants = count, Undone = undone });
        job.Result = new RepairReport(Name, repaired.ToImmutable(), [.. undone]);
    }

    private async Task<bool> RepairAsync(JobContext job, Shard shard, TenantSlug slug, CancellationToken cancellationToken)
    {
        await using IAsyncDisposable mine = await job.Control.LockAsync($"tenant {slug}", cancellationToken);
        // Read under the lock: it may have been suspended, moved or deleted meanwhile.
        TenantEntry? entry = await job.Store.FindTenantAsync(slug, cancellationToken);
        if (entry is null || entry.Shard.Name != Name)
        {
            return Tenant is null ? false : throw new ControlException($"shard \"{Name}\" has no tenant \"{slug}\"", $"See: proxyctl tenant show {slug}");
        }
        if (entry.Tenant.State is not (TenantState.Active or TenantState.Suspended) || entry.Tenant.Identity != TenantIdentity.Role) return false;
        await using (NpgsqlConnection shared = await new ShardConnections(shard).OpenSharedAsync(cancellationToken))
        {
            List<string> statements = await ReadGrownAsync(shared, entry.Tenant, cancellationToken);
            // Noted before they are run: afterwards nothing tells that they were needed.
            if (statements.Count > 0) await job.NoteAsync(UndoneSoFar, string.Join('\n', Undone(job).Concat(statements).Distinct()), cancellationToken);
            foreach (string statement in statements) await shared.ExecuteAsync(statement, cancellationToken);
        }
        await new TenantObjects(shard, entry.Tenant, job.MasterKey, template: null, _ => Task.CompletedTask).RepairAsync(cancellationToken);
        return true;
    }

    private static string[] Undone(JobContext job) => job.Note(UndoneSoFar)?.Split('\n') ?? [];

    private static Task<List<string>> ReadGrownAsync(NpgsqlConnection shared, Tenant tenant, CancellationToken cancellationToken)
    {
        string[] roles = [.. TenantRoles.Of(tenant).Select(role => BackendNames.Role(tenant.Id, role)), BackendNames.ReplicationRole(tenant.Id)];
        return shared.QueryAsync(Grown, row => row.GetString(0), cancellationToken, (object)roles);
    }
}
