using System.Diagnostics;
using Npgsql;
using ProxySuite.Control.Provisioning;
using ProxySuite.Control.Tests.Support;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Secrets;
using ProxySuite.Testing.Servers;

namespace ProxySuite.Control.Tests;

/// <summary>Making tenants: repeated, cut off at every step, many at once (B3).</summary>
[Trait("Category", "Server")]
public sealed class TenantProvisioningTests
{
    private sealed class CutOffException : Exception;

    [Theory, MemberData(nameof(Servers.VersionsAndModels), MemberType = typeof(Servers))]
    public async Task Cut_off_at_any_step_the_same_request_finishes_it_and_nobody_got_in_meanwhile(int version, IsolationModel model)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        foreach (ProvisioningStep step in Enum.GetValues<ProvisioningStep>())
        {
            if (step == ProvisioningStep.DatabaseMade && model != IsolationModel.Database) continue;
            TenantRequest request = Request($"cut-{(int)step}", model) with { Template = Servers.NotesTemplate(model) };
            await Assert.ThrowsAsync<CutOffException>(() => Provisioning(world, step).CreateAsync(request, CancellationToken.None));

            Tenant unfinished = (await world.EntryAsync(request.Slug.Value)).Tenant;
            Assert.Equal(TenantState.Creating, unfinished.State);
            if (step < ProvisioningStep.LoginAllowed) await Assert.ThrowsAsync<PostgresException>(() => world.ConnectAsync(unfinished, UserRole.App));

            TenantCreated finished = await Provisioning(world).CreateAsync(request, CancellationToken.None);
            Assert.True(finished.Created);
            Assert.Equal(unfinished.Id, finished.Entry.Tenant.Id);
            Assert.True(finished.Entry.Tenant.Users["app"].Verifier.Matches("app", finished.GeneratedPassword!.Reveal()));
            await using NpgsqlConnection app = await world.ConnectAsync(finished.Entry.Tenant);
            Assert.Equal(1, await app.RunAsync("INSERT INTO notes (id, text) VALUES (1, 'x')"));
            await using NpgsqlConnection reader = await world.ConnectAsync(finished.Entry.Tenant, UserRole.Readonly);
            Assert.Equal(1L, await reader.ReadAsync<long>("SELECT count(*) FROM notes"));
            Assert.Equal("42501", await reader.RefusalAsync("DELETE FROM notes"));
        }
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task A_killed_program_leaves_what_the_next_run_finishes(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        string template = world.WriteFile("slow.sql", "SELECT pg_sleep(2); " + Servers.NotesTemplate(IsolationModel.Schema));
        var start = new ProcessStartInfo(Binaries.Own("proxyctl"),
            ["tenant", "create", "acme", "--plan", "free", "--template", template, "--registry", world.RegistryDsn, "--master-key-file", world.KeyFile]);
        using (Process program = Process.Start(start)!)
        {
            // In the middle of the template, with a transaction open on the shard and the registry's lock held.
            while (await world.Server.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == 0) await Task.Delay(20);
            program.Kill();
            await program.WaitForExitAsync();
        }

        CliRun run = await world.MustAsync("tenant", "create", "acme", "--plan", "free", "--template", template, "--json");

        Assert.Equal("app", run.Json.GetProperty("user").GetString());
        await using NpgsqlConnection app = await world.ConnectAsync((await world.EntryAsync("acme")).Tenant);
        Assert.Equal(1, await app.RunAsync("INSERT INTO notes VALUES (1, 'x')"));
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task Of_many_that_make_one_tenant_at_once_one_does_and_the_others_find_it(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        TenantCreated[] made = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ =>
            Task.Run(() => Provisioning(world).CreateAsync(Request("acme", IsolationModel.Schema), CancellationToken.None))));
        TenantCreated first = Assert.Single(made, created => created.Created);
        Assert.All(made, created => Assert.Equal(first.Entry.Tenant.Id, created.Entry.Tenant.Id));
        // The password that the one told is the one that counts.
        Assert.True((await world.VerifierAsync("acme", "app")).Matches(first.GeneratedPassword!.Reveal()));
        Assert.All(made.Where(created => !created.Created), created => Assert.Null(created.GeneratedPassword));
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task Many_tenants_of_all_models_are_made_at_once(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        IsolationModel[] models = Enum.GetValues<IsolationModel>();
        await Task.WhenAll(Enumerable.Range(0, 18).Select(i => Task.Run(async () =>
        {
            IsolationModel model = models[i % models.Length];
            TenantRequest request = Request($"many-{i}", model) with { Template = Servers.NotesTemplate(model) };
            Assert.True((await Provisioning(world).CreateAsync(request, CancellationToken.None)).Created);
        })));
        foreach (TenantEntry entry in await world.Control.Store.ListTenantsAsync(new TenantFilter()))
        {
            await using NpgsqlConnection app = await world.ConnectAsync(entry.Tenant);
            Assert.Equal(1, await app.RunAsync("INSERT INTO notes (id, text) VALUES (1, 'x')"));
            Assert.Equal(1L, await app.ReadAsync<long>("SELECT count(*) FROM notes"));
        }
    }

