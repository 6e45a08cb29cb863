using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Tests.Support;
using Xunit;

namespace ProxySuite.Tenancy.Tests;

/// <summary>States that the registry refuses whoever writes them, with which SQL so ever.</summary>
[Collection(SharedServer.Name)]
[Trait("Category", "Server")]
public sealed class RegistryConstraintTests(RegistryDatabases databases, RegistryConstraintTests.OneTenant shared) : IClassFixture<RegistryConstraintTests.OneTenant>
{
    private const string CheckViolation = "23514";
    private const string UniqueViolation = "23505";
    private const string ForeignKeyViolation = "23503";

    [Theory]
    [InlineData(CheckViolation, "UPDATE system.tenants SET slug = 'Acme'")]
    [InlineData(CheckViolation, "UPDATE system.tenants SET slug = 'postgres'")]
    [InlineData(CheckViolation, "UPDATE system.tenants SET slug = ''")]
    [InlineData(CheckViolation, "UPDATE system.tenants SET state = 'gone'")]
    [InlineData(CheckViolation, "UPDATE system.tenants SET suspend_reason = 'because'")]
    [InlineData(CheckViolation, "UPDATE system.tenants SET state = 'deleting'")]
    [InlineData(CheckViolation, "UPDATE system.tenants SET delete_after = now()")]
    [InlineData(CheckViolation, "UPDATE system.tenants SET identity = 'sealed'")]
    [InlineData(CheckViolation, "UPDATE system.tenants SET identity = 'sealed', isolation = 'pool', placement_epoch = 2")]
    [InlineData(CheckViolation, "UPDATE system.tenants SET migration_started_at = now()")]
    [InlineData(CheckViolation, "UPDATE system.tenants SET placement_state = 'moving', migration_started_at = now()")]
    [InlineData(CheckViolation, "UPDATE system.tenants SET placement_state = 'moving', migration_started_at = now(), migrating_to_shard = shard_id")]
    [InlineData(CheckViolation, "UPDATE system.tenants SET shard_id = (SELECT max(id) FROM system.shards)")]
    [InlineData(CheckViolation, "UPDATE system.tenants SET isolation = 'database'")]
    [InlineData(CheckViolation, "UPDATE system.tenants SET placement_epoch = 0")]
    [InlineData(CheckViolation, "UPDATE system.tenants SET id = gen_random_uuid()")]
    [InlineData(ForeignKeyViolation, "UPDATE system.tenants SET plan = 'none'")]
    [InlineData(ForeignKeyViolation, "DELETE FROM system.shards")]
    [InlineData("428C9", "UPDATE system.tenants SET schema_name = 'other'")]
    [InlineData("428C9", "UPDATE system.tenants SET is_active = true")]
    public Task A_tenant_in_a_wrong_state_is_refused(string sqlState, string sql) => RefusedAsync(sqlState, sql);

    [Theory]
    [InlineData("UPDATE system.tenant_users SET name = ''")]
    [InlineData("UPDATE system.tenant_users SET name = repeat('x', 64)")]
    [InlineData("UPDATE system.tenant_users SET name = E'a\\nb'")]
    [InlineData("UPDATE system.tenant_users SET role = 'admin'")]
    [InlineData("UPDATE system.tenant_users SET verifier = 'secret'")]
    [InlineData("UPDATE system.tenant_users SET verifier = verifier || 'x'")]
    public Task A_user_without_a_proper_name_role_and_verifier_is_refused(string sql) => RefusedAsync(CheckViolation, sql);

    [Theory]
    [InlineData("UPDATE system.plans SET connections = 0")]
    [InlineData("UPDATE system.plans SET statement_timeout_ms = 0")]
    [InlineData("UPDATE system.plans SET work_mem_kb = 63")]
    [InlineData("UPDATE system.plans SET weight = 1001")]
    [InlineData("UPDATE system.plans SET queries_per_second = 0")]
    [InlineData("UPDATE system.plans SET pool_mode = 'none'")]
    [InlineData("UPDATE system.plans SET settings = '[]'")]
    [InlineData("UPDATE system.shards SET primary_endpoints = '{}'")]
    [InlineData("UPDATE system.shards SET primary_endpoints = '{NULL}'")]
    [InlineData("UPDATE system.shards SET replica_endpoints = '{h:1}'")]
    [InlineData("UPDATE system.shards SET lockdown = 'none'")]
    [InlineData("UPDATE system.shards SET tenants_max = 0")]
    public Task A_plan_or_shard_out_of_range_is_refused(string sql) => RefusedAsync(CheckViolation, sql);

