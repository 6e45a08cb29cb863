using System.Globalization;
using ProxySuite.Proxy.Options;
using ProxySuite.Testing.Protocol;
using ProxySuite.Wire.Frames;
using Xunit;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>Limits of time that hold whatever SQL does to the server's own.</summary>
[Trait("Category", "Server")]
public sealed class DeadlineTests
{
    // Out of the filter's sight, and the server's own timeout is gone.
    private const string Raise = "DO $$ BEGIN EXECUTE 'SE' || 'T statement_timeout = 0'; END $$";

    [Theory, InlineData(15), InlineData(18)]
    public async Task A_statement_whose_server_has_no_timeout_any_more_is_cancelled_by_the_proxy(int version)
    {
        await using PostgresWorld world = await StartAsync(version, Patient);
        using RawClient client = await world.Proxy.ConnectAsync();
        await client.QueryAsync("BEGIN");
        await client.QueryAsync(Raise);
        Assert.Equal("0", await client.ScalarAsync("SHOW statement_timeout"));
        await client.SendAsync(Query("SELECT pg_sleep(600)"));
        string[] answer = await client.ReadyAsync();
        Assert.Equal("ReadyForQuery E", answer[^1]);
        Assert.StartsWith("ErrorResponse ERROR 57014 \"canceling statement due to the statement time of the tenant's plan\"", answer[^2], StringComparison.Ordinal);
        await client.QueryAsync("ROLLBACK");
        Assert.Equal("1", await client.ScalarAsync("SELECT 1"));
    }

    [Theory, InlineData(15), InlineData(18)]
    public async Task One_that_catches_its_cancel_loses_its_connection_and_the_server_ends(int version)
    {
        await using PostgresWorld world = await StartAsync(version, options => options with { Pool = options.Pool with { CancelTimeout = TimeSpan.FromSeconds(1) } });
        using RawClient client = await world.Proxy.ConnectAsync();
        await client.SendAsync(Query("DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(600); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$"));
        await client.ExpectAsync("ErrorResponse FATAL 57014 \"canceling statement due to the statement time of the tenant's plan\"");
        Assert.Null(await client.NextAsync());
        for (int i = 0; i < 600 && await CountAsync(world) != 0; i++) await Task.Delay(50);
        Assert.Equal(0, await CountAsync(world));
        using RawClient next = await world.Proxy.ConnectAsync();
        Assert.Equal("1", await next.ScalarAsync("SELECT 1"));
    }

    /// <summary>PostgreSQL looks at no cancel while it waits for CopyData, and at no timeout of its own either.</summary>
    [Fact]
    public async Task A_copy_that_nobody_feeds_is_a_statement_too()
    {
        await using PostgresWorld world = await StartAsync(18, options => options with { Pool = options.Pool with { CancelTimeout = TimeSpan.FromSeconds(1) } });
        using RawClient client = await world.Proxy.ConnectAsync();
        await client.QueryAsync("CREATE TABLE fed (n int)");
        await client.SendAsync(Query("COPY fed FROM STDIN"));
        await client.ExpectAsync("CopyInResponse text 1", "ErrorResponse FATAL 57014 \"canceling statement due to the statement time of the tenant's plan\"");
        Assert.Null(await client.NextAsync());
        await world.Proxy.WaitForRestAsync();
    }

    [Fact]
    public async Task A_transaction_that_is_idle_for_too_long_is_ended()
    {
        await using PostgresWorld world = await StartAsync(18, options => options with { Limits = options.Limits with { IdleInTransactionTimeout = TimeSpan.FromMilliseconds(300) } });
        using RawClient client = await world.Proxy.ConnectAsync();
        await client.QueryAsync("BEGIN");
        await client.QueryAsync("DO $$ BEGIN EXECUTE 'SE' || 'T idle_in_transaction_session_timeout = 0'; END $$");
        await client.ExpectAsync("ErrorResponse FATAL 25P03 \"terminating connection due to idle-in-transaction timeout\"");
        Assert.Null(await client.NextAsync());
        // One that asks and never syncs holds a server just the same.
        using RawClient unsynced = await world.Proxy.ConnectAsync();
        await unsynced.SendAsync(Parse("", "SELECT 1"), Bind("", ""), Execute(), Flush);
        await unsynced.ExpectAsync("ParseComplete", "BindComplete", "DataRow [\"1\"]", "CommandComplete \"SELECT 1\"", "ErrorResponse FATAL 25P03 \"terminating connection due to idle-in-transaction timeout\"");
        await world.Proxy.WaitForRestAsync();
    }