    [Fact]
    public async Task The_same_request_again_changes_nothing_and_another_one_is_refused()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        TenantRequest request = Request("acme", IsolationModel.Schema) with { Password = new Secret("correct horse") };
        TenantCreated first = await Provisioning(world).CreateAsync(request, CancellationToken.None);
        Assert.Null(first.GeneratedPassword);
        TenantCreated again = await Provisioning(world).CreateAsync(request, CancellationToken.None);
        Assert.False(again.Created);
        Assert.Equal(first.Entry.Tenant.Version, again.Entry.Tenant.Version);

        foreach ((TenantRequest other, string reason) in new[]
        {
            (request with { Plan = "growth" }, "with plan free"),
            (request with { Isolation = IsolationModel.Pool }, "with isolation schema"),
            (request with { Shard = "s9" }, "with shard s1"),
            (request with { Region = "us" }, "with region eu"),
            (request with { User = "web" }, "without a user \"web\""),
            (request with { Password = new Secret("another one") }, "has another password"),
        })
        {
            ControlException refused = await Assert.ThrowsAsync<ControlException>(() => Provisioning(world).CreateAsync(other, CancellationToken.None));
            Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_tenant_goes_to_the_shard_with_most_room_in_the_region_asked_for()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        foreach (string shard in (string[])["s2", "s3"])
        {
            await world.MustAsync("shard", "add", shard, "--primary", world.Server.Dsn(await world.Server.CreateDatabaseAsync()), "--region", shard == "s2" ? "eu" : "us", "--max-tenants", "2");
            await world.MustAsync("shard", "prepare", shard);
        }
        await world.TenantAsync("first", IsolationModel.Pool);
        Assert.Equal("s1", (await world.EntryAsync("first")).Shard.Name);
        foreach (string slug in (string[])["u1", "u2"]) await world.MustAsync("tenant", "create", slug, "--plan", "free", "--region", "us", "--isolation", "pool");
        Assert.Equal("s3", (await world.EntryAsync("u2")).Shard.Name);

        CliRun full = await world.RunAsync("tenant", "create", "u3", "--plan", "free", "--region", "us");
        Assert.Equal(1, full.ExitCode);
        Assert.Contains("us", full.Error, StringComparison.Ordinal);
        await world.MustAsync("shard", "drain", "s2");
        CliRun drained = await world.RunAsync("tenant", "create", "e1", "--plan", "free", "--shard", "s2");
        Assert.Contains("drained", drained.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_master_key_other_than_the_shards_is_refused_before_anything_is_made_or_changed()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Schema);
        await world.MustAsync("tenant", "suspend", "acme");
        string other = world.WriteFile("unused", "") + ".other";
        MasterKey.CreateFile(other);

        CliRun create = await world.RunAsync("tenant", "create", "globex", "--plan", "free", "--master-key-file", other);
        CliRun resume = await world.RunAsync("tenant", "resume", "acme", "--master-key-file", other);

        Assert.Equal((1, 1), (create.ExitCode, resume.ExitCode));
        Assert.Contains("not the one that this shard's tenants were made with", create.Error, StringComparison.Ordinal);
        Assert.Equal(3L, await world.Server.ScalarAsync<long>("SELECT count(*) FROM tenancy.role_map", world.ShardDatabase));
        await world.MustAsync("tenant", "resume", "acme");
        await using NpgsqlConnection app = await world.ConnectAsync(acme);
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task A_database_of_its_own_sorts_as_the_shared_one_does(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        string shard = $"icu_{version}_{Guid.NewGuid():N}";
        await world.Server.ExecuteAsync($"CREATE DATABASE {shard} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'de-DE'");
        await world.MustAsync("shard", "add", "s2", "--primary", world.Server.Dsn(shard), "--region", "us");
        await world.MustAsync("shard", "prepare", "s2");
        await world.MustAsync("tenant", "create", "acme", "--plan", "free", "--isolation", "database", "--shard", "s2");

        const string Locale = "SELECT to_jsonb(d) - '{oid,datname,datdba,datacl,datfrozenxid,datminmxid}'::text[] FROM pg_database d WHERE datname = current_database()";
        Assert.Equal(await world.Server.ScalarAsync<string>(Locale, shard), await world.Server.ScalarAsync<string>(Locale, (await world.EntryAsync("acme")).Tenant.Placement.Database));
    }

    private static TenantRequest Request(string slug, IsolationModel model) => new() { Slug = TenantSlug.Parse(slug), Plan = "free", Isolation = model };

    private static TenantProvisioning Provisioning(ControlWorld world, ProvisioningStep? cutOffAt = null) => new(world.Control, world.Key())
    {
        Reached = step => step == cutOffAt ? throw new CutOffException() : Task.CompletedTask,
    };
}
