using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.Servers;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Frames;
using Xunit;

namespace ProxySuite.Proxy.Tests.Tls;

/// <summary>A PostgreSQL 15 with ssl=on whose certificate an authority of ours signed for localhost and 127.0.0.1.</summary>
public sealed class TlsServerFixture : IAsyncLifetime
{
    internal TestCertificates Certificates { get; } = new();

    public PostgresServer Server { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        (string certificate, string key) = Certificates.Issue("shard");
        Server = await PostgresServer.CreateAsync(new PostgresOptions
        {
            Version = 15,
            Settings = new Dictionary<string, string> { ["listen_addresses"] = "127.0.0.1,127.0.0.2" },
            HostRules = ["host all postgres 127.0.0.0/8 scram-sha-256", "hostssl all all 127.0.0.0/8 scram-sha-256", "host all all 127.0.0.0/8 reject"],
        });
        // In the data directory, as the server's own user may not read the test's.
        await Server.ExecuteAsync($"COPY (SELECT unnest(string_to_array('{File.ReadAllText(certificate)}', E'\\n'))) TO '{Server.SocketDirectory}/server.crt'");
        await Server.ExecuteAsync(
            $"COPY (SELECT unnest(string_to_array('{File.ReadAllText(key)}', E'\\n'))) TO PROGRAM 'umask 077; cat > {Server.SocketDirectory}/server.key'");
        await Server.ExecuteAsync($"ALTER SYSTEM SET ssl_cert_file = '{Server.SocketDirectory}/server.crt'");
        await Server.ExecuteAsync($"ALTER SYSTEM SET ssl_key_file = '{Server.SocketDirectory}/server.key'");
        await Server.ExecuteAsync("ALTER SYSTEM SET ssl = on");
        await Server.RestartAsync();
    }

    public async Task DisposeAsync()
    {
        await Server.DisposeAsync();
        Certificates.Dispose();
    }
}

[Trait("Category", "Server")]
public sealed class ShardTlsTests(TlsServerFixture fixture) : IClassFixture<TlsServerFixture>
{
    private const string IsEncrypted = "SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

    [Theory]
    [InlineData(TlsMode.Allow)]
    [InlineData(TlsMode.Prefer)]
    [InlineData(TlsMode.Require)]
    [InlineData(TlsMode.VerifyCa)]
    [InlineData(TlsMode.VerifyFull)]
    public async Task A_shard_that_wants_TLS_is_reached_encrypted(TlsMode mode)
    {
        await using TlsWorld world = await WorldAsync(mode, trusted: true);
        using RawClient client = await world.Proxy.ConnectAsync();
        Assert.Equal("true", await client.ScalarAsync(IsEncrypted));
    }

    [Theory]
    [InlineData(TlsMode.Prefer, true)]
    [InlineData(TlsMode.Require, true)]
    [InlineData(TlsMode.VerifyCa, false)]
    [InlineData(TlsMode.VerifyFull, false)]
    public async Task Without_its_authority_a_shard_is_served_by_the_modes_that_do_not_verify(TlsMode mode, bool isServed)
    {
        await using TlsWorld world = await WorldAsync(mode, trusted: false);
        Assert.Equal(isServed, await IsServedAsync(world));
    }

    [Theory]
    [InlineData("127.0.0.1", TlsMode.VerifyFull, true)]
    [InlineData("localhost", TlsMode.VerifyFull, true)]
    [InlineData("127.0.0.2", TlsMode.VerifyFull, false)]
    [InlineData("127.0.0.2", TlsMode.VerifyCa, true)]
    public async Task Verify_full_wants_the_certificate_to_be_for_the_shards_host(string host, TlsMode mode, bool isServed)
    {
        await using TlsWorld world = await WorldAsync(mode, trusted: true, host);
        Assert.Equal(isServed, await IsServedAsync(world));
    }

    [Fact]
    public async Task A_shard_without_TLS_is_not_reached_where_TLS_is_required()
    {
        await using TlsWorld required = await TlsWorld.StartAsync(ClientTlsMode.Disable, serverTls: TlsMode.Require);
        Assert.False(await IsServedAsync(required));
        await using TlsWorld preferred = await TlsWorld.StartAsync(ClientTlsMode.Disable, serverTls: TlsMode.Prefer);
        Assert.True(await IsServedAsync(preferred));
    }

    [Fact]
    public async Task A_cancel_reaches_a_shard_over_TLS()
    {
        await using TlsWorld world = await WorldAsync(TlsMode.VerifyFull, trusted: true);
        using RawClient client = await world.Proxy.ConnectAsync();
        await client.SendAsync(FrontendBytes.Query("SELECT pg_sleep(60)"));
        await world.Proxy.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1));
        IReadOnlyList<WireMessage> answer = [];
        Task reading = Task.Run(async () => answer = await client.ReadUntilAsync(BackendMessage.ReadyForQuery));
        for (int i = 0; i < 20 && !reading.IsCompleted; i++)
        {
            // One that comes before the query has begun is lost, as in PostgreSQL.
            await client.CancelAsync();
            await Task.WhenAny(reading, Task.Delay(500));
        }
        await reading;
        Assert.Contains(answer, message => message.ToString().Contains("57014", StringComparison.Ordinal));
    }

    private Task<TlsWorld> WorldAsync(TlsMode mode, bool trusted, string host = "127.0.0.1")
        => TlsWorld.StartAsync(ClientTlsMode.Disable, options => options with
        {
            Tls = options.Tls with { ServerCaFile = trusted ? fixture.Certificates.AuthorityFile : "" },
            Pool = options.Pool with { QueryWaitTimeout = TimeSpan.FromSeconds(2) },
        }, server: fixture.Server, serverTls: mode, host: host);

    private static async Task<bool> IsServedAsync(TlsWorld world)
    {
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        return await client.TryLoginAsync("app", "acme", ProxyWorld.Password) is null;
    }
}
