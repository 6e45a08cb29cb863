using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Npgsql;
using ProxySuite.Cli.Frame;
using ProxySuite.Control.Jobs;
using ProxySuite.Control.Plans;
using ProxySuite.Control.Provisioning;
using ProxySuite.Control.Shards;
using ProxySuite.Control.Tenants;
using ProxySuite.Control.Tests.Support;
using ProxySuite.Control.Users;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Secrets;
using Xunit.Abstractions;

namespace ProxySuite.Control.Tests;

/// <summary>
/// Every verb, cut off at every point where a program can die between two statements, and brought to its end by the same command, or by the worker. Cut off means: the
/// program stands still for ever and its connections are gone, as a server sees a kill -9. No line of it runs afterwards, so nothing is put in order by a catch or finally.
/// </summary>
[Trait("Category", "Server")]
public sealed class KillTests(ITestOutputHelper output)
{
    private static readonly ConcurrentQueue<string> Report = new();
    private static int _begun;

    /// <summary>Where bench/load/kill-steps wants the table of all cases; null in an ordinary run.</summary>
    private static string? ReportFile => Environment.GetEnvironmentVariable("KILL_REPORT") is { Length: > 0 } path ? path : null;

    /// <summary>Verbs: what the job is called, how a tenant or shard comes to where the verb begins, the verb, and what is true when it is done.</summary>
    /// <param name="WorkerFinishes">Whether the worker can finish it; not what hangs on a secret that its caller alone had.</param>
    /// <param name="AgainFinishes">Whether the same command finishes it; not what the worker alone does.</param>
    private sealed record Verb(
        string Name, string Kind, IsolationModel Model, Func<Scene, Task> Begin, Func<Scene, ControlPlane, Task> Run, Func<Scene, Task> Check, bool WorkerFinishes = true, bool AgainFinishes = true);

    /// <summary>Verbs of the program that are no jobs: they change nothing, or run what is in the table.</summary>
    private static readonly string[] NoJobs =
    [
        "init", // the registry's own migrations, each one transaction
        "audit", "completion", "doctor", "job list", "log", "plan list", "proxy list", "shard check", "shard list", "shard show", "tenant list", "tenant show", "top", "verifier", "work",
    ];

    public static TheoryData<string> Verbs => new(All.Select(verb => verb.Name));

    private static IEnumerable<Verb> All => [.. TenantVerbs, .. UserVerbs, .. ShardVerbs];

