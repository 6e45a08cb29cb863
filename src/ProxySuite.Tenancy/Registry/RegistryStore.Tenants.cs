using Npgsql;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Tenancy.Registry;

/// <summary>A tenant to be entered, in state <see cref="TenantState.Creating"/>.</summary>
public sealed record NewTenant
{
    public TenantId Id { get; init; } = TenantId.New();

    public required TenantSlug Slug { get; init; }

    public required string Plan { get; init; }

    public IsolationModel Isolation { get; init; } = IsolationModel.Schema;

    public TenantIdentity Identity { get; init; } = TenantIdentity.Role;

    /// <value>The shard to take; null for the one with most room.</value>
    public string? ShardName { get; init; }

    /// <value>Choose among shards of this region; null for all.</value>
    public string? Region { get; init; }
}

/// <summary>Which tenants to list; null leaves a condition out.</summary>
public sealed record TenantFilter
{
    public string? ShardName { get; init; }

    public string? Plan { get; init; }

    public TenantState? State { get; init; }

    /// <value>List those behind this slug: the last one of the page before.</value>
    public TenantSlug? After { get; init; }

    /// <value>Most tenants listed; 1 to 10 000, default 1000.</value>
    public int Limit { get; init; } = 1000;
}

public sealed partial class RegistryStore
{
    // Fullness is counted and the row entered under one lock, so a shard is never filled beyond its maximum.
    private const string PlacementLock = "SELECT pg_advisory_xact_lock(hashtextextended('proxysuite.placement', 0))";

    private const string ShardWithRoom =
        $"""
        SELECT s.id FROM system.shards s
        WHERE s.accepting AND s.prepared_at IS NOT NULL AND ($1::text IS NULL OR s.name = $1) AND ($2::text IS NULL OR s.region = $2)
          AND ($3::text <> 'sealed' OR s.lockdown = 'strict') AND {TenantCountOfShard} < s.tenants_max
        ORDER BY {TenantCountOfShard}::float8 / s.tenants_max, s.name
        LIMIT 1
        """;

    /// <summary>Enters a tenant on the shard asked for, or on the one with most room.</summary>
    /// <exception cref="RegistryException">AlreadyExists (slug), NotFound (plan, shard), NoCapacity, Refused.</exception>
    public Task<TenantEntry> InsertTenantAsync(NewTenant tenant, CancellationToken cancellationToken = default)
        => GuardAsync(async () =>
        {
            const string Insert = "INSERT INTO system.tenants (id, slug, plan, isolation, identity, shard_id) VALUES ($1, $2, $3, $4, $5, $6)";
            await using NpgsqlConnection connection = await dataSource.OpenConnectionAsync(cancellationToken);
            await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
            await using (NpgsqlCommand command = Command(connection, PlacementLock)) await command.ExecuteNonQueryAsync(cancellationToken);

            string identity = EnumText.Of(tenant.Identity);
            object? shard;
            await using (NpgsqlCommand command = Command(connection, ShardWithRoom, tenant.ShardName, tenant.Region, identity))
            {
                shard = await command.ExecuteScalarAsync(cancellationToken);
            }
            if (shard is not int shardId) throw await WhyNoShardAsync(connection, tenant, cancellationToken);

            await using (NpgsqlCommand command = Command(connection, Insert,
                tenant.Id.Value, tenant.Slug.Value, tenant.Plan, EnumText.Of(tenant.Isolation), identity, shardId))
            {
                await command.ExecuteNonQueryAsync(cancellationToken);
            }
            await using NpgsqlCommand select = Command(connection, TenantRow.Select + " WHERE t.id = $1", tenant.Id.Value);
            TenantEntry entry;
            await using (NpgsqlDataReader reader = await select.ExecuteReaderAsync(cancellationToken))
            {
                await reader.ReadAsync(cancellationToken);
                entry = TenantRow.Read(reader);
            }
            await transaction.CommitAsync(cancellationToken);
            return entry;
        });

    /// <returns>Null when there is no such tenant.</returns>
    public Task<TenantEntry?> FindTenantAsync(TenantSlug slug, CancellationToken cancellationToken = default)
        => QueryOneAsync(Command(TenantRow.Select + " WHERE t.slug = $1", slug.Value), TenantRow.Read, cancellationToken);

    /// <exception cref="RegistryException">NotFound.</exception>
    public async Task<TenantEntry> GetTenantAsync(TenantSlug slug, CancellationToken cancellationToken = default)
        => await FindTenantAsync(slug, cancellationToken) ?? throw new RegistryException(RegistryFailure.NotFound, $"there is no tenant \"{slug}\"");

