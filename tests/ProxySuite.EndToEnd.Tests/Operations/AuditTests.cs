using Npgsql;
using ProxySuite.EndToEnd.Tests.World;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.Operations;

/// <summary>A proxy has its shards audited, shows it in the metrics, and lets nobody in where it is told to (Isolation:Audit).</summary>
[Collection(ProxydCollection.Name), Trait("Category", "Server")]
public sealed class AuditTests(ProxydWorld world)
{
    [Fact]
    public async Task With_refuse_nobody_logs_in_to_a_shard_with_a_critical_finding_until_it_is_mended()
    {
        await world.Shard15.ExecuteAsync($"GRANT USAGE ON SCHEMA {world.Acme.Schema} TO {world.Umbrella.Role}");
        try
        {
            await using Proxyd proxyd = await world.StartProxydAsync("--Isolation:Audit=refuse", "--Isolation:AuditInterval=10s");
            await proxyd.UntilMetricAsync(1, "proxysuite_audit_findings", "shard=\"s1\"", "severity=\"critical\"");
            // A shard that was not looked at yet is refused as well.
            await proxyd.UntilMetricAsync(1, "proxysuite_audit_up", "shard=\"s2\"");
            await proxyd.UntilMetricAsync(0, "proxysuite_audit_findings", "shard=\"s2\"", "severity=\"critical\"");
            PostgresException refused = await Assert.ThrowsAsync<PostgresException>(() => proxyd.OpenAsync(world.Acme));
            Assert.Equal("57P03", refused.SqlState);
            Assert.Contains("audit", refused.Hint, StringComparison.Ordinal);
            await using (NpgsqlConnection globex = await proxyd.OpenAsync(world.Globex)) Assert.Equal(1, await globex.ReadAsync<int>("SELECT 1"));

            await world.Shard15.ExecuteAsync($"REVOKE ALL ON SCHEMA {world.Acme.Schema} FROM {world.Umbrella.Role}");
            await proxyd.UntilMetricAsync(0, "proxysuite_audit_findings", "shard=\"s1\"", "severity=\"critical\"");
            await using NpgsqlConnection acme = await proxyd.OpenAsync(world.Acme);
            Assert.Equal(1, await acme.ReadAsync<int>("SELECT 1"));
        }
        finally
        {
            await world.Shard15.ExecuteAsync($"REVOKE ALL ON SCHEMA {world.Acme.Schema} FROM {world.Umbrella.Role}");
        }
    }

    [Fact]
    public async Task Probe_tenants_on_every_shard_and_in_every_model_get_nowhere_and_leave_nothing_behind()
    {
        const string Objects =
            """
            SELECT (SELECT count(*) FROM pg_roles) + (SELECT count(*) FROM pg_namespace WHERE nspname !~ '^pg_') + (SELECT count(*) FROM pg_database) + (SELECT count(*) FROM tenancy.role_map)
                 + (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace)
            """;
        long before15 = await world.Shard15.ScalarAsync<long>(Objects), before18 = await world.Shard18.ScalarAsync<long>(Objects);

        // Other tests may have added shards of their own.
        foreach (string shard in (string[])["s1", "s2"])
        {
            System.Text.Json.JsonElement answer = (await world.ProxyctlAsync("audit", "--probe", "--shard", shard, "--proxy", $"127.0.0.1:{world.Proxyd.Port}", "--json")).Json;
            Assert.Equal(answer.GetProperty("tried").GetInt32(), answer.GetProperty("held").GetInt32());
            string[] places = [.. answer.GetProperty("results").EnumerateArray().Select(result => $"{result.GetProperty("shard").GetString()} {result.GetProperty("model").GetString()}").Distinct()];
            Assert.Equal([$"{shard} pool", $"{shard} schema", $"{shard} database"], places);
            Assert.InRange(answer.GetProperty("tried").GetInt32(), 3 * 2 * 28, 3 * 2 * 40);
        }
        Assert.Equal((before15, before18), (await world.Shard15.ScalarAsync<long>(Objects), await world.Shard18.ScalarAsync<long>(Objects)));
        Assert.Equal(0L, await world.Registry.ScalarAsync<long>("SELECT count(*) FROM system.tenants WHERE slug LIKE 'proxysuite-probe-%'"));
    }

    [Fact]
    public async Task Proxyctl_finds_the_tests_own_platform_in_order()
        => Assert.Contains("no findings", (await world.ProxyctlAsync("audit", "--fail-on", "low")).Output, StringComparison.Ordinal);
}