    private static IEnumerable<Verb> TenantVerbs
    {
        get
        {
            foreach (IsolationModel model in Enum.GetValues<IsolationModel>())
            {
                yield return new($"create ({EnumText.Of(model)})", "tenant.create", model, _ => Task.CompletedTask, (scene, control) => scene.CreateAsync(control), scene => scene.CheckServedAsync());
                yield return new($"purge ({EnumText.Of(model)})", "tenant.purge", model, scene => scene.MadeAsync(deleted: true),
                    (scene, control) => new TenantLifecycle(control).PurgeAsync(scene.Slug, CancellationToken.None), scene => scene.CheckGoneAsync());
            }
            yield return new("suspend", "tenant.suspend", IsolationModel.Schema, scene => scene.MadeAsync(),
                (scene, control) => new TenantLifecycle(control).SuspendAsync(scene.Slug, "unpaid", CancellationToken.None, scene.Tomorrow), scene => scene.CheckSuspendedAsync());
            yield return new("resume", "tenant.resume", IsolationModel.Schema, scene => scene.MadeAsync(suspended: true),
                (scene, control) => new TenantLifecycle(control).ResumeAsync(scene.Slug, scene.Key, CancellationToken.None), scene => scene.CheckServedAsync());
            yield return new("resume when due", "tenant.resume-due", IsolationModel.Schema, scene => scene.MadeDueAsync(suspended: true),
                (_, control) => WorkAsync(control), scene => scene.CheckServedAsync(), AgainFinishes: false);
            yield return new("end sessions", "tenant.end-sessions", IsolationModel.Schema, scene => scene.MadeInTransactionAsync(),
                (_, control) => WorkAsync(control), scene => scene.CheckEndedAsync(), AgainFinishes: false);
            yield return new("delete", "tenant.delete", IsolationModel.Schema, scene => scene.MadeAsync(),
                (scene, control) => new TenantLifecycle(control).DeleteAsync(scene.Slug, TimeSpan.FromDays(7), CancellationToken.None), scene => scene.CheckDeletedAsync());
            yield return new("undelete", "tenant.undelete", IsolationModel.Schema, scene => scene.MadeAsync(deleted: true),
                (scene, control) => new TenantLifecycle(control).UndeleteAsync(scene.Slug, scene.Key, CancellationToken.None), scene => scene.CheckServedAsync());
            yield return new("purge when due", "tenant.purge-due", IsolationModel.Schema, scene => scene.MadeDueAsync(suspended: false),
                (_, control) => WorkAsync(control), scene => scene.CheckGoneAsync(), AgainFinishes: false);
            yield return new("rename", "tenant.rename", IsolationModel.Schema, scene => scene.MadeAsync(),
                (scene, control) => new TenantLifecycle(control).RenameAsync(scene.Slug, scene.OtherSlug, CancellationToken.None), scene => scene.CheckRenamedAsync());
            yield return new("allow", "tenant.allow", IsolationModel.Schema, scene => scene.MadeAsync(),
                (scene, control) => new TenantAddresses(control).AllowAsync(scene.Slug, AddressList.Parse("203.0.113.0/24"), CancellationToken.None),
                async scene => Assert.Equal(["203.0.113.0/24"], (await scene.EntryAsync()).Tenant.AllowedAddresses.Texts));
            yield return new("set-plan", "tenant.set-plan", IsolationModel.Schema, scene => scene.MadeAsync(),
                (scene, control) => new PlanService(control).SetTenantPlanAsync(scene.Slug, "enterprise", CancellationToken.None), scene => scene.CheckLimitAsync(208));
            yield return new("set (overrides)", "tenant.set", IsolationModel.Schema, scene => scene.MadeAsync(),
                (scene, control) => new PlanService(control).SetOverridesAsync(scene.Slug, new PlanOverrides { Connections = 7 }, reset: false, CancellationToken.None), scene => scene.CheckLimitAsync(22));
            yield return new("plan set", "plan.set", IsolationModel.Schema, async scene =>
            {
                await scene.MadeAsync();
                await new PlanService(scene.World.Control).SetAsync("growth", plan => plan! with { Connections = 20 }, CancellationToken.None);
            }, (scene, control) => new PlanService(control).SetAsync("growth", plan => plan! with { Connections = 33 }, CancellationToken.None), scene => scene.CheckLimitAsync(74));
        }
    }

    private static IEnumerable<Verb> UserVerbs
    {
        get
        {
            yield return new("add-user", "tenant.add-user", IsolationModel.Schema, scene => scene.MadeAsync(), (scene, control) => scene.AddUserAsync(control), scene => scene.CheckPasswordAsync("web"), WorkerFinishes: false);
            yield return new("set-user", "tenant.set-user", IsolationModel.Schema, scene => scene.MadeAsync(),
                (scene, control) => new TenantUsers(control).SetEndAsync(scene.Slug, "app", new ValidUntil(scene.Tomorrow), CancellationToken.None),
                async scene => Assert.Equal(scene.Tomorrow, (await scene.EntryAsync()).Tenant.Users["app"].ValidUntil));
            yield return new("drop-user", "tenant.drop-user", IsolationModel.Schema, scene => scene.MadeAsync(),
                (scene, control) => new TenantUsers(control).DropAsync(scene.Slug, "app", CancellationToken.None), async scene => Assert.Empty((await scene.EntryAsync()).Tenant.Users));
            yield return new("rotate-password", "tenant.rotate-password", IsolationModel.Schema, scene => scene.MadeAsync(), (scene, control) => scene.RotateAsync(control), scene => scene.CheckRotatedAsync(), WorkerFinishes: false);
        }
    }

