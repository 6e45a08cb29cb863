using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Npgsql;
using ProxySuite.Control.Shards;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;
using static ProxySuite.Control.SqlExtensions;

namespace ProxySuite.Control.Provisioning;

/// <summary>
/// Makes what a tenant has on its shard: roles, a place for its tables, rights, the template's tables. Everything is made only where it is missing
/// and in one transaction where PostgreSQL lets it; the right to log in comes last.
/// </summary>
/// <param name="reached">Told of each step, before its transaction commits.</param>
internal sealed class TenantObjects(Shard shard, Tenant tenant, MasterKey masterKey, string? template, Func<ProvisioningStep, Task> reached)
{
    private const string TemplateLock = "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('proxysuite.pool-template', 0))";

    private readonly ShardConnections _servers = new(shard);
    private readonly BackendPasswords _passwords = new(masterKey);

    /// <exception cref="ControlException">The template failed, the shard cannot be reached, or its tenants were made with another master key.</exception>
    public async Task MakeAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlConnection shared = await _servers.OpenSharedAsync(cancellationToken);
        await MasterKeyGuard.RequireAsync(shared, masterKey, cancellationToken);
        await AuditorLogin.EnsureAsync(shared, masterKey, cancellationToken);
        if (tenant.Isolation == IsolationModel.Database) await MakeDatabaseAsync(shared, cancellationToken);
        else await MakeInSharedAsync(shared, cancellationToken);
    }

    /// <summary>Makes again what is missing of a tenant that stands; one that is not active still cannot log in afterwards.</summary>
    /// <inheritdoc cref="MakeAsync" path="/exception"/>
    public async Task RepairAsync(CancellationToken cancellationToken)
    {
        string[] roles = [.. TenantRoles.Of(tenant).Select(role => BackendNames.Role(tenant.Id, role))];
        await using NpgsqlConnection shared = await _servers.OpenSharedAsync(cancellationToken);
        int there = await shared.ScalarAsync<int>("SELECT count(*)::int FROM pg_roles WHERE rolname = ANY ($1)", cancellationToken, (object)roles);
        await MakeAsync(cancellationToken);
        // A role that had to be made again has no rights on the tables that are there; one that kept them has what its owner left it.
        if (there == roles.Length || tenant.Isolation == IsolationModel.Pool) return;
        await using NpgsqlConnection place = await _servers.OpenAsync(tenant.Placement.Database, cancellationToken);
        await place.ExecuteAsync(TenantSchema.GrantExisting(tenant.Id, tenant.Placement.SchemaName), cancellationToken);
    }

    // Suspended or deleting tenants keep their place; the right to log in follows from the registry's state and nothing else.
    private string Login() => tenant.State is TenantState.Active or TenantState.Creating ? TenantRoles.AllowLogin(tenant, _passwords) : TenantRoles.ForbidLogin(tenant);

    private async Task MakeInSharedAsync(NpgsqlConnection shared, CancellationToken cancellationToken)
    {
        await using NpgsqlTransaction transaction = await shared.BeginTransactionAsync(cancellationToken);
        if (tenant.Identity == TenantIdentity.Sealed) await SealedRoles.EnsureAsync(shared, shard, masterKey, cancellationToken);
        await shared.ExecuteAsync(TenantRoles.Create(tenant, shared.PostgreSqlVersion.Major) + TenantRoles.Map(tenant), cancellationToken);
        await reached(ProvisioningStep.RolesMade);
        if (tenant.Isolation == IsolationModel.Schema)
        {
            await shared.ExecuteAsync(TenantSchema.Create(tenant.Id), cancellationToken);
            await ApplyOwnTemplateAsync(shared, cancellationToken);
        }
        else
        {
            await ApplyPoolTemplateAsync(shared, cancellationToken);
        }
        await reached(ProvisioningStep.ObjectsMade);
        await shared.ExecuteAsync(Login(), cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        await reached(ProvisioningStep.LoginAllowed);
    }

    // CREATE DATABASE cannot be part of a transaction. What a crash between these steps leaves behind lets nobody in: the roles cannot log in yet.
    private async Task MakeDatabaseAsync(NpgsqlConnection shared, CancellationToken cancellationToken)
    {
        await InTransactionAsync(shared, () => shared.ExecuteAsync(TenantRoles.Create(tenant, shared.PostgreSqlVersion.Major), cancellationToken), cancellationToken);
        await reached(ProvisioningStep.RolesMade);

        await OwnDatabase.CreateAsync(shared, tenant.Id, cancellationToken);
        await InTransactionAsync(shared, () => shared.ExecuteAsync(TenantSchema.GrantConnect(tenant.Id), cancellationToken), cancellationToken);
        await reached(ProvisioningStep.DatabaseMade);

        await using (NpgsqlConnection own = await _servers.OpenAsync(BackendNames.Database(tenant.Id), cancellationToken))
        {
            await ShardSql.PrepareOwnAsync(own, shard.Lockdown, cancellationToken);
            await InTransactionAsync(own, async () =>
            {
                await own.ExecuteAsync(TenantRoles.Map(tenant) + TenantSchema.CreateInOwnDatabase(tenant.Id), cancellationToken);
                await ApplyOwnTemplateAsync(own, cancellationToken);
                await reached(ProvisioningStep.ObjectsMade);
            }, cancellationToken);
        }
        await ReplicationRole.SetAsync(shared, _servers, tenant, shard.Name, () => masterKey, cancellationToken);
        await InTransactionAsync(shared, () => shared.ExecuteAsync(Login(), cancellationToken), cancellationToken);
        await reached(ProvisioningStep.LoginAllowed);
    }

    /// <summary>The tenant's own tables, as its owner: version 0 of its schema.</summary>
    private async Task ApplyOwnTemplateAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(template)) return;
        string schema = tenant.Placement.SchemaName;
        int entered = await connection.ExecuteAsync(
            "INSERT INTO proxysuite.schema_ledger (schema_name, version, checksum) VALUES ($1, 0, $2) ON CONFLICT DO NOTHING",
            cancellationToken, schema, Checksum(template));
        if (entered == 0) return;
        await ApplyAsync(connection, BackendNames.Role(tenant.Id, UserRole.Owner), schema, cancellationToken);
    }

    /// <summary>Shared tables, once a shard whoever asks, and only if they are safe to share.</summary>
    private async Task ApplyPoolTemplateAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(template)) return;
        await connection.ExecuteAsync(TemplateLock, cancellationToken);
        int entered = await connection.ExecuteAsync(
            "INSERT INTO proxysuite.pool_templates (checksum) VALUES ($1) ON CONFLICT DO NOTHING", cancellationToken, Checksum(template));
        if (entered == 0) return;
        await ApplyAsync(connection, "data_owner", BackendNames.SharedSchema, cancellationToken);
        await ShardSql.ProtectPoolTablesAsync(connection, cancellationToken);
    }

    private async Task ApplyAsync(NpgsqlConnection connection, string role, string schema, CancellationToken cancellationToken)
    {
        try
        {
            // Names as text: the parameter's type is name, which a text constant is cast to.
            await connection.ExecuteAsync($"CALL proxysuite.apply_as({Literal(role)}, {Literal(schema)}, $1)", cancellationToken, template!);
        }
        catch (PostgresException refused)
        {
            throw new ControlException($"the template failed{Where(refused)}: {refused.MessageText}", refused.Hint ?? refused.Detail, refused);
        }
    }

    private string Where(PostgresException refused)
    {
        if (refused.InternalPosition <= 0 || refused.InternalQuery is null) return "";
        // A script of several statements is reported as one query; a failure inside one of its functions is reported as that function's text.
        if (refused.InternalQuery != template) return "";
        int line = template.AsSpan(0, Math.Min(refused.InternalPosition, template!.Length)).Count('\n') + 1;
        return string.Create(CultureInfo.InvariantCulture, $" at line {line}");
    }

    private static async Task InTransactionAsync(NpgsqlConnection connection, Func<Task> work, CancellationToken cancellationToken)
    {
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
        await work();
        await transaction.CommitAsync(cancellationToken);
    }

    private static string Checksum(string script) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(script.ReplaceLineEndings("\n"))));
}
