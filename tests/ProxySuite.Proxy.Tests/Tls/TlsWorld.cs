using System.Globalization;
using ProxySuite.Proxy.Options;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Servers;
using ProxySuite.Testing.World;

namespace ProxySuite.Proxy.Tests.Tls;

/// <summary>A proxy with TLS in front of a real PostgreSQL, with the tenant "acme".</summary>
internal sealed class TlsWorld : IAsyncDisposable
{
    private readonly bool _ownsCertificates;

    private TlsWorld(TestCertificates certificates, bool ownsCertificates, ProxyWorld proxy)
    {
        Certificates = certificates;
        _ownsCertificates = ownsCertificates;
        Proxy = proxy;
    }

    public TestCertificates Certificates { get; }

    public ProxyWorld Proxy { get; }

    public int Port => Proxy.Port;

    /// <param name="mode">Of the proxy towards clients.</param>
    /// <param name="configure">Changes other options.</param>
    /// <param name="withClientAuthority">Clients are asked for a certificate.</param>
    /// <param name="server">The shard; without it a shared PostgreSQL 15 without TLS.</param>
    /// <param name="serverTls">Towards the shard.</param>
    /// <param name="host">By which name the shard is known.</param>
    /// <param name="certificates">From the caller, who keeps them; without them the world makes its own.</param>
    public static async Task<TlsWorld> StartAsync(ClientTlsMode mode = ClientTlsMode.Allow, Func<ProxyOptions, ProxyOptions>? configure = null,
        bool withClientAuthority = false, PostgresServer? server = null, TlsMode serverTls = TlsMode.Prefer, string host = "127.0.0.1", TestCertificates? certificates = null)
    {
        server ??= await PostgresServer.SharedAsync(15);
        string database = await server.CreateDatabaseAsync();
        var shard = new Shard { Id = new ShardId(1), Name = "one", Primary = [new ShardEndpoint(host, server.Port)], Database = database, Tls = serverTls };
        bool ownsCertificates = certificates is null;
        certificates ??= new TestCertificates();
        TlsOptions tls = mode == ClientTlsMode.Disable ? new TlsOptions() : certificates.Options(mode, withClientAuthority);
        ProxyWorld proxy = await ProxyWorld.OnServerAsync(shard, options => (configure ?? (same => same))(options with { Tls = tls }));
        Tenant tenant = proxy.AddTenant("acme", connections: 4).Tenant;
        foreach (UserRole role in Enum.GetValues<UserRole>())
        {
            string password = proxy.BackendPassword(tenant, role);
            await server.ExecuteAsync($"CREATE ROLE \"{BackendNames.Role(tenant.Id, role)}\" LOGIN PASSWORD '{password}'", database);
        }
        return new TlsWorld(certificates, ownsCertificates, proxy);
    }

    /// <summary>What psql's libpq is told; more may be appended.</summary>
    public string Conninfo(string more, string host = "127.0.0.1")
        => string.Create(CultureInfo.InvariantCulture, $"host={host} port={Port} dbname=acme user=app password={ProxyWorld.Password} {more}");

    /// <summary>Runs SQL through psql.</summary>
    public Task<ProcessResult> PsqlAsync(string more, string sql = "SELECT 'served'") => ProcessRunner.PsqlAsync(Conninfo(more), sql, TimeSpan.FromSeconds(60));

    public async ValueTask DisposeAsync()
    {
        await Proxy.DisposeAsync();
        if (_ownsCertificates) Certificates.Dispose();
    }
}