    private static IEnumerable<Verb> ShardVerbs
    {
        get
        {
            yield return new("shard add", "shard.add", IsolationModel.Schema, _ => Task.CompletedTask, (scene, control) => scene.AddShardAsync(control),
                async scene => Assert.Equal("us", (await scene.ShardAsync())!.Region), WorkerFinishes: false);
            yield return new("shard set", "shard.set", IsolationModel.Schema, scene => scene.AddShardAsync(scene.World.Control),
                (scene, control) => new ShardService(control).SetAsync(new ShardChange { Name = scene.Slug.Value, TenantsMax = 7, Region = "eu" }, CancellationToken.None),
                async scene => Assert.Equal(("eu", 7), ((await scene.ShardAsync())!.Region, (await scene.ShardAsync())!.TenantsMax)));
            yield return new("shard drain", "shard.drain", IsolationModel.Schema, scene => scene.AddShardAsync(scene.World.Control),
                (scene, control) => new ShardService(control).SetAcceptingAsync(scene.Slug.Value, false, CancellationToken.None), async scene => Assert.False((await scene.ShardAsync())!.Accepting));
            yield return new("shard remove", "shard.remove", IsolationModel.Schema, scene => scene.AddShardAsync(scene.World.Control),
                (scene, control) => new ShardService(control).RemoveAsync(scene.Slug.Value, CancellationToken.None), async scene => Assert.Null(await scene.ShardAsync()));
            yield return new("shard prepare", "shard.prepare", IsolationModel.Schema, scene => scene.PrepareAsync(Lockdown.Relaxed),
                (_, control) => new ShardService(control).PrepareAsync("s1", Lockdown.Strict, CancellationToken.None), async scene =>
                {
                    Assert.Equal(Lockdown.Strict, (await scene.World.Control.Store.GetShardAsync("s1")).Lockdown);
                    Assert.Equal("strict", await scene.World.Server.ScalarAsync<string>("SELECT level FROM tenancy.lockdown_level", scene.World.ShardDatabase));
                });
            yield return new("shard protect", "shard.protect", IsolationModel.Schema, scene => scene.UnguardedTablesAsync(),
                (scene, control) => new ShardProtection(control).RunAsync("s1", new ProtectionRequest { Tables = scene.Tables }, CancellationToken.None), scene => scene.CheckGuardedAsync());
            yield return new("shard repair", "shard.repair", IsolationModel.Schema, scene => scene.SpoiltAsync(),
                (scene, control) => new ShardRepair(control, scene.Key).RunAsync("s1", null, CancellationToken.None), scene => scene.CheckRepairedAsync());
            yield return new("shard rotate-seal", "shard.rotate-seal", IsolationModel.Schema, async scene =>
            {
                await scene.PrepareAsync(Lockdown.Strict);
                await new SealRotation(scene.World.Control, scene.Key).FinishAsync("s1", CancellationToken.None);
            }, (scene, control) => new SealRotation(control, scene.Key).BeginAsync("s1", CancellationToken.None), scene => scene.CheckSealsAsync(2));
            yield return new("shard rotate-seal --finish", "shard.rotate-seal", IsolationModel.Schema, async scene =>
            {
                await scene.PrepareAsync(Lockdown.Strict);
                await new SealRotation(scene.World.Control, scene.Key).BeginAsync("s1", CancellationToken.None);
            }, (scene, control) => new SealRotation(control, scene.Key).FinishAsync("s1", CancellationToken.None), scene => scene.CheckSealsAsync(1));
        }
    }

    private static async Task WorkAsync(ControlPlane control) => Assert.All(await control.RunDueAsync(CancellationToken.None), done => Assert.Null(done.Error));

    [Fact]
    public void Every_kind_of_job_and_every_verb_of_the_program_is_in_the_table()
    {
        Assert.Equal(JobKinds.All.Order(StringComparer.Ordinal), All.Select(verb => verb.Kind).Distinct().Order(StringComparer.Ordinal));
        string[] verbs = [.. VerbsOf(ProxyCtl.Build(), "")];
        Assert.Empty(NoJobs.Except(verbs));
        Assert.Empty(verbs.Except(NoJobs).Select(verb => verb.Replace(' ', '.')).Except(All.Select(verb => verb.Kind)));
    }

    private static IEnumerable<string> VerbsOf(System.CommandLine.Command command, string path)
        => command is Cli.Frame.Verb ? [path] : command.Subcommands.SelectMany(sub => VerbsOf(sub, path.Length == 0 ? sub.Name : $"{path} {sub.Name}"));

    [Theory, MemberData(nameof(Verbs))]
    public async Task Killed_at_any_step_and_run_again_a_verb_comes_to_its_end(string name)
    {
        Verb verb = All.Single(one => one.Name == name);
        var points = new List<string>();
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        var whole = new Scene(world, "whole", verb.Model);
        await verb.Begin(whole);
        await using (ControlPlane watched = world.NewControl(point => { points.Add(point); return Task.CompletedTask; })) await verb.Run(whole, watched);
        await verb.Check(whole);
        Assert.True(points.Count >= 5, "a job is entered, leased, and has a step");
        Assert.Equal($"{verb.Kind} entered", points[0]);

        // Every point in every way is some 600 cases; without a report to write, those between a step's work and its record, where most can go wrong.
        for (int i = 0; i < points.Count; i++)
        {
            if (ReportFile is null && !points[i].EndsWith(" worked", StringComparison.Ordinal)) continue;
            bool isEither = ReportFile is null && verb is { AgainFinishes: true, WorkerFinishes: true };
            if (verb.AgainFinishes && (!isEither || i % 2 == 0)) await KillAsync(world, verb, points, i, "again", (scene, control) => verb.Run(scene, control));
            if (verb.WorkerFinishes && (!isEither || i % 2 == 1)) await KillAsync(world, verb, points, i, "worker", (_, control) => WorkAsync(control));
        }
        await WriteReportAsync();
    }