    /// <summary>Tenants by slug.</summary>
    public Task<IReadOnlyList<TenantEntry>> ListTenantsAsync(TenantFilter filter, CancellationToken cancellationToken = default)
        => QueryAsync(
            Command(
                TenantRow.Select +
                """
                 WHERE ($1::text IS NULL OR s.name = $1) AND ($2::text IS NULL OR t.plan = $2) AND ($3::text IS NULL OR t.state = $3)
                  AND ($4::text IS NULL OR t.slug > $4)
                ORDER BY t.slug LIMIT $5
                """,
                filter.ShardName, filter.Plan, filter.State is { } state ? EnumText.Of(state) : null, filter.After?.Value, filter.Limit),
            TenantRow.Read, cancellationToken);

    /// <summary>Takes a tenant to another state of its life, if nobody changed it since it was read.</summary>
    /// <param name="reason">Why it is suspended; ignored for other states.</param>
    /// <param name="deleteAfter">End of its retention; needed for <see cref="TenantState.Deleting"/> and ignored for other states.</param>
    /// <inheritdoc cref="ChangeTenantAsync" path="/returns"/>
    public Task<TenantEntry> SetTenantStateAsync(
        Tenant tenant, TenantState state, string? reason = null, DateTimeOffset? deleteAfter = null, CancellationToken cancellationToken = default)
        => ChangeTenantAsync(tenant, "state = $3, suspend_reason = $4, delete_after = $5, suspended_until = NULL, deleted_from = NULL",
            [EnumText.Of(state), state == TenantState.Suspended ? reason : null, state == TenantState.Deleting ? deleteAfter?.ToUniversalTime() : null],
            cancellationToken);

    /// <summary>Suspends a tenant, or changes reason and date of one that is.</summary>
    /// <param name="until">When it is to be resumed by itself; null for never.</param>
    /// <inheritdoc cref="ChangeTenantAsync" path="/returns"/>
    public Task<TenantEntry> SuspendTenantAsync(Tenant tenant, string? reason, DateTimeOffset? until, CancellationToken cancellationToken = default)
        => ChangeTenantAsync(tenant, "state = 'suspended', suspend_reason = $3, suspended_until = $4", [reason, until?.ToUniversalTime()], cancellationToken);

    /// <summary>Gives a tenant up, with a way back until its retention is over.</summary>
    /// <inheritdoc cref="ChangeTenantAsync" path="/returns"/>
    public Task<TenantEntry> GiveUpTenantAsync(Tenant tenant, DateTimeOffset deleteAfter, CancellationToken cancellationToken = default)
        => ChangeTenantAsync(tenant, "state = 'deleting', deleted_from = CASE WHEN state IN ('active', 'suspended') THEN state ELSE deleted_from END, delete_after = $3",
            [deleteAfter.ToUniversalTime()], cancellationToken);

    /// <summary>Takes a deletion back: the tenant is what it was before.</summary>
    /// <inheritdoc cref="ChangeTenantAsync" path="/returns"/>
    public Task<TenantEntry> UndeleteTenantAsync(Tenant tenant, CancellationToken cancellationToken = default)
        => ChangeTenantAsync(tenant, "state = deleted_from, deleted_from = NULL, delete_after = NULL", [], cancellationToken);

    /// <summary>Gives a tenant another slug; the old one is kept from others for 30 days.</summary>
    /// <exception cref="RegistryException">AlreadyExists, VersionChanged.</exception>
    public async Task<TenantEntry> RenameTenantAsync(Tenant tenant, TenantSlug slug, CancellationToken cancellationToken = default)
    {
        await ChangeOneAsync(Command("UPDATE system.tenants SET slug = $3 WHERE id = $1 AND version = $2", tenant.Id.Value, tenant.Version, slug.Value),
            RegistryFailure.VersionChanged, Changed(tenant), cancellationToken);
        return await GetTenantAsync(slug, cancellationToken);
    }

    /// <returns>Null when there is no such tenant.</returns>
    public Task<TenantEntry?> FindTenantAsync(TenantId id, CancellationToken cancellationToken = default)
        => QueryOneAsync(Command(TenantRow.Select + " WHERE t.id = $1", id.Value), TenantRow.Read, cancellationToken);

    /// <summary>What the tenant has otherwise than its plan.</summary>
    public async Task<PlanOverrides> GetOverridesAsync(TenantId tenant, CancellationToken cancellationToken = default)
        => await QueryOneAsync(Command($"SELECT {PlanRow.OverrideColumns} FROM system.tenant_overrides o WHERE o.tenant_id = $1", tenant.Value),
            reader => PlanRow.ReadOverrides(reader, 0), cancellationToken) ?? PlanOverrides.None;

    /// <inheritdoc cref="ChangeTenantAsync" path="/returns"/>
    /// <exception cref="RegistryException">NotFound (plan), VersionChanged.</exception>
    public Task<TenantEntry> SetTenantPlanAsync(Tenant tenant, string plan, CancellationToken cancellationToken = default)
        => ChangeTenantAsync(tenant, "plan = $3", [plan], cancellationToken);

