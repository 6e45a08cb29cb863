using System.Text.Json;
using Npgsql;
using ProxySuite.Control.Audits;
using ProxySuite.Control.Tests.Support;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;
using ProxySuite.Testing.Servers;

namespace ProxySuite.Control.Tests.Audits;

/// <summary><c>proxyctl audit</c> as people and scripts meet it, and the faults that need a server or a file of their own.</summary>
[Trait("Category", "Server"), Collection("Audit")]
public sealed class AuditVerbTests
{
    [Fact]
    public async Task The_exit_code_says_whether_findings_are_as_bad_as_asked_for()
    {
        AuditWorld world = await AuditWorld.GetAsync(18);
        ControlWorld control = world.Control;
        CliRun good = await control.RunAsync("audit", "--fail-on", "low");
        Assert.Equal((0, true), (good.ExitCode, good.Output.Contains("no findings", StringComparison.Ordinal)));
        await world.ExecuteAsync("GRANT SELECT ON public.notes TO PUBLIC");
        try
        {
            Assert.Equal(1, (await control.RunAsync("audit")).ExitCode);
            Assert.Equal(1, (await control.RunAsync("audit", "--fail-on", "high", "--shard", "s1")).ExitCode);
            Assert.Equal(0, (await control.RunAsync("audit", "--fail-on", "critical")).ExitCode);
            Assert.Equal(0, (await control.RunAsync("audit", "--tenant", "tenant-sa")).ExitCode);
            Assert.Equal(1, (await control.RunAsync("audit", "--tenant", "nobody")).ExitCode);
            Assert.Equal(2, (await control.RunAsync("audit", "--fail-on", "dreadful")).ExitCode);

            CliRun table = await control.RunAsync("audit");
            Assert.Contains("PUBLIC_GRANT: PUBLIC is every role of the cluster", table.Output, StringComparison.Ordinal);
            Assert.Contains("  REVOKE ALL ON public.notes FROM PUBLIC;", table.Output, StringComparison.Ordinal);
            Assert.Contains("1 finding of severity high or worse", table.Error, StringComparison.Ordinal);

            JsonElement json = (await control.RunAsync("audit", "--json")).Json;
            JsonElement finding = json.GetProperty("findings")[0];
            Assert.Equal(["severity", "code", "shard", "database", "object", "detail", "fix", "why"], finding.EnumerateObject().Select(property => property.Name));
            Assert.Equal(("high", "PUBLIC_GRANT"), (finding.GetProperty("severity").GetString(), finding.GetProperty("code").GetString()));
            Assert.Equal(1, json.GetProperty("counts").GetProperty("high").GetInt32());
        }
        finally
        {
            await world.ExecuteAsync("REVOKE ALL ON public.notes FROM PUBLIC");
        }
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task A_server_that_lets_anyone_in_is_found(int version)
    {
        await using PostgresServer server = await PostgresServer.CreateAsync(new PostgresOptions
        {
            Version = version,
            HostRules = ["host all all 10.0.0.0/8 trust", "host all +pool_app 10.1.0.0/16 md5", "hostssl all all 0.0.0.0/0 scram-sha-256", "host all postgres 0.0.0.0/0 scram-sha-256", "host all all all reject"],
            Settings = new Dictionary<string, string> { ["max_prepared_transactions"] = "5" },
        });
        await using NpgsqlConnection socket = new($"Host={server.SocketDirectory};Port={server.Port};Username=postgres;Database=postgres");
        await socket.OpenAsync();
        await socket.RunAsync("CREATE DATABASE registry");
        await socket.RunAsync("CREATE DATABASE shard");
        await using var control = new ControlPlane(DsnParser.Parse($"Host={server.SocketDirectory};Port={server.Port};Username=postgres;Database=registry"), "tester");
        await control.InitAsync(CancellationToken.None);
        var shards = new Control.Shards.ShardService(control);
        await shards.AddAsync(new Tenancy.Registry.NewShard { Name = "s1", Primary = DsnParser.Parse($"Host={server.SocketDirectory};Port={server.Port};Username=postgres;Database=shard") }, CancellationToken.None);

        AuditReport report = await new AuditService(control).RunAsync(new AuditRequest { Shard = "s1" }, CancellationToken.None);
        Assert.Equal("NOT_PREPARED", Assert.Single(report.Findings).Code);

        await shards.PrepareAsync("s1", null, CancellationToken.None);
        report = await new AuditService(control).RunAsync(new AuditRequest { Shard = "s1" }, CancellationToken.None);
        Assert.Equal(
            ["Critical HBA_TRUST pg_hba.conf line 1", "Medium 2PC_ENABLED max_prepared_transactions", "Medium HBA_ANYWHERE pg_hba.conf line 3", "Medium HBA_WEAK pg_hba.conf line 2"],
            report.Findings.Select(finding => $"{finding.Severity} {finding.Code} {finding.Object}"));
        NpgsqlConnection.ClearAllPools();
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task What_is_gone_or_slow_is_found_and_the_printed_command_mends_it(int version)
    {
        await using PostgresServer server = await PostgresServer.CreateAsync(version);
        await using ControlWorld world = await ControlWorld.PreparedAsync(server);
        Tenant slow = await world.TenantAsync("slow", IsolationModel.Schema);
        Tenant gone = await world.TenantAsync("gone", IsolationModel.Database);
        string role = BackendNames.Role(slow.Id, UserRole.App);
        // Given in the clear the server hashes it itself, 4096 times.
        await server.ExecuteAsync($"ALTER ROLE {role} PASSWORD '{new BackendPasswords(world.Key()).PasswordFor(role, slow.CredentialsEpoch)}'");
        await server.ExecuteAsync($"DROP DATABASE {gone.Placement.Database} WITH (FORCE)");
        await world.MustAsync("tenant", "create", "asleep", "--plan", "free");
        await world.MustAsync("tenant", "suspend", "asleep");
        await server.ExecuteAsync($"ALTER ROLE {BackendNames.Role((await world.EntryAsync("asleep")).Tenant.Id, UserRole.App)} LOGIN");

        AuditReport report = await new AuditService(world.Control).RunAsync(new AuditRequest { MasterKey = world.Key() }, CancellationToken.None);

        Assert.Equal(["DATABASE_MISSING", "ROLE_LOGIN", "ROLE_PASSWORD_SLOW"], report.Findings.Select(finding => finding.Code));
        Assert.Equal(["gone", "slow"], report.Findings.Where(finding => finding.Fix.StartsWith("proxyctl", StringComparison.Ordinal)).Select(finding => finding.Fix.Split(' ')[^1]));
        foreach (AuditFinding finding in report.Findings)
        {
            if (finding.Fix.StartsWith("proxyctl", StringComparison.Ordinal)) await world.MustAsync(finding.Fix.Split(' ')[1..]);
            else await server.ExecuteAsync(finding.Fix, finding.Database);
        }
        Assert.Empty((await new AuditService(world.Control).RunAsync(new AuditRequest { MasterKey = world.Key() }, CancellationToken.None)).Findings);
    }
}
