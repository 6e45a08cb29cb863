using System.Net;
using ProxySuite.Proxy.Frontend.Auth;
using ProxySuite.Proxy.Options.Hba;
using ProxySuite.Testing.Servers;
using ProxySuite.Testing.World;
using Xunit;

namespace ProxySuite.Proxy.Tests.Tls;

/// <summary>Tenants named by the name that a client asks for in its TLS handshake.</summary>
[Trait("Category", "Server")]
public sealed class ServerNameTests
{
    private static Task<TlsWorld> StartAsync(string domain) => TlsWorld.StartAsync(configure: options => options with { Tls = options.Tls with { TenantDomain = domain } });

    // libpq sends the host's name and connects to hostaddr.
    private static Task<ProcessResult> PsqlAsync(TlsWorld world, string host, string database, string more = "")
        => ProcessRunner.PsqlAsync(
            $"host={host} hostaddr=127.0.0.1 port={world.Port} dbname={database} user=app password={ProxyWorld.Password} sslmode=require {more}", "SELECT 'served'", TimeSpan.FromSeconds(60));

    [Theory]
    [InlineData("acme.db.example.com", "postgres", "served")]
    [InlineData("acme.db.example.com", "app", "served")]
    [InlineData("ACME.DB.Example.Com", "postgres", "served")]
    [InlineData("acme.db.example.com", "acme", "served")]
    [InlineData("db.example.com", "acme", "served")]
    [InlineData("acme.other.example.com", "acme", "served")]
    [InlineData("db.example.com", "postgres", "password authentication failed")]
    [InlineData("acme.other.example.com", "postgres", "password authentication failed")]
    [InlineData("none.db.example.com", "postgres", "password authentication failed")]
    [InlineData("a.acme.db.example.com", "postgres", "password authentication failed")]
    [InlineData("globex.db.example.com", "acme", "the connection names different tenants")]
    [InlineData("none.db.example.com", "acme", "the connection names different tenants")]
    public async Task A_name_below_the_domain_names_the_tenant(string host, string database, string expected)
    {
        await using TlsWorld world = await StartAsync("db.example.com");
        ProcessResult result = await PsqlAsync(world, host, database);
        Assert.Contains(expected, result.Output + result.Error, StringComparison.Ordinal);
        Assert.Equal(expected == "served", result.ExitCode == 0);
    }

    [Fact]
    public async Task Without_a_domain_names_mean_nothing()
    {
        await using TlsWorld world = await StartAsync("");
        Assert.Equal("served", (await PsqlAsync(world, "globex.db.example.com", "acme")).MustSucceed("psql").Output.Trim());
        Assert.NotEqual(0, (await PsqlAsync(world, "acme.db.example.com", "postgres")).ExitCode);
    }

    [Theory]
    [InlineData("acme.example.com", "example.com", "acme")]
    [InlineData("a.b.example.com", "example.com", "a.b")]
    [InlineData("example.com", "example.com", null)]
    [InlineData(".example.com", "example.com", null)]
    [InlineData("acmeexample.com", "example.com", null)]
    [InlineData("acme.example.com.", "example.com", null)]
    [InlineData("acme.example.com", "", null)]
    [InlineData("", "example.com", null)]
    public void Only_what_lies_below_the_domain_is_a_name(string serverName, string domain, string? tenant)
        => Assert.Equal(tenant, new ClientChannel(new ClientOrigin(IPAddress.Loopback, IsEncrypted: true), serverName).TenantUnder(domain));
}