    private static async Task KillAsync(ControlWorld world, Verb verb, List<string> points, int index, string how, Func<Scene, ControlPlane, Task> finish)
    {
        Interlocked.Increment(ref _begun);
        var scene = new Scene(world, string.Create(CultureInfo.InvariantCulture, $"k{index}-{how}"), verb.Model);
        await verb.Begin(scene);
        var there = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int passed = 0;
        ControlPlane victim = world.NewControl(_ =>
        {
            if (passed++ != index) return Task.CompletedTask;
            there.SetResult();
            return new TaskCompletionSource().Task; // never goes on
        });
        Task dying = verb.Run(scene, victim);
        if (await Task.WhenAny(there.Task, dying) == dying)
        {
            await dying;
            Assert.Fail($"the second run of {verb.Name} did not come to point {index}");
        }
        await world.EndAllConnectionsAsync();
        if (how == "worker") await world.MakeOpenJobsDueAsync();
        await using ControlPlane next = world.NewControl();
        await finish(scene, next);
        await verb.Check(scene);
        Assert.DoesNotContain(await next.Store.ListJobsAsync(openOnly: true), job => job.Attempts > 0);
        Report.Enqueue($"{verb.Name,-26} {points[index],-42} {how,-8} converged");
    }

    private async Task WriteReportAsync()
    {
        if (ReportFile is not { } path) return;
        output.WriteLine($"report: {path}");
        string sum = string.Create(CultureInfo.InvariantCulture, $"{Report.Count} of {Volatile.Read(ref _begun)} cases converged   promised all");
        await File.WriteAllLinesAsync(path, Report.Order(StringComparer.Ordinal).Prepend($"{"verb",-26} {"killed at",-42} {"then",-8} result").Append(sum), Encoding.UTF8);
    }

    /// <summary>One tenant of its own in the world.</summary>
    private sealed class Scene(ControlWorld world, string slug, IsolationModel model)
    {
        private TenantId _id;
        private Secret? _old, _new;
        private NpgsqlConnection? _stale;

        public ControlWorld World => world;

        public TenantSlug Slug { get; } = TenantSlug.Parse(slug);

        public TenantSlug OtherSlug { get; } = TenantSlug.Parse(slug + "-renamed");

        public DateTimeOffset Tomorrow { get; } = new(DateTime.UtcNow.Date.AddDays(2), TimeSpan.Zero);

        public MasterKey Key => world.Key();

        public Task<TenantEntry> EntryAsync() => world.EntryAsync(slug);

        public async Task MadeAsync(bool suspended = false, bool deleted = false)
        {
            _old = Passwords.Generate();
            TenantCreated made = await new TenantProvisioning(world.Control, Key).CreateAsync(Request() with { Password = _old }, CancellationToken.None);
            _id = made.Entry.Tenant.Id;
            await using (NpgsqlConnection app = await world.ConnectAsync(made.Entry.Tenant)) await app.RunAsync("INSERT INTO notes (id, text) VALUES (1, 'kept')");
            var life = new TenantLifecycle(world.Control);
            if (suspended) await life.SuspendAsync(Slug, null, CancellationToken.None);
            if (deleted) await life.DeleteAsync(Slug, TimeSpan.FromDays(7), CancellationToken.None);
        }

        /// <summary>Suspended or deleted, and the time is over: the worker has something to do.</summary>
        public async Task MadeDueAsync(bool suspended)
        {
            await MadeAsync();
            var life = new TenantLifecycle(world.Control);
            if (suspended) await life.SuspendAsync(Slug, null, CancellationToken.None, Tomorrow);
            else await life.DeleteAsync(Slug, TimeSpan.Zero, CancellationToken.None);
            await world.Server.ExecuteAsync($"UPDATE system.jobs SET run_after = now() - interval '1 s' WHERE finished_at IS NULL AND tenant_id = '{_id}'", world.RegistryDatabase);
        }

