using System.Globalization;
using System.Security.Cryptography;
using Npgsql;
using ProxySuite.Control.Provisioning;
using ProxySuite.Control.Shards;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Control.Audits;

/// <summary>Two throw-away tenants of one model on one shard, with a table each, or a shared one; they go when this is disposed.</summary>
internal sealed class ProbePair : IAsyncDisposable
{
    /// <summary>What probe tenants' slugs begin with.</summary>
    public const string Prefix = "proxysuite-probe-";

    private readonly ControlPlane _control;
    private readonly Shard _shard;
    private readonly IsolationModel _model;
    private readonly string _name = $"{Prefix}{RandomNumberGenerator.GetHexString(8, lowercase: true)}";

    private ProbePair(ControlPlane control, Shard shard, IsolationModel model) => (_control, _shard, _model) = (control, shard, model);

    public List<(Tenant Tenant, Secret Password)> Tenants { get; } = [];

    private string SharedTable => $"public.{_name.Replace('-', '_')}";

    public static async Task<ProbePair> MakeAsync(ControlPlane control, MasterKey key, Shard shard, IsolationModel model, TenantIdentity identity, string plan, CancellationToken cancellationToken)
    {
        var pair = new ProbePair(control, shard, model);
        try
        {
            var provisioning = new TenantProvisioning(control, key);
            for (int side = 0; side < 2; side++)
            {
                TenantCreated made = await provisioning.CreateAsync(new TenantRequest
                {
                    Slug = TenantSlug.Parse(string.Create(CultureInfo.InvariantCulture, $"{pair._name}-{side + 1}")),
                    Plan = plan,
                    Shard = shard.Name,
                    Isolation = model,
                    Identity = identity,
                    Template = model == IsolationModel.Pool ? null : "CREATE TABLE probe (id int PRIMARY KEY, note text)",
                }, cancellationToken);
                pair.Tenants.Add((made.Entry.Tenant, made.GeneratedPassword!));
            }
            if (model == IsolationModel.Pool) await pair.MakeSharedTableAsync(cancellationToken);
            return pair;
        }
        catch
        {
            await pair.DisposeAsync();
            throw;
        }
    }

    public ProbeTarget TargetOf(Tenant tenant)
    {
        string own = _model == IsolationModel.Pool ? SharedTable : $"{tenant.Placement.SchemaName}.probe";
        string role = tenant.Identity == TenantIdentity.Sealed ? BackendNames.SealedRole(_shard, UserRole.App) : BackendNames.Role(tenant.Id, UserRole.App);
        return new ProbeTarget(tenant.Id, role,
            _model == IsolationModel.Database ? $"{tenant.Placement.Database}.{own}" : own, own, _model == IsolationModel.Pool);
    }

    /// <summary>Removes both, on the shard and in the registry, also when only part of them was made.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_model == IsolationModel.Pool)
        {
            await using NpgsqlConnection shared = await new ShardConnections(_shard).OpenSharedAsync(CancellationToken.None);
            await shared.ExecuteAsync($"DROP TABLE IF EXISTS {SharedTable}", CancellationToken.None);
        }
        foreach (int side in (int[])[1, 2]) await RemoveAsync(_control, TenantSlug.Parse(string.Create(CultureInfo.InvariantCulture, $"{_name}-{side}")));
    }

    /// <summary>Removes what an earlier run left that was killed: probes are a matter of a minute.</summary>
    public static async Task RemoveLeftoversAsync(ControlPlane control, CancellationToken cancellationToken)
    {
        foreach (TenantEntry entry in await AllTenants.ReadAsync(control.Store, new TenantFilter(), cancellationToken))
        {
            bool isOld = entry.Tenant.CreatedAt < DateTimeOffset.UtcNow - TimeSpan.FromMinutes(15);
            if (isOld && entry.Tenant.Slug.Value.StartsWith(Prefix, StringComparison.Ordinal)) await RemoveAsync(control, entry.Tenant.Slug);
        }
    }

    private async Task MakeSharedTableAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlConnection shared = await new ShardConnections(_shard).OpenSharedAsync(cancellationToken);
        await using NpgsqlTransaction transaction = await shared.BeginTransactionAsync(cancellationToken);
        await shared.ExecuteAsync($"CREATE TABLE {SharedTable} (tenant_id uuid NOT NULL, id int NOT NULL, note text, PRIMARY KEY (tenant_id, id)); ALTER TABLE {SharedTable} OWNER TO data_owner", cancellationToken);
        await ShardSql.ProtectPoolTablesAsync(shared, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    private static async Task RemoveAsync(ControlPlane control, TenantSlug slug)
    {
        if (await control.Store.FindTenantAsync(slug, CancellationToken.None) is not { } entry) return;
        Tenant tenant = entry.Tenant;
        Shard shard = await control.Store.GetShardAsync(entry.Shard.Name, CancellationToken.None);
        await using (NpgsqlConnection shared = await new ShardConnections(shard).OpenSharedAsync(CancellationToken.None))
        {
            if (tenant.Identity == TenantIdentity.Role) await RemoveRolesAsync(shared, tenant);
        }
        await control.Store.DeleteTenantAsync((await control.Store.GetTenantAsync(slug, CancellationToken.None)).Tenant, CancellationToken.None);
    }

    private static async Task RemoveRolesAsync(NpgsqlConnection shared, Tenant tenant)
    {
        List<string> roles = await shared.QueryAsync("SELECT rolname::text FROM pg_roles WHERE rolname = ANY ($1)", row => row.GetString(0), CancellationToken.None,
            (object)TenantRoles.Of(tenant).Select(role => BackendNames.Role(tenant.Id, role)).ToArray());
        foreach (string role in roles) await shared.ExecuteAsync($"ALTER ROLE {role} NOLOGIN", CancellationToken.None);
        await shared.ExecuteAsync(TenantRoles.EndSessions(tenant), CancellationToken.None);
        if (tenant.Isolation == IsolationModel.Database) await shared.ExecuteAsync($"DROP DATABASE IF EXISTS {BackendNames.Database(tenant.Id)} WITH (FORCE)", CancellationToken.None);
        await shared.ExecuteAsync($"DROP SCHEMA IF EXISTS {BackendNames.Schema(tenant.Id)} CASCADE", CancellationToken.None);
        await shared.ExecuteAsync("DELETE FROM proxysuite.schema_ledger WHERE schema_name = $1", CancellationToken.None, BackendNames.Schema(tenant.Id));
        await shared.ExecuteAsync("DELETE FROM tenancy.role_map WHERE tenant_id = $1", CancellationToken.None, tenant.Id.Value);
        foreach (string role in roles) await shared.ExecuteAsync($"DROP OWNED BY {role}; DROP ROLE {role}", CancellationToken.None);
    }
}