    [Fact]
    public async Task A_transaction_that_is_open_for_too_long_is_ended_by_the_plans_own_limit()
    {
        await using PostgresWorld world = await StartAsync(15, Patient, ("transaction_timeout", "700ms"));
        using RawClient client = await world.Proxy.ConnectAsync();
        await client.QueryAsync("BEGIN");
        string last = "";
        for (int i = 0; i < 2000 && !last.StartsWith("Error", StringComparison.Ordinal); i++)
        {
            await client.SendAsync(Query("SELECT 1"));
            last = (await client.ReadUntilAsync(BackendMessage.ReadyForQuery))[^1].ToString();
            await Task.Delay(10);
        }
        Assert.StartsWith("ErrorResponse FATAL 57014 \"terminating connection due to transaction timeout\"", last, StringComparison.Ordinal);
    }

    [Theory, InlineData(15), InlineData(18)]
    public async Task A_client_that_is_idle_for_too_long_is_ended_and_one_in_a_transaction_is_not(int version)
    {
        await using PostgresWorld world = await StartAsync(version, options => options with { Limits = options.Limits with { ClientIdleTimeout = TimeSpan.FromMilliseconds(300) } });
        using RawClient open = await world.Proxy.ConnectAsync();
        await open.QueryAsync("BEGIN");
        using RawClient idle = await world.Proxy.ConnectAsync();
        await idle.ExpectAsync("ErrorResponse FATAL 57P05 \"terminating connection due to idle-session timeout\"");
        Assert.Null(await idle.NextAsync());
        Assert.Equal("1", await open.ScalarAsync("SELECT 1"));
    }

    [Fact]
    public async Task A_login_that_takes_too_long_is_ended_and_costs_its_tenant_no_server()
    {
        await using PostgresWorld world = await StartAsync(18, options => options with { Auth = options.Auth with { LoginTimeout = TimeSpan.FromSeconds(2) } });
        using RawClient slow = await RawClient.ConnectAsync(world.Proxy.Port);
        await slow.SendAsync(Startup("app", "acme"));
        Assert.StartsWith("Authentication", (await slow.NextAsync())!.ToString(), StringComparison.Ordinal);
        await slow.ExpectAsync("ErrorResponse FATAL 57014 \"canceling authentication due to timeout\"");
        Assert.Null(await slow.NextAsync());
        Assert.Equal(0, await world.Server.ScalarAsync<long>($"SELECT count(*) FROM pg_stat_activity WHERE usename = '{world.Role}'"));
        using RawClient next = await world.Proxy.ConnectAsync();
        Assert.Equal("1", await next.ScalarAsync("SELECT 1"));
    }

    /// <summary>
    /// Statements that end about when their time does: a cancel may find them over. It must not find the next client's query in their place, so a server is lent again when its cancel is over.
    /// </summary>
    [Theory, InlineData(15), InlineData(18)]
    public async Task A_server_that_the_proxy_cancels_serves_nobody_before_the_cancel_is_over(int version)
    {
        await using PostgresWorld world = await StartAsync(version, Patient);
        using RawClient overdue = await world.Proxy.ConnectAsync();
        using RawClient next = await world.Proxy.ConnectAsync();
        int cancelled = 0;
        for (int tenths = 9; tenths <= 15; tenths++)
        {
            await overdue.SendAsync(Query(string.Create(CultureInfo.InvariantCulture, $"BEGIN; {Raise.Replace("'T ", "'T LOCAL ", StringComparison.Ordinal)}; SELECT pg_sleep({tenths / 10.0}); COMMIT")));
            await world.Proxy.WaitForPoolAsync(new(Idle: 0, Linked: 1));
            await next.SendAsync(Query("SELECT pg_sleep(0.05)"));
            string[] ended = await overdue.ReadyAsync();
            if (ended[^1] == "ReadyForQuery E")
            {
                cancelled++;
                await overdue.QueryAsync("ROLLBACK");
            }
            string[] answer = await next.ReadyAsync();
            Assert.True(answer.Any(line => line.StartsWith("DataRow", StringComparison.Ordinal)), string.Join("; ", answer));
        }
        Assert.True(cancelled > 0);
        await world.Proxy.WaitForRestAsync();
    }

    private static ProxyOptions Patient(ProxyOptions options) => options;

    private static Task<long> CountAsync(PostgresWorld world)
        => world.Server.ScalarAsync<long>(string.Create(CultureInfo.InvariantCulture, $"SELECT count(*) FROM pg_stat_activity WHERE usename = '{world.Role}' AND query LIKE '%LOOP%'"));

    private static async Task<PostgresWorld> StartAsync(int version, Func<ProxyOptions, ProxyOptions> configure, params (string Name, string Value)[] settings)
    {
        PostgresWorld world = await PostgresWorld.StartAsync(version, connections: 1, configure);
        world.Proxy.Registry.Put(world.Tenant with
        {
            Tenant = world.Tenant.Tenant with
            {
                Plan = world.Tenant.Tenant.Plan with
                {
                    StatementTimeout = TimeSpan.FromMilliseconds(400),
                    Settings = Tenancy.Model.PlanSettings.None.SetItems(settings.Select(setting => KeyValuePair.Create(setting.Name, setting.Value))),
                },
            },
        });
        return world;
    }
}
