using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Tests.Support;
using Xunit;

namespace ProxySuite.Tenancy.Tests;

[Collection(SharedServer.Name)]
[Trait("Category", "Server")]
public sealed class RegistryStoreTests(RegistryDatabases databases)
{
    [Fact]
    public async Task A_shard_comes_back_as_entered_and_proxies_see_it_without_its_logins()
    {
        await using RegistryWorld world = await RegistryWorld.EmptyAsync(databases);
        Shard entered = await world.Store.InsertShardAsync(new NewShard
        {
            Name = "s1",
            Primary = DsnParser.Parse("postgres://admin:p%40ss@a.example,b.example:5433/apps?sslmode=verify-full"),
            Replica = DsnParser.Parse("postgres://admin:p%40ss@%2Frun%2Freplica:5434/apps"),
            Region = "eu-1",
            TenantsMax = 7,
            ConnectionsMax = 50,
        });
        Assert.Equal<ShardEndpoint>([new ShardEndpoint("a.example", 5432), new ShardEndpoint("b.example", 5433)], entered.Primary);
        Assert.Equal<ShardEndpoint>([new ShardEndpoint("/run/replica", 5434)], entered.Replicas);
        Assert.Equal(("apps", TlsMode.VerifyFull, "eu-1", 7, 50, true), (entered.Database, entered.Tls, entered.Region, entered.TenantsMax, entered.ConnectionsMax, entered.Accepting));
        Assert.Equal("p@ss", entered.AdminDsn!.Password!.Reveal());
        Assert.Null(entered.PreparedAt);

        Shard? seen = await world.Reader.FindShardAsync(entered.Id, default);
        Assert.Equal((entered.Name, entered.Version), (seen!.Name, seen.Version));
        Assert.Null(seen.AdminDsn);
        Assert.Null(seen.ReplicaDsn);
    }

