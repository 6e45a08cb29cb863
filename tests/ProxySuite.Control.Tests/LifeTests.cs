using System.Text.Json;
using Npgsql;
using ProxySuite.Control.Plans;
using ProxySuite.Control.Tests.Support;
using ProxySuite.Tenancy.Model;
using ProxySuite.Wire.Scram;

namespace ProxySuite.Control.Tests;

/// <summary>The life of a tenant through <c>proxyctl</c>, from its making to its end (B3).</summary>
[Trait("Category", "Server")]
public sealed class LifeTests
{
    [Fact]
    public async Task A_suspension_ends_by_itself_on_its_day_unless_it_was_changed()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Schema);
        await world.TenantAsync("globex", IsolationModel.Schema);
        await world.MustAsync("tenant", "suspend", "acme", "--until", "1h");
        await world.MustAsync("tenant", "suspend", "globex", "--until", "1h");
        await world.MustAsync("tenant", "suspend", "globex", "--reason", "for good");
        Assert.Empty((await world.MustAsync("work", "--once", "--json")).Json.EnumerateArray());

        await LetTimePassAsync(world);
        Assert.Equal(2, (await world.MustAsync("work", "--once", "--json")).Json.GetArrayLength());
        Assert.Equal(TenantState.Active, (await world.EntryAsync("acme")).Tenant.State);
        await using (await world.ConnectAsync(acme))
        {
            // Its roles are let in again, too.
        }
        Assert.Equal(TenantState.Suspended, (await world.EntryAsync("globex")).Tenant.State);
        Assert.Empty(await world.Control.Store.ListJobsAsync(openOnly: true));
    }

    [Fact]
    public async Task A_transaction_outlives_a_suspension_unless_it_is_to_end_now()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Schema, Servers.NotesTemplate(IsolationModel.Schema));
        await using NpgsqlConnection busy = await world.ConnectAsync(acme);
        await busy.RunAsync("BEGIN; INSERT INTO notes VALUES (1, 'x')");
        await world.MustAsync("tenant", "suspend", "acme");
        await busy.RunAsync("COMMIT");
        await busy.RunAsync("BEGIN; INSERT INTO notes VALUES (2, 'x')");
        await world.MustAsync("tenant", "suspend", "acme", "--now");
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => busy.RunAsync("COMMIT"));
    }

    [Fact]
    public async Task Servers_that_are_logged_in_end_with_a_suspension_also_where_no_proxy_has_heard_of_it()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Schema, Servers.NotesTemplate(IsolationModel.Schema));
        // As a stale proxy has them: one server idle, one in a transaction that ends soon, one in a transaction that goes on, and no door to open another.
        await using NpgsqlConnection idle = await world.ConnectAsync(acme), shortly = await world.ConnectAsync(acme), longer = await world.ConnectAsync(acme);
        await idle.RunAsync("INSERT INTO notes VALUES (1, 'x')");
        await shortly.RunAsync("BEGIN; INSERT INTO notes VALUES (2, 'x')");
        await longer.RunAsync("BEGIN; INSERT INTO notes VALUES (3, 'x')");
        Task<CliRun> suspension = world.MustAsync("tenant", "suspend", "acme");
        while ((await world.EntryAsync("acme")).Tenant.State == TenantState.Active) await Task.Delay(5);
        await shortly.RunAsync("COMMIT");
        await suspension;

        await Assert.ThrowsAnyAsync<NpgsqlException>(() => idle.RunAsync("INSERT INTO notes VALUES (4, 'x')"));
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => shortly.RunAsync("INSERT INTO notes VALUES (5, 'x')"));
        Assert.Equal("28000", (await Assert.ThrowsAsync<PostgresException>(() => world.ConnectAsync(acme))).SqlState);
        Assert.Equal(["tenant.end-sessions"], (await world.Control.Store.ListJobsAsync(openOnly: true)).Select(job => job.Kind));

        // While it is in its transaction the worker leaves it alone, and comes again.
        CliRun early = await world.RunAsync("work", "--once");
        Assert.Equal(1, early.ExitCode);
        Assert.Contains("1 session is in the middle of a transaction", early.Output, StringComparison.Ordinal);
        await longer.RunAsync("COMMIT");
        await world.Server.ExecuteAsync("UPDATE system.jobs SET run_after = now() - interval '1 s' WHERE finished_at IS NULL", world.RegistryDatabase);
        await world.MustAsync("work", "--once");
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => longer.RunAsync("INSERT INTO notes VALUES (6, 'x')"));
        Assert.Equal("1,2,3", await world.Server.ScalarAsync<string>($"SELECT string_agg(id::text, ',' ORDER BY id) FROM {acme.Placement.SchemaName}.notes", world.ShardDatabase));
        Assert.Empty(await world.Control.Store.ListJobsAsync(openOnly: true));
    }

    [Fact]
    public async Task Sessions_of_a_tenant_that_was_resumed_in_time_are_left_alone()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Schema, Servers.NotesTemplate(IsolationModel.Schema));
        await using NpgsqlConnection busy = await world.ConnectAsync(acme);
        await busy.RunAsync("BEGIN; INSERT INTO notes VALUES (1, 'x')");
        await world.MustAsync("tenant", "suspend", "acme");
        await world.MustAsync("tenant", "resume", "acme");
        await busy.RunAsync("COMMIT");
        await world.MustAsync("work", "--once");
        await busy.RunAsync("INSERT INTO notes VALUES (2, 'x')");
    }

    [Fact]
    public async Task A_deleted_tenant_can_be_had_back_until_its_retention_is_over()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Schema, Servers.NotesTemplate(IsolationModel.Schema));
        Assert.Equal((2, ""), await OutcomeAsync(world, "tenant", "delete", "acme"));
        Assert.Equal((1, ""), await OutcomeAsync(world, "tenant", "purge", "acme", "--yes"));
        await world.MustAsync("tenant", "delete", "acme", "--yes");
        Assert.Equal("28000", (await Assert.ThrowsAsync<PostgresException>(() => world.ConnectAsync(acme))).SqlState);
        Assert.Equal((1, ""), await OutcomeAsync(world, "tenant", "create", "acme", "--plan", "free"));
        Assert.Equal((1, ""), await OutcomeAsync(world, "tenant", "resume", "acme"));

        await world.MustAsync("tenant", "undelete", "acme");
        await using (NpgsqlConnection back = await world.ConnectAsync(acme)) Assert.Equal(0L, await back.ReadAsync<long>("SELECT count(*) FROM notes"));
        await world.MustAsync("tenant", "suspend", "acme", "--reason", "unpaid");
        await world.MustAsync("tenant", "delete", "acme", "--retention", "1h", "--yes");
        await world.MustAsync("tenant", "undelete", "acme");
        Assert.Equal((TenantState.Suspended, "unpaid"), ((await world.EntryAsync("acme")).Tenant.State, (await world.EntryAsync("acme")).Tenant.SuspendReason));

        await world.MustAsync("tenant", "delete", "acme", "--retention", "1h", "--yes");
        await LetTimePassAsync(world);
        await world.MustAsync("work", "--once");
        Assert.Null(await world.Control.Store.FindTenantAsync(TenantSlug.Parse("acme")));
        Assert.Equal(0L, await world.Server.ScalarAsync<long>($"SELECT count(*) FROM pg_roles WHERE rolname LIKE '{BackendNames.Role(acme.Id, UserRole.App)}%'"));
        await world.MustAsync("tenant", "create", "acme", "--plan", "free");
    }

    [Fact]
    public async Task A_purge_takes_a_tenants_rows_and_nobody_elses()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(15);
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Pool, Servers.NotesTemplate(IsolationModel.Pool));
        Tenant globex = await world.TenantAsync("globex", IsolationModel.Pool);
        foreach (Tenant tenant in (Tenant[])[acme, globex])
        {
            await using NpgsqlConnection connection = await world.ConnectAsync(tenant);
            await connection.RunAsync("INSERT INTO notes (id, text) SELECT n, 'x' FROM generate_series(1, 10) n");
        }
        await world.MustAsync("tenant", "delete", "acme", "--yes");
        await world.MustAsync("tenant", "purge", "acme", "--yes");
        Assert.Equal(10L, await world.Server.ScalarAsync<long>("SELECT count(*) FROM notes", world.ShardDatabase));
        await using NpgsqlConnection left = await world.ConnectAsync(globex);
        Assert.Equal(10L, await left.ReadAsync<long>("SELECT count(*) FROM notes"));
    }

    [Fact]
    public async Task A_renamed_tenant_keeps_everything_and_nobody_else_gets_its_old_name()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Schema, Servers.NotesTemplate(IsolationModel.Schema));
        await world.MustAsync("tenant", "rename", "acme", "acme-inc", "--yes");
        Assert.Equal(acme.Id, (await world.EntryAsync("acme-inc")).Tenant.Id);
        CliRun taken = await world.RunAsync("tenant", "create", "acme", "--plan", "free");
        Assert.Equal(1, taken.ExitCode);
        Assert.Contains("belonged to another tenant until lately", taken.Error, StringComparison.Ordinal);
        await world.MustAsync("tenant", "rename", "acme-inc", "acme", "--yes");
        await world.Server.ExecuteAsync("UPDATE system.retired_slugs SET until = now()", new NpgsqlConnectionStringBuilder(world.RegistryDsn).Database!);
        await world.MustAsync("tenant", "create", "acme-inc", "--plan", "free");
    }

    [Fact]
    public async Task Overrides_stand_beside_the_plan_until_they_are_taken_back()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Schema, plan: "free");
        await world.MustAsync("tenant", "set", "acme", "--connections", "40", "--setting", "lock_timeout=2s");
        await world.MustAsync("tenant", "set", "acme", "--statement-timeout", "2m");
        Plan plan = (await world.EntryAsync("acme")).Tenant.Plan;
        Assert.Equal((40, TimeSpan.FromMinutes(2), 4L << 20, "2s"), (plan.Connections, plan.StatementTimeout, plan.WorkMemBytes, plan.Settings["lock_timeout"]));
        Assert.Equal(88, await world.Server.ScalarAsync<int>($"SELECT rolconnlimit FROM pg_roles WHERE rolname = '{BackendNames.Role(acme.Id, UserRole.App)}'"));
        JsonElement shown = (await world.MustAsync("tenant", "show", "acme", "--json")).Json.GetProperty("overrides");
        Assert.Equal((40, "2m"), (shown.GetProperty("connections").GetInt32(), shown.GetProperty("statement_timeout").GetString()));
        Assert.Equal(1, (await world.RunAsync("tenant", "set", "acme", "--setting", "search_path=public")).ExitCode);
        Assert.Equal(2, (await world.RunAsync("tenant", "set", "acme")).ExitCode);

        await world.MustAsync("tenant", "set", "acme", "--reset");
        Assert.Equal(PlanDefaults.Free.Connections, (await world.EntryAsync("acme")).Tenant.Plan.Connections);
        Assert.Equal(JsonValueKind.Null, (await world.MustAsync("tenant", "show", "acme", "--json")).Json.GetProperty("overrides").ValueKind);
    }

    [Fact]
    public async Task An_old_password_counts_beside_the_new_one_for_its_overlap_alone()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        await world.RunAsync("the first one\n", ["tenant", "create", "acme", "--plan", "free", "--password-stdin"]);
        await world.RunAsync("the second one\n", ["tenant", "rotate-password", "acme", "app", "--overlap", "1h", "--password-stdin"]);
        TenantUser app = (await world.EntryAsync("acme")).Tenant.Users["app"];
        Assert.True(app.Verifier.Matches("app", "the second one") && app.Previous!.Matches("app", "the first one"));
        Assert.Null(app.PreviousAt(DateTimeOffset.UtcNow.AddMinutes(61)));
        // One exchange lets either in: both verifiers have one salt.
        foreach ((string password, bool isRight) in ((string, bool)[])[("the second one", true), ("the first one", true), ("another one", false)])
        {
            var server = new ScramServer((ScramVerifier)app.Verifier, former: (ScramVerifier?)app.PreviousAt(DateTimeOffset.UtcNow));
            var client = new ScramClient(password);
            Assert.True(client.TryAnswer(server.Start("SCRAM-SHA-256"u8, client.Start()), out byte[]? answer));
            Assert.Equal(isRight, server.TryFinish(answer, out byte[]? last));
            if (isRight) client.Finish(last);
        }
        await world.RunAsync("the third one\n", ["tenant", "rotate-password", "acme", "app", "--password-stdin"]);
        Assert.Null((await world.EntryAsync("acme")).Tenant.Users["app"].Previous);
    }

    [Fact]
    public async Task What_failed_is_in_the_log_with_its_reason_and_what_was_done_with_before_and_after()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        await world.TenantAsync("acme", IsolationModel.Schema, plan: "free");
        await world.RunAsync("tenant", "suspend", "nobody");
        await world.RunAsync("tenant", "set-plan", "acme", "gold");
        await world.MustAsync("tenant", "set-plan", "acme", "growth");
        JsonElement[] entries = [.. (await world.MustAsync("log", "--tenant", "acme", "--since", "1h", "--json")).Json.EnumerateArray()];
        Assert.Equal(["tenant.set-plan done", "tenant.set-plan failed", "tenant.create done"],
            entries.Select(entry => $"{entry.GetProperty("action").GetString()} {entry.GetProperty("outcome").GetString()}"));
        Assert.Equal(("free", "growth"), (entries[0].GetProperty("details").GetProperty("before").GetString(), entries[0].GetProperty("details").GetProperty("after").GetString()));
        Assert.Equal("there is no plan \"gold\"", entries[1].GetProperty("details").GetProperty("error").GetString());
        Assert.Contains("nobody", (await world.MustAsync("log")).Output, StringComparison.Ordinal);
        Assert.Empty((await world.MustAsync("log", "--since", "0s", "--json")).Json.EnumerateArray());
    }

    [Fact]
    public async Task What_was_cut_off_is_finished_before_anything_else_is_done_to_the_tenant()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Schema, plan: "free");
        var there = new TaskCompletionSource();
        ControlPlane victim = world.NewControl(point =>
        {
            if (point != "tenant.set-plan registry saved") return Task.CompletedTask;
            there.SetResult();
            return new TaskCompletionSource().Task;
        });
        _ = new PlanService(victim).SetTenantPlanAsync(TenantSlug.Parse("acme"), "enterprise", CancellationToken.None);
        await there.Task;
        await world.EndAllConnectionsAsync();
        Assert.Equal(12, await LimitAsync(world, acme));
        await world.MustAsync("tenant", "suspend", "acme");
        Assert.Equal(208, await LimitAsync(world, acme));
        Assert.Equal(["tenant.suspend", "tenant.set-plan"], (await world.Control.Store.ListAuditAsync("tenant acme")).Take(2).Select(entry => entry.Action));
    }

    [Fact]
    public async Task Of_two_at_work_on_one_tenant_the_second_waits_and_neither_is_lost()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        await world.TenantAsync("acme", IsolationModel.Schema);
        await Task.WhenAll(Enumerable.Range(0, 6).Select(i => world.MustAsync("tenant", "set", "acme", "--setting", $"app.s{i}=x")));
        Assert.Equal(6, (await world.EntryAsync("acme")).Tenant.Plan.Settings.Count);
    }

    private static async Task<(int, string)> OutcomeAsync(ControlWorld world, params string[] args)
    {
        CliRun run = await world.RunAsync(args);
        return (run.ExitCode, run.Output);
    }

    private static Task<int> LimitAsync(ControlWorld world, Tenant tenant)
        => world.Server.ScalarAsync<int>($"SELECT rolconnlimit FROM pg_roles WHERE rolname = '{BackendNames.Role(tenant.Id, UserRole.App)}'");

    /// <summary>An hour, for the registry: what lies in the future moves nearer.</summary>
    private static Task LetTimePassAsync(ControlWorld world) => world.Server.ExecuteAsync(
        """
        UPDATE system.jobs SET run_after = run_after - interval '1 h 1 s' WHERE finished_at IS NULL;
        UPDATE system.tenants SET suspended_until = suspended_until - interval '1 h 1 s', delete_after = delete_after - interval '1 h 1 s';
        """, new NpgsqlConnectionStringBuilder(world.RegistryDsn).Database!);
}
