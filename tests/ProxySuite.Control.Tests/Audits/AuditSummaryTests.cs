using Npgsql;
using ProxySuite.Control.Audits;
using ProxySuite.Control.Tests.Support;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Control.Tests.Audits;

/// <summary>The summary that a shard gives to proxies: the same findings, counted, to a role that may do nothing else.</summary>
[Trait("Category", "Server"), Collection("Audit")]
public sealed class AuditSummaryTests
{
    [Theory]
    [InlineData(15, "relaxed"), InlineData(18, "relaxed"), InlineData(15, "strict"), InlineData(18, "strict")]
    public async Task The_shard_counts_its_own_findings_for_proxies(int version, string lockdown)
    {
        AuditWorld world = await AuditWorld.GetAsync(version, lockdown);
        Shard shard = (await world.Control.EntryAsync("tenant-a")).Shard;
        var auditor = new ShardAuditor(world.Control.Key());
        Assert.Equal(new AuditSummary(0, 0, 0, 0), await auditor.AskAsync(shard, CancellationToken.None));
        await world.ExecuteAsync("GRANT TRUNCATE ON public.notes TO pool_app; GRANT SELECT ON public.notes TO PUBLIC; ALTER ROLE {a} CONNECTION LIMIT -1");
        try
        {
            Assert.Equal(new AuditSummary(1, 1, 1, 0), await auditor.AskAsync(shard, CancellationToken.None));
            AuditReport full = await world.AuditAsync();
            Assert.Equal((1, 1, 1, 0), (full.Count(Severity.Critical), full.Count(Severity.High), full.Count(Severity.Medium), full.Count(Severity.Low)));
        }
        finally
        {
            await world.ExecuteAsync("REVOKE TRUNCATE ON public.notes FROM pool_app; REVOKE ALL ON public.notes FROM PUBLIC; ALTER ROLE {a} CONNECTION LIMIT 48");
        }
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task The_role_that_asks_may_do_nothing_else(int version)
    {
        AuditWorld world = await AuditWorld.GetAsync(version);
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(world.Server.Dsn(world.Control.ShardDatabase))
        {
            Username = ShardAuditor.RoleName,
            Password = ShardAuditor.PasswordFrom(world.Control.Key()),
            Pooling = false,
        }.ConnectionString);
        await connection.OpenAsync();
        foreach (string sql in (string[])
        [
            "SELECT * FROM public.notes", "SELECT * FROM tenancy.role_map", "SELECT * FROM tenancy.seal_key", "SELECT * FROM proxysuite.master_key", "SET ROLE tenancy_owner",
            "SET ROLE data_owner", "SELECT tenancy.role_tenant()", "SELECT * FROM tenancy.lockdown_targets('strict')", "CREATE TABLE public.x (id int)",
        ])
        {
            Assert.Equal(("42501", sql), (await connection.RefusalAsync(sql), sql));
        }
        Assert.Equal("", await connection.RefusalAsync("SELECT * FROM tenancy.audit_summary()"));
        await using NpgsqlConnection tenant = await world.Control.ConnectAsync(world.Tenants["a"]);
        Assert.Equal("42501", await tenant.RefusalAsync("SELECT * FROM tenancy.audit_summary()"));
    }
}