    [Fact]
    public async Task A_shards_password_is_printed_by_nothing()
    {
        await using RegistryWorld world = await RegistryWorld.WithShardsAsync(databases);
        Shard shard = await world.Store.GetShardAsync("s1");
        Assert.DoesNotContain("secret", shard.ToString(), StringComparison.Ordinal);
        Assert.Contains("secret", shard.AdminDsn!.Reveal(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tenant_comes_back_with_plan_users_and_placement()
    {
        await using RegistryWorld world = await RegistryWorld.WithShardsAsync(databases);
        TenantEntry added = await world.AddTenantAsync("acme", shard: "s2");
        var until = new DateTimeOffset(2030, 1, 2, 3, 4, 5, TimeSpan.Zero);
        await world.Store.InsertUserAsync(added.Tenant.Id, new TenantUser("reporting", UserRole.Readonly, RegistryWorld.Verifier, until));

        TenantEntry? found = await world.Reader.FindTenantAsync(TenantSlug.Parse("acme"), default);
        Tenant tenant = found!.Tenant;
        Assert.Equal("s2", found.Shard.Name);
        Assert.Equal(new Placement(found.Shard.Id, 1, "apps", BackendNames.Schema(tenant.Id), PlacementState.Active), tenant.Placement);
        Assert.Equal(PlanDefaults.Growth with { Version = tenant.Plan.Version }, tenant.Plan);
        Assert.Equal(["app", "reporting"], tenant.Users.Keys.Order());
        Assert.Equal((UserRole.App, null), (tenant.Users["app"].Role, tenant.Users["app"].ValidUntil));
        Assert.Equal((UserRole.Readonly, until), (tenant.Users["reporting"].Role, tenant.Users["reporting"].ValidUntil));
        Assert.Equal(RegistryWorld.Verifier.ToStoredForm(), tenant.Users["app"].Verifier.ToStoredForm());
        Assert.True(tenant.IsActive);
    }

    [Theory]
    [InlineData(IsolationModel.Pool)]
    [InlineData(IsolationModel.Schema)]
    [InlineData(IsolationModel.Database)]
    public async Task Names_in_the_registry_are_those_the_code_derives_from_the_id(IsolationModel isolation)
    {
        await using RegistryWorld world = await RegistryWorld.WithShardsAsync(databases);
        (Tenant tenant, Shard shard) = await world.AddTenantAsync("acme", isolation: isolation);
        Assert.Equal(BackendNames.SchemaFor(tenant.Id, isolation), tenant.Placement.SchemaName);
        Assert.Equal(BackendNames.DatabaseFor(tenant.Id, isolation, shard.Database), tenant.Placement.Database);
    }

    [Fact]
    public async Task Tenants_go_to_the_shard_with_most_room_and_never_beyond_its_maximum()
    {
        await using RegistryWorld world = await RegistryWorld.EmptyAsync(databases);
        await world.AddShardAsync("small", tenantsMax: 2);
        await world.AddShardAsync("large", tenantsMax: 6);
        // All at once: room is counted under a lock.
        TenantEntry[] placed = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => world.Store.InsertTenantAsync(
            new NewTenant { Slug = TenantSlug.Parse($"t{i}"), Plan = "free" })));
        Assert.Equal(2, placed.Count(entry => entry.Shard.Name == "small"));
        Assert.Equal(6, placed.Count(entry => entry.Shard.Name == "large"));

        var full = await Assert.ThrowsAsync<RegistryException>(() => world.Store.InsertTenantAsync(new NewTenant { Slug = TenantSlug.Parse("more"), Plan = "free" }));
        Assert.Equal(RegistryFailure.NoCapacity, full.Failure);
    }

    [Fact]
    public async Task A_shard_that_is_unprepared_drained_full_elsewhere_or_unknown_says_so()
    {
        await using RegistryWorld world = await RegistryWorld.EmptyAsync(databases);
        await world.Store.InsertShardAsync(new NewShard { Name = "raw", Primary = DsnParser.Parse("postgres://h/d") });
        Shard drained = await world.AddShardAsync("drained");
        await world.Store.UpdateShardAsync(drained with { Accepting = false });
        await world.AddShardAsync("eu", tenantsMax: 1, region: "eu");
        await world.AddTenantAsync("first", shard: "eu");

        Assert.Contains("not prepared", await Refusal("raw"), StringComparison.Ordinal);
        Assert.Contains("drained", await Refusal("drained"), StringComparison.Ordinal);
        Assert.Contains("full", await Refusal("eu"), StringComparison.Ordinal);
        Assert.Contains("region \"eu\"", await Refusal("eu", "us"), StringComparison.Ordinal);
        Assert.Contains("no shard \"none\"", await Refusal("none"), StringComparison.Ordinal);
        Assert.Contains("no shard of region \"mars\"", await Refusal(null, "mars"), StringComparison.Ordinal);

        async Task<string> Refusal(string? shard, string? region = null) => (await Assert.ThrowsAsync<RegistryException>(() => world.Store.InsertTenantAsync(
            new NewTenant { Slug = TenantSlug.Parse("x"), Plan = "free", ShardName = shard, Region = region }))).Message;
    }

    [Fact]
    public async Task A_slug_is_taken_once()
    {
        await using RegistryWorld world = await RegistryWorld.WithShardsAsync(databases);
        await world.AddTenantAsync("acme");
        var again = await Assert.ThrowsAsync<RegistryException>(() => world.AddTenantAsync("acme"));
        Assert.Equal(RegistryFailure.AlreadyExists, again.Failure);
    }

    [Fact]
    public async Task Who_changes_what_somebody_else_changed_meanwhile_is_told()
    {
        await using RegistryWorld world = await RegistryWorld.WithShardsAsync(databases);
        Tenant read = (await world.AddTenantAsync("acme")).Tenant;
        Tenant changed = (await world.Store.SetTenantPlanAsync(read, "free")).Tenant;
        Assert.True(changed.Version > read.Version);
        Assert.Equal("free", changed.Plan.Name);

        var late = await Assert.ThrowsAsync<RegistryException>(() => world.Store.SetTenantPlanAsync(read, "starter"));
        Assert.Equal(RegistryFailure.VersionChanged, late.Failure);
        Plan plan = (await world.Store.FindPlanAsync("free"))!;
        await world.Store.SavePlanAsync(plan with { Connections = 3 });
        Assert.Equal(RegistryFailure.VersionChanged, (await Assert.ThrowsAsync<RegistryException>(() => world.Store.SavePlanAsync(plan with { Connections = 4 }))).Failure);
    }

    [Fact]
    public async Task A_tenant_is_suspended_with_a_reason_resumed_and_deleted()
    {
        await using RegistryWorld world = await RegistryWorld.WithShardsAsync(databases);
        Tenant tenant = (await world.AddTenantAsync("acme")).Tenant;
        tenant = (await world.Store.SetTenantStateAsync(tenant, TenantState.Suspended, reason: "unpaid")).Tenant;
        Assert.Equal((TenantState.Suspended, "unpaid", false), (tenant.State, tenant.SuspendReason, tenant.IsActive));
        tenant = (await world.Store.SetTenantStateAsync(tenant, TenantState.Active)).Tenant;
        Assert.Null(tenant.SuspendReason);
        tenant = (await world.Store.SetTenantStateAsync(tenant, TenantState.Deleting, deleteAfter: DateTimeOffset.UtcNow)).Tenant;
        await world.Store.DeleteTenantAsync(tenant);
        Assert.Null(await world.Store.FindTenantAsync(tenant.Slug));
        Assert.Equal(1L, await world.Database.ScalarAsync<long>($"SELECT count(*) FROM system.placements WHERE tenant_id = '{tenant.Id}' AND ended_at IS NOT NULL"));
    }

    [Fact]
    public async Task A_tenant_made_again_under_its_old_slug_has_a_higher_version()
    {
        await using RegistryWorld world = await RegistryWorld.WithShardsAsync(databases);
        Tenant first = (await world.AddTenantAsync("acme")).Tenant;
        await world.Store.DeleteTenantAsync(first);
        Tenant second = (await world.AddTenantAsync("acme")).Tenant;
        Assert.True(second.Version > first.Version);
        Assert.NotEqual(first.Id, second.Id);
    }

    [Fact]
    public async Task Overrides_replace_single_limits_of_the_plan()
    {
        await using RegistryWorld world = await RegistryWorld.WithShardsAsync(databases);
        Tenant tenant = (await world.AddTenantAsync("acme", plan: "free")).Tenant;
        Plan plan = (await world.Store.FindPlanAsync("free"))!;
        await world.Store.SavePlanAsync(plan with { Settings = plan.Settings.Add("lock_timeout", "1s").Add("temp_file_limit", "1GB") });
        await world.Store.SetOverridesAsync(tenant.Id, new PlanOverrides
        {
            Connections = 9,
            StatementTimeout = TimeSpan.FromSeconds(7),
            PoolMode = PoolMode.Session,
            Settings = PlanSettings.None.Add("lock_timeout", "2s"),
        });

        Plan effective = (await world.Store.GetTenantAsync(tenant.Slug)).Tenant.Plan;
        Assert.Equal((9, TimeSpan.FromSeconds(7), PoolMode.Session, plan.WorkMemBytes), (effective.Connections, effective.StatementTimeout, effective.PoolMode, effective.WorkMemBytes));
        Assert.Equal(("2s", "1GB"), (effective.Settings["lock_timeout"], effective.Settings["temp_file_limit"]));

        await world.Store.SetOverridesAsync(tenant.Id, PlanOverrides.None);
        Assert.Equal(2, (await world.Store.GetTenantAsync(tenant.Slug)).Tenant.Plan.Connections);
    }

    [Fact]
    public async Task Plans_out_of_range_are_refused_with_the_limit_they_break()
    {
        await using RegistryWorld world = await RegistryWorld.EmptyAsync(databases);
        Plan plan = PlanDefaults.Free with { Name = "odd" };
        foreach ((Plan refused, string reason) in new (Plan, string)[]
        {
            (plan with { Connections = 0 }, "connections"), (plan with { WorkMemBytes = 1000 }, "work_mem"), (plan with { Weight = 0 }, "weight"),
            (plan with { StatementTimeout = TimeSpan.Zero }, "statement timeout"), (plan with { QueriesPerSecond = 0 }, "queries per second"),
            (plan with { PinsMax = 0 }, "pins-max"), (plan with { Burst = 0 }, "burst"), (plan with { ConnectionsPerSecond = 0 }, "connections per second"),
            (plan with { ConcurrentQueries = 0 }, "concurrent"), (plan with { QuerySecondsPerMinute = 0 }, "query seconds"), (plan with { BytesPerMinute = 1 }, "bytes per minute"),
            (plan with { ClientsMax = 0 }, "clients-max"), (plan with { ConnectionsMin = plan.Connections + 1 }, "connections-min"), (plan with { PinnedIdleTimeout = TimeSpan.FromMilliseconds(1) }, "pinned idle"),
            (plan with { Settings = PlanSettings.None.Add("search_path", "x") }, "search_path"), (plan with { Name = "No" }, "name"),
        })
        {
            var thrown = await Assert.ThrowsAsync<RegistryException>(() => world.Store.SavePlanAsync(refused));
            Assert.Equal(RegistryFailure.Refused, thrown.Failure);
            Assert.Contains(reason, thrown.Message, StringComparison.Ordinal);
        }
        Plan saved = await world.Store.SavePlanAsync(plan with { QueriesPerSecond = 100, PoolMode = PoolMode.Statement, PinsMax = 3, PinnedIdleTimeout = TimeSpan.FromMinutes(2) });
        Assert.Equal((100, PoolMode.Statement, 3, TimeSpan.FromMinutes(2)), (saved.QueriesPerSecond, saved.PoolMode, saved.PinsMax, saved.PinnedIdleTimeout));
        await world.Store.DeletePlanAsync("odd");
        Assert.Null(await world.Store.FindPlanAsync("odd"));
    }

    [Fact]
    public async Task Every_limit_is_kept_in_plans_and_in_overrides()
    {
        await using RegistryWorld world = await RegistryWorld.WithShardsAsync(databases);
        Plan full = SealedEntryTests.Full().Tenant.Plan;
        Plan saved = await world.Store.SavePlanAsync(full with { Version = 0 });
        Assert.Equal(full with { Version = saved.Version, Settings = saved.Settings }, saved);
        Assert.Equal(full.Settings, saved.Settings);
        Plan changed = await world.Store.SavePlanAsync(PlanDefaults.Free with { Name = "gold", Version = saved.Version });
        Assert.Equal(PlanDefaults.Free with { Name = "gold", Version = changed.Version, Settings = changed.Settings }, changed);

        Tenant tenant = (await world.AddTenantAsync("acme", plan: "free")).Tenant;
        PlanOverrides overrides = PlanOverrides.Of(full);
        Assert.DoesNotContain(typeof(PlanOverrides).GetProperties(), property => property.GetValue(overrides) is null);
        for (int round = 0; round < 2; round++)
        {
            await world.Store.SetOverridesAsync(tenant.Id, overrides);
            PlanOverrides read = await world.Store.GetOverridesAsync(tenant.Id);
            Assert.Equal(overrides, read with { Settings = overrides.Settings });
            Plan applied = (await world.Store.GetTenantAsync(tenant.Slug)).Tenant.Plan;
            Assert.Equal(full with { Name = "free", Version = applied.Version, Settings = applied.Settings }, applied);
            Assert.Equal(PlanOverrides.None with { Settings = overrides.Settings, Burst = 77 }, PlanOverrides.None.With(new PlanOverrides { Burst = 77 }) with { Settings = overrides.Settings });
            Assert.Equal(overrides, PlanOverrides.None.With(overrides) with { Settings = overrides.Settings });
        }
        await world.Store.SetOverridesAsync(tenant.Id, new PlanOverrides { Connections = 2 });
        Assert.Equal(0, (await world.Store.GetTenantAsync(tenant.Slug)).Tenant.Plan.ConnectionsMin);
    }

    [Fact]
    public async Task A_plan_that_tenants_have_stays()
    {
        await using RegistryWorld world = await RegistryWorld.WithShardsAsync(databases);
        await world.AddTenantAsync("acme", plan: "free");
        Assert.Equal(RegistryFailure.InUse, (await Assert.ThrowsAsync<RegistryException>(() => world.Store.DeletePlanAsync("free"))).Failure);
        Assert.Equal(RegistryFailure.NotFound, (await Assert.ThrowsAsync<RegistryException>(() => world.AddTenantAsync("other", plan: "none"))).Failure);
    }

    [Fact]
    public async Task Tenants_are_listed_in_pages_and_by_condition()
    {
        await using RegistryWorld world = await RegistryWorld.WithShardsAsync(databases);
        foreach (string slug in new[] { "c", "a", "b", "d" }) await world.AddTenantAsync(slug, plan: slug == "d" ? "free" : "growth", shard: slug == "a" ? "s1" : "s2");

        Assert.Equal(["a", "b"], await Slugs(new TenantFilter { Limit = 2 }));
        Assert.Equal(["c", "d"], await Slugs(new TenantFilter { After = TenantSlug.Parse("b") }));
        Assert.Equal(["a"], await Slugs(new TenantFilter { ShardName = "s1" }));
        Assert.Equal(["d"], await Slugs(new TenantFilter { Plan = "free" }));
        Assert.Empty(await Slugs(new TenantFilter { State = TenantState.Suspended }));
        Assert.Equal([1, 3], (await world.Store.ListShardsAsync()).Select(shard => shard.TenantCount));

        async Task<IEnumerable<string>> Slugs(TenantFilter filter) => (await world.Store.ListTenantsAsync(filter)).Select(entry => entry.Tenant.Slug.Value);
    }

    [Fact]
    public async Task Audit_entries_are_read_newest_first()
    {
        await using RegistryWorld world = await RegistryWorld.EmptyAsync(databases);
        await world.Store.AppendAuditAsync(new AuditEntry("ops", "tenant.create", "tenant acme", DetailsJson: """{"plan": "free"}"""));
        await world.Store.AppendAuditAsync(new AuditEntry("ops", "tenant.create", "tenant globex", Done: false));
        IReadOnlyList<AuditEntry> entries = await world.Store.ListAuditAsync();
        Assert.Equal([("tenant globex", false), ("tenant acme", true)], entries.Select(entry => (entry.Subject, entry.Done)));
        Assert.Equal("""{"plan": "free"}""", Assert.Single(await world.Store.ListAuditAsync("tenant acme")).DetailsJson);
    }

    [Fact]
    public async Task A_database_without_a_registry_says_what_to_run()
    {
        await using var empty = RegistryDataSource.Create(await databases.EmptyAsync());
        var missing = await Assert.ThrowsAsync<RegistryException>(() => new RegistryStore(empty).ListPlansAsync());
        Assert.Contains("proxyctl init", missing.Message, StringComparison.Ordinal);
    }
}