        /// <summary>Suspended in the middle of a transaction, which has ended since without a proxy that would have ended the session.</summary>
        public async Task MadeInTransactionAsync()
        {
            await MadeAsync();
            NpgsqlConnection app = await world.ConnectAsync((await EntryAsync()).Tenant);
            await app.RunAsync("BEGIN; INSERT INTO notes (id, text) VALUES (3, 'in time')");
            await new TenantLifecycle(world.Control).SuspendAsync(Slug, null, CancellationToken.None);
            await app.RunAsync("COMMIT");
            _stale = app;
        }

        public async Task CheckEndedAsync()
        {
            await Assert.ThrowsAnyAsync<NpgsqlException>(() => _stale!.RunAsync("INSERT INTO notes (id, text) VALUES (4, 'too late')"));
            await _stale!.DisposeAsync();
            Assert.DoesNotContain(await world.Control.Store.ListJobsAsync(openOnly: true), job => job.Kind == "tenant.end-sessions");
        }

        public Task<Shard?> ShardAsync() => world.Control.Store.FindShardAsync(slug);

        public Task<Shard> AddShardAsync(ControlPlane control) => new ShardService(control).AddAsync(
            new NewShard { Name = slug, Primary = DsnParser.Parse(world.Server.Dsn(world.ShardDatabase)), Region = "us" }, CancellationToken.None);

        public async Task PrepareAsync(Lockdown lockdown)
        {
            await using ControlPlane control = world.NewControl();
            await new ShardService(control).PrepareAsync("s1", lockdown, CancellationToken.None);
        }

        public ImmutableArray<string> Tables => [$"a_{slug.Replace('-', '_')}", $"b_{slug.Replace('-', '_')}"];

        public async Task UnguardedTablesAsync()
        {
            foreach (string table in Tables) await world.Server.ExecuteAsync($"CREATE TABLE {BackendNames.SharedSchema}.{table} (tenant_id uuid NOT NULL, id int)", world.ShardDatabase);
        }

        public async Task CheckGuardedAsync()
        {
            string names = string.Join(", ", Tables.Select(table => $"'{table}'"));
            Assert.Equal(2L, await world.Server.ScalarAsync<long>(
                $"SELECT count(*) FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid WHERE relname IN ({names}) AND relrowsecurity AND relforcerowsecurity", world.ShardDatabase));
            AuditEntry logged = (await world.Control.Store.ListAuditAsync("shard s1", 1))[0];
            Assert.Equal("shard.protect", logged.Action);
            Assert.All(Tables, table => Assert.Contains(table, logged.DetailsJson, StringComparison.Ordinal));
        }

        public async Task SpoiltAsync()
        {
            await MadeAsync();
            string app = BackendNames.Role(_id, UserRole.App);
            await world.Server.ExecuteAsync($"GRANT data_owner TO {app}; ALTER ROLE {app} NOLOGIN BYPASSRLS");
        }

        public async Task CheckRepairedAsync()
        {
            string app = BackendNames.Role(_id, UserRole.App);
            Assert.Equal("f", await world.Server.ScalarAsync<string>($"SELECT concat(rolbypassrls) FROM pg_roles WHERE rolname = '{app}'"));
            await CheckServedAsync();
            AuditEntry logged = (await world.Control.Store.ListAuditAsync("shard s1", 1))[0];
            Assert.Equal(("shard.repair", true), (logged.Action, logged.DetailsJson.Contains($"REVOKE data_owner FROM {app}", StringComparison.Ordinal)));
        }

        public async Task CheckSealsAsync(int keys)
        {
            int kid = (await world.Control.Store.GetShardAsync("s1")).SealKid;
            string expected = string.Join(',', Enumerable.Range(kid - keys + 1, keys));
            Assert.Equal(expected, await world.Server.ScalarAsync<string>("SELECT string_agg(kid::text, ',' ORDER BY kid::int) FROM tenancy.seal_key", world.ShardDatabase));
        }

        public async Task CreateAsync(ControlPlane control)
        {
            TenantCreated made = await new TenantProvisioning(control, Key).CreateAsync(Request(), CancellationToken.None);
            _new = made.GeneratedPassword;
        }

        public async Task AddUserAsync(ControlPlane control) => _new = (await new TenantUsers(control).AddAsync(Slug, "web", UserRole.App, null, CancellationToken.None)).Password;

        public async Task RotateAsync(ControlPlane control)
            => _new = (await new TenantUsers(control).RotatePasswordAsync(Slug, "app", null, CancellationToken.None, TimeSpan.FromHours(1))).Password;

