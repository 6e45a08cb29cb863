using Npgsql;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Tests.Support;
using Xunit;

namespace ProxySuite.Tenancy.Tests;

[Collection(SharedServer.Name)]
[Trait("Category", "Server")]
public sealed class RegistrySchemaTests(RegistryDatabases databases)
{
    [Fact]
    public async Task An_empty_database_becomes_a_registry_and_a_second_init_does_nothing()
    {
        await using NpgsqlDataSource database = RegistryDataSource.Create(await databases.EmptyAsync());
        Assert.Equal(RegistryState.Missing, (await RegistrySchema.CheckAsync(database)).State);

        Assert.Equal(Enumerable.Range(1, RegistrySchema.NeededVersion), await RegistrySchema.InitAsync(database));
        Assert.Equal(RegistryState.Current, (await RegistrySchema.CheckAsync(database)).State);
        Assert.Empty(await RegistrySchema.InitAsync(database));
    }

    [Fact]
    public async Task Of_several_inits_at_once_one_does_the_work_and_none_fails()
    {
        await using NpgsqlDataSource database = RegistryDataSource.Create(await databases.EmptyAsync());
        IReadOnlyList<int>[] applied = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => RegistrySchema.InitAsync(database)));
        Assert.Single(applied, versions => versions.Count > 0);
    }

    [Fact]
    public async Task A_registry_made_by_a_newer_program_is_told_apart()
    {
        await using NpgsqlDataSource database = RegistryDataSource.Create(await databases.RegistryAsync());
        await database.ExecuteAsync("INSERT INTO system.registry_versions (version, name, checksum) VALUES (9999, 'later', '')");
        Assert.Equal(RegistryState.Newer, (await RegistrySchema.CheckAsync(database)).State);
    }

    [Fact]
    public async Task A_registry_of_the_first_version_is_brought_up_with_all_that_is_in_it()
    {
        await using NpgsqlDataSource database = RegistryDataSource.Create(await databases.EmptyAsync());
        Assert.Equal([1], await RegistrySchema.InitAsync(database, versionMax: 1));
        await database.ExecuteAsync(
            $"""
            INSERT INTO system.shards (name, primary_endpoints, database_name, tls_mode, primary_dsn, prepared_at) VALUES ('s1', '{"{s1:5432}"}', 'apps', 'disable', 'Host=s1;Database=apps', now());
            INSERT INTO system.tenants (id, slug, plan, state, suspend_reason, shard_id) SELECT gen_random_uuid(), 'acme', 'growth', 'suspended', 'unpaid', id FROM system.shards;
            INSERT INTO system.tenant_users (tenant_id, name, verifier) SELECT id, 'app', '{RegistryWorld.Verifier.ToStoredForm()}' FROM system.tenants;
            """);
        long version = await database.ScalarAsync<long>("SELECT version FROM system.tenants");
        Assert.Equal(RegistryState.Outdated, (await RegistrySchema.CheckAsync(database)).State);

        Assert.Equal(Enumerable.Range(2, RegistrySchema.NeededVersion - 1), await RegistrySchema.InitAsync(database));
        TenantEntry entry = (await new PostgresTenantRegistry(database).FindTenantAsync(TenantSlug.Parse("acme"), CancellationToken.None))!;
        Assert.Equal((TenantState.Suspended, "unpaid", version), (entry.Tenant.State, entry.Tenant.SuspendReason, entry.Tenant.Version));
        Assert.Equal(RegistryWorld.Verifier.ToStoredForm(), entry.Tenant.Users["app"].Verifier.ToStoredForm());
    }

    [Fact]
    public async Task A_registry_whose_file_was_another_one_is_refused()
    {
        await using NpgsqlDataSource database = RegistryDataSource.Create(await databases.RegistryAsync());
        await database.ExecuteAsync("UPDATE system.registry_versions SET checksum = 'other' WHERE version = 1");
        await Assert.ThrowsAsync<RegistrySchemaException>(() => RegistrySchema.InitAsync(database));
    }

    [Fact]
    public async Task A_half_applied_file_leaves_nothing_behind()
    {
        await using NpgsqlDataSource database = RegistryDataSource.Create(await databases.EmptyAsync());
        // A table in the way makes the file fail somewhere in its middle.
        await database.ExecuteAsync("CREATE SCHEMA system; CREATE TABLE system.jobs (in_the_way int)");
        await Assert.ThrowsAsync<PostgresException>(() => RegistrySchema.InitAsync(database));
        Assert.Equal(1L, await database.ScalarAsync<long>("SELECT count(*) FROM pg_class WHERE relnamespace = 'system'::regnamespace AND relkind = 'r'"));

        await database.ExecuteAsync("DROP TABLE system.jobs");
        Assert.NotEmpty(await RegistrySchema.InitAsync(database));
    }

    [Fact]
    public async Task A_new_registry_has_the_default_plans()
    {
        await using NpgsqlDataSource database = RegistryDataSource.Create(await databases.RegistryAsync());
        foreach (Plan plan in PlanDefaults.All)
        {
            Assert.Equal(1L, await database.ScalarAsync<long>(
                $"""
                SELECT count(*) FROM system.plans WHERE name = '{plan.Name}' AND statement_timeout_ms = {plan.StatementTimeout.TotalMilliseconds}
                  AND work_mem_kb = {plan.WorkMemBytes / 1024} AND connections = {plan.Connections} AND weight = {plan.Weight}
                  AND queries_per_second IS NULL AND pool_mode IS NULL AND settings = '{"{}"}'
                """));
        }
        Assert.Equal((long)PlanDefaults.All.Length, await database.ScalarAsync<long>("SELECT count(*) FROM system.plans"));
    }

    [Fact]
    public async Task Other_roles_of_the_cluster_see_nothing_of_the_registry()
    {
        await using NpgsqlDataSource database = RegistryDataSource.Create(await databases.RegistryAsync());
        Assert.Equal(0L, await database.ScalarAsync<long>(
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'system'::regnamespace AND has_schema_privilege('pg_monitor', 'system', 'USAGE')"));
    }
}
