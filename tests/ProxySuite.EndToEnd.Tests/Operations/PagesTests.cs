using System.Net;
using Npgsql;
using ProxySuite.EndToEnd.Tests.World;
using ProxySuite.Testing.Servers;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.Operations;

/// <summary>The pages of a proxy that works for real tenants (D1).</summary>
[Collection(ProxydCollection.Name), Trait("Category", "Server")]
public sealed class PagesTests(ProxydWorld world)
{
    [Fact]
    public async Task Queries_transactions_errors_and_bytes_are_counted_where_they_belong()
    {
        await using Proxyd proxyd = await world.StartProxydAsync();
        await using (NpgsqlConnection acme = await proxyd.OpenAsync(world.Acme, options: "Server Compatibility Mode=NoTypeLoading"))
        {
            for (int query = 0; query < 10; query++) await acme.RunAsync("SELECT 1");
            await acme.RunAsync("BEGIN; SELECT 1; COMMIT");
            await Assert.ThrowsAsync<PostgresException>(() => acme.RunAsync("SELECT 1/0"));
        }
        await proxyd.UntilMetricAsync(0, "proxysuite_clients");
        Assert.InRange(await proxyd.MetricAsync("proxysuite_tenant_queries_total", "tenant=\"acme\""), 12, 14);
        Assert.Equal(1, await proxyd.MetricAsync("proxysuite_tenant_errors_total", "tenant=\"acme\"", "side=\"server\""));
        Assert.Equal(0, await proxyd.MetricAsync("proxysuite_tenant_errors_total", "tenant=\"acme\"", "side=\"proxy\""));
        Assert.True(await proxyd.MetricAsync("proxysuite_tenant_bytes_total", "tenant=\"acme\"", "direction=\"in\"") > 200);
        Assert.Equal(0, await proxyd.MetricAsync("proxysuite_tenant_queries_total", "tenant=\"umbrella\""));
        Assert.Equal(1, await proxyd.MetricAsync("proxysuite_shard_up", "shard=\"s1\""));
        Assert.Equal(0, await proxyd.MetricAsync("proxysuite_reactor_failures_total"));
        Assert.Equal(1, await proxyd.MetricAsync("proxysuite_clients_accepted_total"));
    }

    [Fact]
    public async Task Promtool_finds_nothing_to_mend_on_the_page_of_a_busy_proxy()
    {
        string page = (await world.Proxyd.GetAsync("/metrics")).Body;
        ProcessResult check = await ProcessRunner.RunAsync("promtool", ["check", "metrics"], input: page);
        Assert.Equal((0, ""), (check.ExitCode, check.Output + check.Error));
    }

    [Fact]
    public async Task Health_and_readiness_say_200()
    {
        Assert.Equal(HttpStatusCode.OK, (await world.Proxyd.GetAsync("/healthz")).Status);
        (HttpStatusCode status, string body) = await world.Proxyd.GetAsync("/readyz");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("\"registryReachable\":true", body, StringComparison.Ordinal);
    }
}
