using System.Data;
using Npgsql;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.Servers;
using ProxySuite.Testing.World;
using Xunit;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>What drivers do with a connection after a limit's error, which leaves it usable. docs/limits.md says so; a driver that changes its ways shows here.</summary>
[Trait("Category", "Server")]
public sealed class DriverAtLimitTests
{
    /// <summary>It takes them for failures of the whole server.</summary>
    [Theory]
    [InlineData("53300", false)]
    [InlineData("53400", false)]
    [InlineData("57014", true)]
    public async Task Npgsql_closes_its_connection_on_53300_and_53400(string sqlState, bool goesOn)
    {
        await using PostgresWorld world = await StartAsync();
        using RawClient busy = await BusyAsync(world);
        await using var connection = new NpgsqlConnection($"Host=127.0.0.1;Port={world.Proxy.Port};Database=acme;Username=app;Password={ProxyWorld.Password};Pooling=false;Timeout=30");
        await connection.OpenAsync();
        PostgresException error = await Assert.ThrowsAsync<PostgresException>(() => MeetAsync(world, busy, sqlState, async () =>
        {
            await using var command = new NpgsqlCommand(sqlState == "57014" ? "SELECT pg_sleep(600)" : "SELECT 1", connection);
            await command.ExecuteNonQueryAsync();
        }));
        Assert.Equal(sqlState, error.SqlState);
        Assert.Equal(goesOn ? ConnectionState.Open : ConnectionState.Broken, connection.FullState);
    }

    [Theory]
    [InlineData("53300")]
    [InlineData("53400")]
    public async Task Libpq_goes_on(string sqlState)
    {
        await using PostgresWorld world = await StartAsync();
        using RawClient busy = await BusyAsync(world);
        ProcessResult psql = default!;
        await MeetAsync(world, busy, sqlState, async () => psql = await ProcessRunner.RunAsync(
            "psql", ["-X", "-A", "-t", "-d", $"host=127.0.0.1 port={world.Proxy.Port} dbname=acme user=app", "-v", "VERBOSITY=sqlstate", "-c", "SELECT 1", "-c", "SELECT 2"],
            environment: new Dictionary<string, string> { ["PGPASSWORD"] = ProxyWorld.Password }));
        // A connection that is lost says so.
        Assert.Equal($"ERROR:  {sqlState}\nERROR:  {sqlState}\n", psql.Error);
    }

    /// <summary>Brings about what the code is about, and asks.</summary>
    private static async Task MeetAsync(PostgresWorld world, RawClient busy, string sqlState, Func<Task> ask)
    {
        if (sqlState == "53400")
        {
            await busy.QueryAsync("SELECT repeat('x', 200000)");
            world.Proxy.ChangePlan(plan => plan with { BytesPerMinute = 1 << 16 });
            await world.Proxy.WaitForLimiterAsync(limiter => limiter.IsLimited);
            await busy.QueryAsync("SELECT repeat('x', 200000)");
        }
        else if (sqlState == "53300")
        {
            // In a transaction, so that the only server is taken and the queue, which has no place, is what is met.
            await busy.SendAsync(Query("BEGIN"));
            await busy.ReadyAsync();
        }
        await ask();
    }

    private static async Task<PostgresWorld> StartAsync()
    {
        PostgresWorld world = await PostgresWorld.StartAsync(18, connections: 1, options => options with { Limits = options.Limits with { MaxRateDelay = TimeSpan.Zero } });
        world.Proxy.ChangePlan(plan => plan with { StatementTimeout = TimeSpan.FromSeconds(1) });
        return world;
    }

    /// <summary>A client that has logged in; from then on nobody may wait. The first login does: for the tenant's first server connection.</summary>
    private static async Task<RawClient> BusyAsync(PostgresWorld world)
    {
        RawClient client = await world.Proxy.ConnectAsync();
        world.Proxy.Options.Swap(world.Proxy.Options.Value with { Pool = world.Proxy.Options.Value.Pool with { MaxWaiters = 0 } });
        return client;
    }
}