        public async Task CheckServedAsync()
        {
            Tenant tenant = (await EntryAsync()).Tenant;
            Assert.Equal(TenantState.Active, tenant.State);
            await using NpgsqlConnection app = await world.ConnectAsync(tenant);
            await app.RunAsync("INSERT INTO notes (id, text) VALUES (2, 'more')");
            // A worker that finished the making has told nobody a password; whoever was told one can log in with it.
            if (_new is not null) Assert.True(tenant.Users["app"].Verifier.Matches("app", _new.Reveal()));
            if (_old is not null) Assert.Equal("kept", await app.ReadAsync<string>("SELECT text FROM notes WHERE id = 1"));
        }

        public async Task CheckSuspendedAsync()
        {
            Tenant tenant = (await EntryAsync()).Tenant;
            Assert.Equal((TenantState.Suspended, "unpaid", Tomorrow), (tenant.State, tenant.SuspendReason, tenant.SuspendedUntil));
            Assert.Equal("28000", (await Assert.ThrowsAsync<PostgresException>(() => world.ConnectAsync(tenant))).SqlState);
            Assert.Single(await world.Control.Store.ListJobsAsync(openOnly: true), job => job.Kind == "tenant.resume-due" && job.Tenant == tenant.Id && job.RunAfter == Tomorrow);
        }

        public async Task CheckDeletedAsync()
        {
            Tenant tenant = (await EntryAsync()).Tenant;
            Assert.Equal(TenantState.Deleting, tenant.State);
            Assert.InRange(tenant.DeleteAfter!.Value - DateTimeOffset.UtcNow, TimeSpan.FromDays(6.9), TimeSpan.FromDays(7.1));
            Assert.Equal("28000", (await Assert.ThrowsAsync<PostgresException>(() => world.ConnectAsync(tenant))).SqlState);
            Assert.Single(await world.Control.Store.ListJobsAsync(openOnly: true), job => job.Kind == "tenant.purge-due" && job.Tenant == tenant.Id);
        }

        public async Task CheckGoneAsync()
        {
            Assert.Null(await world.Control.Store.FindTenantAsync(Slug));
            string hex = _id.ToString("N");
            Assert.Equal(0L, await world.Server.ScalarAsync<long>($"SELECT count(*) FROM pg_roles WHERE rolname LIKE 't\\_{hex}%'"));
            Assert.Equal(0L, await world.Server.ScalarAsync<long>($"SELECT count(*) FROM pg_database WHERE datname = 'tenant_{hex}'"));
            Assert.Equal(0L, await world.Server.ScalarAsync<long>($"SELECT count(*) FROM pg_namespace WHERE nspname = 'tenant_{hex}'", world.ShardDatabase));
            Assert.Equal(0L, await world.Server.ScalarAsync<long>($"SELECT count(*) FROM tenancy.role_map WHERE rolname LIKE 't\\_{hex}%'", world.ShardDatabase));
            if (model == IsolationModel.Pool) Assert.Equal(0L, await world.Server.ScalarAsync<long>($"SELECT count(*) FROM notes WHERE tenant_id = '{_id}'", world.ShardDatabase));
        }

        public async Task CheckRenamedAsync()
        {
            Assert.Null(await world.Control.Store.FindTenantAsync(Slug));
            Assert.Equal(_id, (await world.Control.Store.GetTenantAsync(OtherSlug)).Tenant.Id);
        }

        public async Task CheckLimitAsync(int limit)
        {
            TenantEntry entry = await EntryAsync();
            Assert.Equal(limit, TenantRoles.ConnectionLimit(entry.Tenant.Plan));
            Assert.Equal(limit, await world.Server.ScalarAsync<int>($"SELECT rolconnlimit FROM pg_roles WHERE rolname = '{BackendNames.Role(entry.Tenant.Id, UserRole.App)}'"));
        }

        public async Task CheckPasswordAsync(string user) => Assert.True((await EntryAsync()).Tenant.Users[user].Verifier.Matches(user, _new!.Reveal()));

        public async Task CheckRotatedAsync()
        {
            TenantUser app = (await EntryAsync()).Tenant.Users["app"];
            Assert.True(app.Verifier.Matches("app", _new!.Reveal()));
            Assert.True(app.Previous!.Matches("app", _old!.Reveal()), "the password that clients have still counts");
        }

        private TenantRequest Request() => new() { Slug = Slug, Plan = "growth", Isolation = model, Template = Servers.NotesTemplate(model) };
    }
}
