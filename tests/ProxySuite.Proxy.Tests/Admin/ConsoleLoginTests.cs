using System.Collections.Concurrent;
using Npgsql;
using ProxySuite.Proxy.Options;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Errors;
using Xunit;

namespace ProxySuite.Proxy.Tests.Admin;

/// <summary>Who gets in to the console: its users, and nobody else (C4).</summary>
public sealed class ConsoleLoginTests
{
    [Theory]
    [InlineData("ops", "wrong")]
    [InlineData("nobody", ConsoleWorld.Password)]
    [InlineData("app", ProxyWorld.Password)] // a tenant's user
    public async Task Others_are_refused_in_the_words_of_an_unknown_tenant(string user, string password)
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync();
        await using ProxyWorld without = await ProxyWorld.StartAsync();
        foreach (string database in (string[])["pgbouncer", "proxysuite"])
        {
            string atConsole = await RefusalAsync(world.Proxy.Port, user, database, password);
            Assert.Equal(atConsole, await RefusalAsync(world.Proxy.Port, user, "no-such-tenant", password));
            // And where there is no console at all.
            Assert.Equal(atConsole, await RefusalAsync(without.Port, user, database, password));
        }
    }

    [Fact]
    public async Task Its_users_are_no_tenants_users()
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync();
        using RawClient client = await RawClient.ConnectAsync(world.Proxy.Port);
        Assert.Equal("28P01", (await client.TryLoginAsync("ops", "acme", ConsoleWorld.Password))!.SqlState);
    }

    [Fact]
    public async Task The_console_may_be_named_in_the_user_name()
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync();
        using RawClient client = await RawClient.ConnectAsync(world.Proxy.Port);
        await client.LoginAsync("ops@proxysuite", "postgres", ConsoleWorld.Password);
        Assert.Equal("1", await client.ScalarAsync("SELECT 1"));
    }

    [Fact]
    public async Task It_lets_its_users_in_when_the_proxy_is_full_and_counts_them_apart()
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync(configure: options => options with { Limits = new LimitsOptions { MaxClients = 1 } });
        using RawClient client = await world.Proxy.ConnectAsync();
        using RawClient late = await RawClient.ConnectAsync(world.Proxy.Port);
        Assert.Equal("53300", (await late.TryLoginAsync("app", "acme", ProxyWorld.Password))!.SqlState);
        var consoles = new ConcurrentBag<NpgsqlConnection>();
        for (int i = 0; i < 16; i++) consoles.Add(await world.OpenAsync());
        PostgresException full = await Assert.ThrowsAsync<PostgresException>(() => world.OpenAsync());
        Assert.Equal("53300", full.SqlState);
        foreach (NpgsqlConnection console in consoles) await console.DisposeAsync();
    }

    [Fact]
    public async Task A_drain_does_not_wait_for_the_console_and_the_end_tells_it()
    {
        ConsoleWorld world = await ConsoleWorld.StartAsync();
        using RawClient client = await world.OpenRawAsync();
        await world.Proxy.Server.DrainAsync(TimeSpan.FromMinutes(5), CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal("1", await client.ScalarAsync("SELECT 1"));
        await world.DisposeAsync();
        WireMessage? last = await client.NextAsync();
        Assert.Contains("57P01", last!.ToString(), StringComparison.Ordinal);
    }

    private static async Task<string> RefusalAsync(int port, string user, string database, string password)
    {
        using RawClient client = await RawClient.ConnectAsync(port);
        PgError error = (await client.TryLoginAsync(user, database, password))!;
        return $"{error} after {string.Join(',', client.Transcript.ToString().Split('\n').Select(line => line.Length > 20 ? line[..20] : line))}";
    }
}