    /// <summary>Sets from where the tenant's users may log in.</summary>
    /// <inheritdoc cref="ChangeTenantAsync" path="/returns"/>
    /// <exception cref="RegistryException">VersionChanged.</exception>
    public Task<TenantEntry> SetAllowedAddressesAsync(Tenant tenant, AddressList allowed, CancellationToken cancellationToken = default)
        => ChangeTenantAsync(tenant, "allowed_networks = $3::text[]::cidr[]", [allowed.Texts.ToArray()], cancellationToken);

    /// <summary>Makes new passwords for the tenant's login roles; the shard's roles must be altered to match.</summary>
    /// <inheritdoc cref="ChangeTenantAsync" path="/returns"/>
    public Task<TenantEntry> RaiseCredentialsEpochAsync(Tenant tenant, CancellationToken cancellationToken = default)
        => ChangeTenantAsync(tenant, "credentials_epoch = credentials_epoch + 1", [], cancellationToken);

    /// <summary>Sets what the tenant has otherwise than its plan; <see cref="PlanOverrides.None"/> takes all of it back.</summary>
    public Task SetOverridesAsync(TenantId tenant, PlanOverrides overrides, CancellationToken cancellationToken = default)
    {
        if (overrides.WhyRefused() is { } reason) throw new RegistryException(RegistryFailure.Refused, reason);
        return ChangeOneAsync(
            Command($"INSERT INTO system.tenant_overrides (tenant_id, {PlanRow.Written}) VALUES ($1, {PlanRow.Parameters}) ON CONFLICT (tenant_id) DO UPDATE SET ({PlanRow.Written}) = ({PlanRow.Parameters})",
                [tenant.Value, .. PlanRow.Values(overrides)]),
            RegistryFailure.NotFound, $"there is no tenant {tenant}", cancellationToken);
    }

    /// <summary>Removes the tenant's row with its users; its placements and audit entries stay. What it has on the shard must be gone before.</summary>
    public Task DeleteTenantAsync(Tenant tenant, CancellationToken cancellationToken = default)
        => ChangeOneAsync(Command("DELETE FROM system.tenants WHERE id = $1 AND version = $2", tenant.Id.Value, tenant.Version),
            RegistryFailure.VersionChanged, Changed(tenant), cancellationToken);

    /// <returns>The tenant as it is now.</returns>
    private async Task<TenantEntry> ChangeTenantAsync(Tenant tenant, string assignments, object?[] values, CancellationToken cancellationToken)
    {
        await ChangeOneAsync(
            Command($"UPDATE system.tenants SET {assignments} WHERE id = $1 AND version = $2", [tenant.Id.Value, tenant.Version, .. values]),
            RegistryFailure.VersionChanged, Changed(tenant), cancellationToken);
        return await GetTenantAsync(tenant.Slug, cancellationToken);
    }

    private static string Changed(Tenant tenant) => $"tenant \"{tenant.Slug}\" was changed by somebody else";

    private static async Task<RegistryException> WhyNoShardAsync(NpgsqlConnection connection, NewTenant tenant, CancellationToken cancellationToken)
    {
        if (tenant.ShardName is null)
        {
            string where = tenant.Region is null ? "no shard" : $"no shard of region \"{tenant.Region}\"";
            return new RegistryException(RegistryFailure.NoCapacity,
                $"{where} is prepared, accepts tenants and has room{(tenant.Identity == TenantIdentity.Sealed ? " under lockdown strict" : "")}");
        }
        await using NpgsqlCommand command = Command(connection, ShardSelect + " WHERE s.name = $1", tenant.ShardName);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken)) return new(RegistryFailure.NotFound, $"there is no shard \"{tenant.ShardName}\"");
        return ReadShard(reader) switch
        {
            { PreparedAt: null } shard => new(RegistryFailure.NoCapacity, $"shard \"{shard.Name}\" is not prepared; run: proxyctl shard prepare {shard.Name}"),
            { Accepting: false } shard => new(RegistryFailure.NoCapacity, $"shard \"{shard.Name}\" is drained: it accepts no tenants"),
            var shard when tenant.Region is not null && shard.Region != tenant.Region
                => new(RegistryFailure.NoCapacity, $"shard \"{shard.Name}\" is in region \"{shard.Region}\", not \"{tenant.Region}\""),
            { Lockdown: Lockdown.Relaxed } shard when tenant.Identity == TenantIdentity.Sealed
                => new(RegistryFailure.Refused, $"a sealed tenant needs a shard with lockdown strict; shard \"{shard.Name}\" has relaxed"),
            var shard => new(RegistryFailure.NoCapacity, $"shard \"{shard.Name}\" is full: it holds {shard.TenantsMax} tenants"),
        };
    }
}
