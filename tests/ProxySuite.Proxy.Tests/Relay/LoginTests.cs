using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Messages;
using Xunit;

namespace ProxySuite.Proxy.Tests.Relay;

public sealed class LoginTests
{
    [Theory]
    [InlineData("app", "acme")]
    [InlineData("app.acme", "app.acme")]
    [InlineData("app@acme", "acme")]
    public async Task The_tenant_is_named_by_database_or_user(string user, string database)
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        await client.LoginAsync(user, database, ProxyWorld.Password);
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        Assert.Equal(ProxySuite.Tenancy.Model.BackendNames.Role(world.Registry["acme"].Tenant.Id, ProxySuite.Tenancy.Model.UserRole.App), server.Startup!.User);
    }

    [Fact]
    public async Task Unknown_tenant_unknown_user_and_wrong_password_get_one_answer_behind_one_exchange()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        var transcripts = new List<string>();
        foreach ((string user, string database, string password) in new[] { ("app", "acme", "wrong"), ("app", "nobody", "secret"), ("app", "Not A Slug!", "secret"), ("nobody", "acme", "secret") })
        {
            using RawClient client = await RawClient.ConnectAsync(world.Port);
            PgError? error = await client.TryLoginAsync(user, database, password);
            Assert.Equal((SqlState.InvalidPassword, "FATAL"), (error?.SqlState, error?.Severity));
            await client.Wire.ReadToEndAsync();
            transcripts.Add(string.Join('\n', client.Transcript.Lines.Skip(1)).Replace("nobody", "app", StringComparison.Ordinal));
        }
        Assert.Single(transcripts.Distinct());
    }

    [Fact]
    public async Task Encryption_is_declined_with_N_and_the_login_goes_on()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        Assert.Equal('N', await client.RequestSslAsync());
        await client.LoginAsync("app", "acme", ProxyWorld.Password);
    }

    [Fact]
    public async Task Bytes_behind_an_encryption_request_end_the_connection()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        await client.SendAsync(FrontendBytes.Join(FrontendBytes.SslRequest, FrontendBytes.Startup("app", "acme")));
        var seen = new byte[1];
        Assert.Equal(1, await client.Wire.Socket.ReceiveAsync(seen));
        Assert.Equal((byte)'E', seen[0]);
    }

    [Fact]
    public async Task A_newer_minor_version_and_unknown_options_are_negotiated()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        await client.LoginAsync("app", "acme", ProxyWorld.Password, [new("_pq_.command_compression", "on")], new ProtocolVersion(0x0003_0009));
        Assert.Equal("B NegotiateProtocolVersion 3.2 [_pq_.command_compression]", client.Transcript.Lines[1]);
        Assert.Equal(32, client.SecretKey.Length);
    }

    [Fact]
    public async Task A_client_is_told_what_a_server_reports_and_its_own_name_and_spelling()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync(parameters: [new("client_encoding", "utf-8"), new("application_name", "me")]);
        Assert.Equal("18.0 (scripted)", client.Parameters["server_version"]);
        Assert.Equal("utf-8", client.Parameters["client_encoding"]);
        Assert.Equal("app", client.Parameters["session_authorization"]);
    }

    [Fact]
    public async Task The_tenants_settings_travel_in_the_servers_start_up_packet_and_nothing_of_the_clients()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync(parameters: [new("application_name", "me"), new("search_path", "evil")]);
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        Dictionary<string, string> sent = server.Startup!.Parameters.ToDictionary(parameter => parameter.Key, parameter => parameter.Value);
        ProxySuite.Tenancy.Model.Tenant tenant = world.Registry["acme"].Tenant;
        Assert.Equal(tenant.Id.ToString(), sent["app.current_tenant_id"]);
        Assert.Equal($"\"{tenant.Placement.SchemaName}\"", sent["search_path"]);
        Assert.Equal("30000ms", sent["statement_timeout"]);
        Assert.Equal("16384kB", sent["work_mem"]);
        // What would make texts mean something else, and a lost client unnoticed.
        Assert.Equal("on", sent["standard_conforming_strings"]);
        Assert.Equal("5s", sent["client_connection_check_interval"]);
        Assert.Equal(9, sent.Count);
    }

    [Theory]
    [InlineData("hash_mem_multiplier", "1000")]
    [InlineData("options", "-c app.current_tenant_id=other")]
    [InlineData("options", "-h elsewhere")]
    [InlineData("replication", "true")]
    public async Task What_a_client_may_not_ask_for_is_refused_before_it_is_asked_for_its_password(string name, string value)
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        PgError? error = await client.TryLoginAsync("app", "acme", ProxyWorld.Password, [new(name, value)]);
        Assert.Equal("FATAL", error?.Severity);
        Assert.DoesNotContain(client.Transcript.Lines, line => line.Contains("Authentication", StringComparison.Ordinal));
        Assert.Empty(world.Backend.Connections);
    }

    [Fact]
    public async Task Servers_log_in_with_scram_and_a_password_that_the_proxy_derives()
    {
        ProxyWorld? world = null;
        world = await ProxyWorld.StartAsync(connections: 2, backend: new ScriptedBackendOptions
        {
            PasswordOf = role => world!.BackendPassword(world.Registry["acme"].Tenant, ProxySuite.Tenancy.Model.UserRole.App) is { } password && role.StartsWith("t_", StringComparison.Ordinal) ? password : "no",
            Respond = new EchoResponder().Respond,
        });
        await using ProxyWorld _ = world;
        using RawClient one = await world.ConnectAsync();
        using RawClient two = await world.ConnectAsync();
        await one.QueryAsync("BEGIN");
        // The second connection logs in with the keys that the first one left.
        await two.QueryAsync("BEGIN");
        Assert.Equal(2, world.Backend.Connections.Count(server => server.IsReady));
    }

    [Fact]
    public async Task Any_message_but_a_password_during_authentication_ends_the_connection()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        await client.SendAsync(FrontendBytes.Startup("app", "acme"));
        await client.NextAsync();
        await client.SendAsync(FrontendBytes.Query("SELECT 1"));
        Assert.StartsWith("ErrorResponse FATAL 08P01", (await client.NextAsync())!.ToString(), StringComparison.Ordinal);
        Assert.Empty(await client.Wire.ReadToEndAsync());
        Assert.Empty(world.Backend.Connections);
    }
}