    [Fact]
    public async Task An_owner_and_the_pool_model_exclude_each_other_from_both_sides()
    {
        await using RegistryWorld world = await RegistryWorld.WithShardsAsync(databases);
        Tenant pool = (await world.AddTenantAsync("pooled", isolation: IsolationModel.Pool)).Tenant;
        var refused = await Assert.ThrowsAsync<RegistryException>(() => world.Store.InsertUserAsync(pool.Id, new TenantUser("ddl", UserRole.Owner, RegistryWorld.Verifier)));
        Assert.Equal(RegistryFailure.Refused, refused.Failure);

        Tenant schema = (await world.AddTenantAsync("acme")).Tenant;
        await world.Store.InsertUserAsync(schema.Id, new TenantUser("ddl", UserRole.Owner, RegistryWorld.Verifier));
        await world.Database.RefusedAsync(CheckViolation, "UPDATE system.tenants SET isolation = 'pool', placement_epoch = 2 WHERE slug = 'acme'");
    }

    [Fact]
    public async Task Sealed_tenants_live_on_strict_shards_which_stay_strict()
    {
        await using RegistryWorld world = await RegistryWorld.EmptyAsync(databases);
        await world.AddShardAsync("relaxed");
        Shard strict = await world.AddShardAsync("strict", lockdown: Lockdown.Strict);
        TenantEntry entry = await world.Store.InsertTenantAsync(
            new NewTenant { Slug = TenantSlug.Parse("acme"), Plan = "free", Isolation = IsolationModel.Pool, Identity = TenantIdentity.Sealed });
        Assert.Equal("strict", entry.Shard.Name);
        var refused = await Assert.ThrowsAsync<RegistryException>(() => world.Store.MarkShardPreparedAsync(strict.Id, Lockdown.Relaxed));
        Assert.Contains("sealed", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_flip_takes_the_tenant_over_once_and_leaves_its_history()
    {
        await using RegistryWorld world = await RegistryWorld.WithShardsAsync(databases);
        Tenant tenant = (await world.AddTenantAsync("acme", shard: "s1")).Tenant;
        const string Flip =
            """
            UPDATE system.tenants SET shard_id = migrating_to_shard, migrating_to_shard = NULL, placement_epoch = placement_epoch + 1, placement_state = 'settling'
            WHERE slug = 'acme' AND placement_epoch = 1 AND placement_state = 'cutover'
            """;
        Assert.Equal(0, await world.Database.ExecuteAsync(Flip));
        await world.Database.ExecuteAsync(
            """
            UPDATE system.tenants SET placement_state = 'cutover', migration_started_at = now(), migrating_to_shard = (SELECT id FROM system.shards WHERE name = 's2')
            """);
        Assert.Equal(1, await world.Database.ExecuteAsync(Flip));
        Assert.Equal(0, await world.Database.ExecuteAsync(Flip));

        TenantEntry moved = await world.Store.GetTenantAsync(tenant.Slug);
        Assert.Equal(("s2", 2L, PlacementState.Settling), (moved.Shard.Name, moved.Tenant.Placement.Epoch, moved.Tenant.Placement.State));
        Assert.Equal("1:s1:ended 2:s2:current", await world.Database.ScalarAsync<string>(
            """
            SELECT string_agg(epoch || ':' || s.name || ':' || CASE WHEN ended_at IS NULL THEN 'current' ELSE 'ended' END, ' ' ORDER BY epoch)
            FROM system.placements p JOIN system.shards s ON s.id = p.shard_id
            """));
    }

    [Fact]
    public async Task A_running_job_has_an_owner_and_a_finished_one_an_end()
    {
        await using RegistryWorld world = await RegistryWorld.EmptyAsync(databases);
        await world.Store.EnqueueJobAsync(new NewJob("audit", "s1"));
        await world.Database.RefusedAsync(CheckViolation, "UPDATE system.jobs SET state = 'running'");
        await world.Database.RefusedAsync(CheckViolation, "UPDATE system.jobs SET lease_owner = 'w', lease_until = now()");
        await world.Database.RefusedAsync(CheckViolation, "UPDATE system.jobs SET state = 'failed'");
        await world.Database.RefusedAsync(UniqueViolation, "INSERT INTO system.jobs (id, kind, key) VALUES (gen_random_uuid(), 'audit', 's1')");
    }

    [Theory]
    [InlineData("UPDATE system.audit_log SET actor = 'somebody else'")]
    [InlineData("DELETE FROM system.audit_log")]
    [InlineData("TRUNCATE system.audit_log")]
    public async Task The_audit_log_is_only_added_to(string sql)
    {
        await using RegistryWorld world = await RegistryWorld.EmptyAsync(databases);
        await world.Store.AppendAuditAsync(new AuditEntry("ops", "tenant.create", "tenant acme"));
        await world.Database.RefusedAsync("42501", sql);
    }

    /// <summary>A registry with one tenant, for statements that are refused and so change nothing.</summary>
    public sealed class OneTenant : IAsyncLifetime
    {
        private RegistryWorld? _world;

        public Task InitializeAsync() => Task.CompletedTask;

        internal async Task<RegistryWorld> WorldAsync(RegistryDatabases databases)
        {
            if (_world is null)
            {
                _world = await RegistryWorld.WithShardsAsync(databases);
                await _world.AddTenantAsync("acme", shard: "s1");
            }
            return _world;
        }

        public async Task DisposeAsync()
        {
            if (_world is not null) await _world.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("md5d41d8cd98f00b204e9800998ecf8427e", true)]
    [InlineData("md5D41D8CD98F00B204E9800998ECF8427E", false)]
    [InlineData("md5d41d8cd98f00b204e9800998ecf8427", false)]
    [InlineData("md5d41d8cd98f00b204e9800998ecf8427ee", false)]
    [InlineData("d41d8cd98f00b204e9800998ecf8427e", false)]
    [InlineData("secret", false)]
    public async Task A_password_is_stored_as_SCRAM_verifier_or_md5_hash(string verifier, bool isTaken)
    {
        await using RegistryWorld world = await RegistryWorld.WithShardsAsync(databases);
        Tenant tenant = (await world.AddTenantAsync("acme")).Tenant;
        await world.Store.InsertUserAsync(tenant.Id, new TenantUser("old", UserRole.App, RegistryWorld.Verifier));
        string sql = $"UPDATE system.tenant_users SET verifier = '{verifier}' WHERE name = 'old'";
        if (!isTaken)
        {
            await world.Database.RefusedAsync(CheckViolation, sql);
            return;
        }
        await world.Store.SetUserPasswordAsync(tenant.Id, "old", Wire.Scram.PasswordVerifier.ReadStored(verifier));
        Assert.Equal(verifier, (await world.Store.GetTenantAsync(tenant.Slug)).Tenant.Users["old"].Verifier.ToStoredForm());
    }

    [Fact]
    public async Task Networks_are_kept_and_raise_the_tenants_version()
    {
        await using RegistryWorld world = await RegistryWorld.WithShardsAsync(databases);
        Tenant tenant = (await world.AddTenantAsync("acme")).Tenant;
        Assert.True(tenant.AllowedAddresses.IsAny);
        Tenant limited = (await world.Store.SetAllowedAddressesAsync(tenant, AddressList.Parse(["10.0.0.0/8", "2001:db8::7"]))).Tenant;
        Assert.Equal("10.0.0.0/8,2001:db8::7/128", limited.AllowedAddresses.ToString());
        Assert.True(limited.Version > tenant.Version);
        Tenant open = (await world.Store.SetAllowedAddressesAsync(limited, AddressList.Any)).Tenant;
        Assert.True(open.AllowedAddresses.IsAny);
        var stale = await Assert.ThrowsAsync<RegistryException>(() => world.Store.SetAllowedAddressesAsync(limited, AddressList.Any));
        Assert.Equal(RegistryFailure.VersionChanged, stale.Failure);
    }

    private async Task RefusedAsync(string sqlState, string sql) => await (await shared.WorldAsync(databases)).Database.RefusedAsync(sqlState, sql);
}
