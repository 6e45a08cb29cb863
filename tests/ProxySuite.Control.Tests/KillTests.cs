using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Npgsql;
using ProxySuite.Control.Plans;
using ProxySuite.Control.Provisioning;
using ProxySuite.Control.Shards;
using ProxySuite.Control.Tenants;
using ProxySuite.Control.Tests.Support;
using ProxySuite.Control.Users;
using ProxySuite.Tenancy.Model;
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

    /// <summary>Where bench/load/kill-steps wants the table of all cases; null in an ordinary run.</summary>
    private static string? ReportFile => Environment.GetEnvironmentVariable("KILL_REPORT") is { Length: > 0 } path ? path : null;

    /// <summary>Verbs: how a tenant comes to where the verb begins, the verb, and what is true when it is done.</summary>
    private sealed record Verb(string Name, IsolationModel Model, Func<Scene, Task> Begin, Func<Scene, ControlPlane, Task> Run, Func<Scene, Task> Check, bool WorkerFinishes = true);

    public static TheoryData<string> Verbs => new(All.Select(verb => verb.Name));

    private static IEnumerable<Verb> All
    {
        get
        {
            foreach (IsolationModel model in Enum.GetValues<IsolationModel>())
            {
                yield return new($"create ({EnumText.Of(model)})", model, _ => Task.CompletedTask, (scene, control) => scene.CreateAsync(control), scene => scene.CheckServedAsync());
                yield return new($"purge ({EnumText.Of(model)})", model, scene => scene.MadeAsync(deleted: true),
                    (scene, control) => new TenantLifecycle(control).PurgeAsync(scene.Slug, CancellationToken.None), scene => scene.CheckGoneAsync());
            }
            yield return new("suspend", IsolationModel.Schema, scene => scene.MadeAsync(),
                (scene, control) => new TenantLifecycle(control).SuspendAsync(scene.Slug, "unpaid", CancellationToken.None, scene.Tomorrow), scene => scene.CheckSuspendedAsync());
            yield return new("resume", IsolationModel.Schema, scene => scene.MadeAsync(suspended: true),
                (scene, control) => new TenantLifecycle(control).ResumeAsync(scene.Slug, scene.Key, CancellationToken.None), scene => scene.CheckServedAsync());
            yield return new("delete", IsolationModel.Schema, scene => scene.MadeAsync(),
                (scene, control) => new TenantLifecycle(control).DeleteAsync(scene.Slug, TimeSpan.FromDays(7), CancellationToken.None), scene => scene.CheckDeletedAsync());
            yield return new("undelete", IsolationModel.Schema, scene => scene.MadeAsync(deleted: true),
                (scene, control) => new TenantLifecycle(control).UndeleteAsync(scene.Slug, scene.Key, CancellationToken.None), scene => scene.CheckServedAsync());
            yield return new("rename", IsolationModel.Schema, scene => scene.MadeAsync(),
                (scene, control) => new TenantLifecycle(control).RenameAsync(scene.Slug, scene.OtherSlug, CancellationToken.None), scene => scene.CheckRenamedAsync());
            yield return new("set-plan", IsolationModel.Schema, scene => scene.MadeAsync(),
                (scene, control) => new PlanService(control).SetTenantPlanAsync(scene.Slug, "enterprise", CancellationToken.None), scene => scene.CheckLimitAsync(208));
            yield return new("set (overrides)", IsolationModel.Schema, scene => scene.MadeAsync(),
                (scene, control) => new PlanService(control).SetOverridesAsync(scene.Slug, new PlanOverrides { Connections = 7 }, reset: false, CancellationToken.None), scene => scene.CheckLimitAsync(22));
            yield return new("plan set", IsolationModel.Schema, scene => scene.MadeAsync(), (scene, control) => new PlanService(control).SetAsync("growth", plan => plan! with { Connections = 33 }, CancellationToken.None),
                scene => scene.CheckLimitAsync(74));
            yield return new("add-user", IsolationModel.Schema, scene => scene.MadeAsync(), (scene, control) => scene.AddUserAsync(control), scene => scene.CheckPasswordAsync("web"), WorkerFinishes: false);
            yield return new("drop-user", IsolationModel.Schema, scene => scene.MadeAsync(),
                (scene, control) => new TenantUsers(control).DropAsync(scene.Slug, "app", CancellationToken.None), async scene => Assert.Empty((await scene.EntryAsync()).Tenant.Users));
            yield return new("rotate-password", IsolationModel.Schema, scene => scene.MadeAsync(), (scene, control) => scene.RotateAsync(control), scene => scene.CheckRotatedAsync(), WorkerFinishes: false);
            yield return new("shard prepare", IsolationModel.Schema, _ => Task.CompletedTask,
                (_, control) => new ShardService(control).PrepareAsync("s1", Lockdown.Strict, CancellationToken.None), async scene =>
                {
                    Assert.Equal(Lockdown.Strict, (await scene.World.Control.Store.GetShardAsync("s1")).Lockdown);
                    Assert.Equal("strict", await scene.World.Server.ScalarAsync<string>("SELECT level FROM tenancy.lockdown_level", scene.World.ShardDatabase));
                });
        }
    }

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

        // Every point in every way is 368 cases; without a report to write, those between a step's work and its record, where most can go wrong.
        for (int i = 0; i < points.Count; i++)
        {
            if (ReportFile is null && !points[i].EndsWith(" worked", StringComparison.Ordinal)) continue;
            bool isBoth = ReportFile is not null || !verb.WorkerFinishes;
            if (isBoth || i % 2 == 0) await KillAsync(world, verb, points, i, "again", (scene, control) => verb.Run(scene, control));
            if (verb.WorkerFinishes && (ReportFile is not null || i % 2 == 1)) await KillAsync(world, verb, points, i, "worker", async (_, control) => Assert.All(await control.RunDueAsync(CancellationToken.None), done => Assert.Null(done.Error)));
        }
        await WriteReportAsync();
    }

    private static async Task KillAsync(ControlWorld world, Verb verb, List<string> points, int index, string how, Func<Scene, ControlPlane, Task> finish)
    {
        var scene = new Scene(world, string.Create(CultureInfo.InvariantCulture, $"k{index}-{how}"), verb.Model);
        // What is not about a tenant is brought back to where it was.
        if (verb.Name == "shard prepare") await new ShardService(world.Control).PrepareAsync("s1", Lockdown.Relaxed, CancellationToken.None);
        if (verb.Name == "plan set") await new PlanService(world.Control).SetAsync("growth", plan => plan! with { Connections = 20 }, CancellationToken.None);
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
        Report.Enqueue($"{verb.Name,-20} {points[index],-42} {how,-8} converged");
    }

    private async Task WriteReportAsync()
    {
        if (ReportFile is not { } path) return;
        output.WriteLine($"report: {path}");
        await File.WriteAllLinesAsync(path, Report.Order(StringComparer.Ordinal).Prepend($"{"verb",-20} {"killed at",-42} {"then",-8} result"), Encoding.UTF8);
    }

    /// <summary>One tenant of its own in the world.</summary>
    private sealed class Scene(ControlWorld world, string slug, IsolationModel model)
    {
        private TenantId _id;
        private Secret? _old, _new;

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
