using ProxySuite.Proxy.Pooling;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Protocol;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using Xunit;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>LISTEN in transaction mode, on real servers: nobody keeps a server, and a client hears what it would hear on one of its own.</summary>
[Trait("Category", "Server")]
public sealed class ListenTests
{
    [Theory]
    [InlineData(18)]
    [InlineData(15)]
    public async Task A_listener_hears_what_others_of_its_tenant_say_in_order_and_keeps_no_server(int version)
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(version, connections: 2);
        using RawClient listener = await world.Proxy.ConnectAsync();
        using RawClient speaker = await world.Proxy.ConnectAsync();
        await OkAsync(listener, "LISTEN \"My News\"");
        await OkAsync(listener, "LISTEN other");
        await world.Proxy.WaitForPoolAsync(await CountsAtRestAsync(world));
        for (int i = 0; i < 20; i++) await OkAsync(speaker, $"NOTIFY \"My News\", '{i}'");
        for (int i = 0; i < 20; i++) Assert.Equal($"NotificationResponse * \"My News\" \"{i}\"", await NextAsync(listener));
        Assert.Equal(0, await world.Proxy.OnPoolAsync("acme", pool => pool.Stats.Pinned(PinReason.Listen)));
        // Neither of the tenant's servers still listens.
        for (int i = 0; i < 4; i++) Assert.Equal("0", await speaker.ScalarAsync("SELECT count(*) FROM pg_listening_channels()"));
        listener.Dispose();
        await world.Proxy.WaitForRestAsync();
    }

    [Fact]
    public async Task Its_own_notifications_come_before_its_ReadyForQuery_with_the_process_id_that_it_was_given()
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, connections: 2);
        using RawClient client = await world.Proxy.ConnectAsync();
        Assert.Equal(["CommandComplete \"LISTEN\"", "CommandComplete \"NOTIFY\"", "NotificationResponse * \"a\" \"first\"", "ReadyForQuery I"], await SendAsync(client, "LISTEN a; NOTIFY a, 'first'"));
        for (int i = 0; i < 20; i++)
        {
            IReadOnlyList<WireMessage> answer = await client.QueryAsync("NOTIFY a, 'mine'");
            Assert.Equal(["CommandComplete \"NOTIFY\"", "NotificationResponse * \"a\" \"mine\"", "ReadyForQuery I"], answer.Select(message => message.ToString()));
            Assert.Equal(client.ProcessId, NotificationResponse.Read(answer[1].Body).ProcessId);
            using RawClient other = await world.Proxy.ConnectAsync();
            await OkAsync(other, "SELECT pg_notify('a', 'theirs')");
            WireMessage theirs = (await client.NextAsync())!;
            Assert.Equal("NotificationResponse * \"a\" \"theirs\"", theirs.ToString());
            Assert.NotEqual(client.ProcessId, NotificationResponse.Read(theirs.Body).ProcessId);
        }
    }

    [Fact]
    public async Task Nothing_comes_inside_a_transaction_and_all_before_its_end_is_answered()
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, connections: 2);
        using RawClient listener = await world.Proxy.ConnectAsync();
        using RawClient speaker = await world.Proxy.ConnectAsync();
        await OkAsync(listener, "LISTEN a");
        await OkAsync(listener, "BEGIN");
        await OkAsync(speaker, "NOTIFY a, '1'");
        await OkAsync(speaker, "NOTIFY a, '2'");
        Assert.Equal(["RowDescription [?column?]", "DataRow [\"1\"]", "CommandComplete \"SELECT 1\"", "ReadyForQuery T"], await SendAsync(listener, "SELECT 1"));
        Assert.True(await listener.Wire.IsSilentAsync(TimeSpan.FromMilliseconds(100)));
        await OkAsync(listener, "NOTIFY a, '3'");
        Assert.Equal(
            ["CommandComplete \"COMMIT\"", "NotificationResponse * \"a\" \"1\"", "NotificationResponse * \"a\" \"2\"", "NotificationResponse * \"a\" \"3\"", "ReadyForQuery I"],
            await SendAsync(listener, "COMMIT"));
    }

    [Fact]
    public async Task Listening_begins_and_ends_with_the_commit_of_its_transaction()
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, connections: 3);
        using RawClient client = await world.Proxy.ConnectAsync();
        using RawClient speaker = await world.Proxy.ConnectAsync();
        await OkAsync(client, "BEGIN");
        await OkAsync(client, "LISTEN a");
        await OkAsync(speaker, "NOTIFY a, 'too early'");
        await OkAsync(client, "ROLLBACK");
        await OkAsync(speaker, "NOTIFY a, 'never'");
        await OkAsync(client, "BEGIN");
        await OkAsync(client, "LISTEN a");
        await OkAsync(client, "SAVEPOINT s");
        await OkAsync(client, "LISTEN b");
        await OkAsync(client, "ROLLBACK TO s");
        await OkAsync(speaker, "NOTIFY a, 'too early'");
        await OkAsync(client, "COMMIT");
        await OkAsync(speaker, "NOTIFY b, 'never'");
        await OkAsync(speaker, "NOTIFY a, 'heard'");
        Assert.Equal("NotificationResponse * \"a\" \"heard\"", await NextAsync(client));
        await OkAsync(client, "BEGIN");
        await OkAsync(client, "UNLISTEN a");
        await OkAsync(client, "ROLLBACK");
        await OkAsync(speaker, "NOTIFY a, 'still'");
        Assert.Equal("NotificationResponse * \"a\" \"still\"", await NextAsync(client));
        await OkAsync(client, "UNLISTEN a");
        await OkAsync(speaker, "NOTIFY a, 'gone'");
        Assert.True(await client.Wire.IsSilentAsync(TimeSpan.FromMilliseconds(100)));
        await world.Proxy.WaitForRestAsync();
    }

    [Theory]
    [InlineData("UNLISTEN *")]
    [InlineData("DISCARD ALL")]
    [InlineData("SET SESSION AUTHORIZATION DEFAULT;RESET ALL;CLOSE ALL;UNLISTEN *;SELECT pg_advisory_unlock_all();DISCARD SEQUENCES;DISCARD TEMP")]
    public async Task The_listener_is_closed_when_nobody_listens_any_more(string end)
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, connections: 1);
        using RawClient client = await world.Proxy.ConnectAsync();
        await OkAsync(client, "LISTEN a; LISTEN b");
        Assert.Equal(2, world.Proxy.ShardPermitsLeased);
        await client.QueryAsync(end);
        using RawClient speaker = await world.Proxy.ConnectAsync();
        await OkAsync(speaker, "NOTIFY a");
        Assert.True(await client.Wire.IsSilentAsync(TimeSpan.FromMilliseconds(100)));
        await world.Proxy.WaitForRestAsync();
        Assert.Equal(1, world.Proxy.ShardPermitsLeased);
        Assert.Equal("1", await client.ScalarAsync($"SELECT count(*) FROM pg_stat_activity WHERE usename = '{world.Role}'"));
    }

    [Fact]
    public async Task No_notification_crosses_from_one_tenant_of_a_database_to_another()
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, connections: 2);
        await world.AddTenantAsync("globex", 2);
        using RawClient acme = await world.Proxy.ConnectAsync();
        using RawClient globex = await world.Proxy.ConnectAsync("globex");
        await OkAsync(acme, "LISTEN shared");
        await OkAsync(globex, "LISTEN shared");
        await OkAsync(globex, "NOTIFY shared, 'of globex'");
        await world.Server.ExecuteAsync("NOTIFY shared, 'of the operator'", world.Proxy.Shard.Database);
        // A session of the tenant's own role that this proxy knows nothing of, as of another proxy's: in the log of the engine it is the tenant's.
        using RawClient elsewhere = await world.ConnectDirectlyAsync();
        await OkAsync(elsewhere, "CREATE FUNCTION tell() RETURNS void LANGUAGE sql AS $$ SELECT pg_notify('shared', 'of another proxy') $$; SELECT tell()");
        await OkAsync(acme, "NOTIFY shared, 'of acme'");
        List<string> heard = acme.Transcript.ToString().Split('\n').Where(line => line.Contains("NotificationResponse", StringComparison.Ordinal)).ToList();
        Assert.Equal(["of another proxy", "of acme"], heard.Select(line => line.Split('"')[^2]));
        string other = globex.Transcript.ToString();
        Assert.Contains("of globex", other, StringComparison.Ordinal);
        Assert.DoesNotContain("of acme", other, StringComparison.Ordinal);
        Assert.True(await globex.Wire.IsSilentAsync(TimeSpan.FromMilliseconds(100)));
    }

    [Fact]
    public async Task Who_listens_hears_all_that_is_said_from_its_answer_on()
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, connections: 3);
        using RawClient speaker = await world.Proxy.ConnectAsync();
        for (int i = 0; i < 60; i++)
        {
            using RawClient client = await world.Proxy.ConnectAsync();
            if (i % 3 == 0)
            {
                await client.SendAsync(Parse("l", "LISTEN a"), Bind("", "l"), Execute(), FrontendBytes.Sync);
                await client.ReadUntilAsync(BackendMessage.ReadyForQuery);
            }
            else await OkAsync(client, "LISTEN a");
            await OkAsync(speaker, $"NOTIFY a, '{i}'");
            Assert.Equal($"NotificationResponse * \"a\" \"{i}\"", await NextAsync(client));
        }
        await world.Proxy.WaitForRestAsync();
    }

    [Fact]
    public async Task A_lost_listener_comes_back_and_says_that_it_was_away()
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, connections: 2);
        using RawClient listener = await world.Proxy.ConnectAsync();
        using RawClient speaker = await world.Proxy.ConnectAsync();
        await OkAsync(listener, "LISTEN a");
        await OkAsync(speaker, "NOTIFY a, 'before'");
        Assert.Equal("NotificationResponse * \"a\" \"before\"", await NextAsync(listener));
        await world.Server.ExecuteAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{world.Role}' AND query IN ('', 'LISTEN \"a\"')");
        Assert.StartsWith("NoticeResponse WARNING 01000 \"notifications may have been missed", await NextAsync(listener), StringComparison.Ordinal);
        await OkAsync(speaker, "NOTIFY a, 'after'");
        Assert.Equal("NotificationResponse * \"a\" \"after\"", await NextAsync(listener));
    }

    [Fact]
    public async Task A_client_that_keeps_thousands_waiting_is_ended_with_a_word()
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, connections: 2);
        using RawClient listener = await world.Proxy.ConnectAsync();
        using RawClient speaker = await world.Proxy.ConnectAsync();
        await OkAsync(listener, "LISTEN a");
        await OkAsync(listener, "BEGIN");
        await OkAsync(speaker, "SELECT pg_notify('a', repeat('x', 7990) || i) FROM generate_series(1, 700) i");
        Assert.StartsWith("ErrorResponse FATAL 54000 \"too many notifications wait for this client", await NextAsync(listener), StringComparison.Ordinal);
        Assert.Null(await listener.NextAsync());
        await world.Proxy.WaitForRestAsync();
    }

    [Fact]
    public async Task In_a_database_of_its_own_a_tenant_hears_everybody()
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, connections: 2);
        TenantEntry entry = world.Proxy.Registry["acme"];
        // The shared database stands for the tenant's own: what counts is the model.
        world.Proxy.Registry.Put(entry with { Tenant = entry.Tenant with { Isolation = IsolationModel.Database } });
        using RawClient listener = await world.Proxy.ConnectAsync();
        await OkAsync(listener, "LISTEN a");
        await world.Server.ExecuteAsync("NOTIFY a, 'of the operator'", world.Proxy.Shard.Database);
        Assert.Equal("NotificationResponse * \"a\" \"of the operator\"", await NextAsync(listener));
    }

    [Theory]
    [InlineData(PoolMode.Session, "LISTEN a")]
    [InlineData(PoolMode.Transaction, "LISTEN U&\"a\"")]
    public async Task A_session_that_listens_itself_hears_no_other_tenant_either(PoolMode mode, string listen)
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, connections: 2);
        await world.AddTenantAsync("globex", 2, mode);
        await world.AddTenantAsync("hooli", 3, mode);
        using RawClient listener = await world.Proxy.ConnectAsync("hooli");
        using RawClient friend = await world.Proxy.ConnectAsync("hooli");
        using RawClient stranger = await world.Proxy.ConnectAsync("globex");
        await OkAsync(listener, listen);
        await OkAsync(stranger, "NOTIFY a, 'of a stranger'");
        await OkAsync(friend, "NOTIFY a, 'of a friend'");
        Assert.Equal("NotificationResponse * \"a\" \"of a friend\"", await NextAsync(listener));
        Assert.Equal(["CommandComplete \"NOTIFY\"", "NotificationResponse * \"a\" \"mine\"", "ReadyForQuery I"], await SendAsync(listener, "NOTIFY a, 'mine'"));
        Assert.True(await listener.Wire.IsSilentAsync(TimeSpan.FromMilliseconds(100)));
    }

    private static async Task OkAsync(RawClient client, string sql)
    {
        IReadOnlyList<WireMessage> answer = await client.QueryAsync(sql);
        Assert.DoesNotContain(answer, message => message.Type == (char)BackendMessage.ErrorResponse);
    }

    private static async Task<string[]> SendAsync(RawClient client, string sql) => [.. (await client.QueryAsync(sql)).Select(message => message.ToString())];

    private static async Task<string> NextAsync(RawClient client) => (await client.NextAsync())?.ToString() ?? $"(the end)\n{client.Transcript}";

    private static async Task<PoolCounts> CountsAtRestAsync(PostgresWorld world) => new((await world.Proxy.RestAsync())[0].Leased, 0);
}
