using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Proxy.Tests.Relay;
using ProxySuite.Testing.Protocol;
using Xunit;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Admin;

/// <summary>Who waits because of a PAUSE, and the PAUSE itself while it waits: both can be given up.</summary>
public sealed class ConsolePauseTests
{
    /// <summary>Its query waits; nothing else of it does.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public async Task A_client_that_a_PAUSE_holds_can_cancel_or_leave(bool isExtended)
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync();
        using RawClient cancels = await world.Proxy.ConnectAsync();
        RawClient leaves = await world.Proxy.ConnectAsync();
        await world.TellAsync("PAUSE acme");
        byte[] query = isExtended ? Join(Parse("", "SELECT 1"), Bind("", ""), Execute(), Sync) : Query("SELECT 1");
        await cancels.SendAsync(query);
        await leaves.SendAsync(query);
        await world.Proxy.WaitForPoolAsync(new PoolCounts(Idle: 1, Linked: 0, Waiting: 2));
        await cancels.CancelAsync();
        await cancels.ExpectAsync("ErrorResponse ERROR 57014 \"canceling statement due to user request\"", "ReadyForQuery I");
        await world.Proxy.WaitForPoolAsync(new PoolCounts(Idle: 1, Linked: 0, Waiting: 1));
        leaves.Dispose();
        await world.Proxy.WaitForPoolAsync(new PoolCounts(Idle: 1, Linked: 0));
        await world.Proxy.WaitForLimiterAsync(limiter => limiter.Clients == 1);
        await world.TellAsync("RESUME acme");
        Assert.Equal("SELECT 2", await cancels.ScalarAsync("SELECT 2"));
    }

    /// <summary>And what held it up is over at once: for the tenant, for all, also through a driver.</summary>
    [Theory, InlineData("PAUSE acme"), InlineData("PAUSE")]
    public async Task A_PAUSE_that_waits_can_be_cancelled_and_is_taken_back(string pause)
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync();
        using RawClient open = await world.Proxy.ConnectAsync();
        using RawClient late = await world.Proxy.ConnectAsync();
        await open.QueryAsync("BEGIN");
        using RawClient console = await world.OpenRawAsync();
        await console.SendAsync(Query(pause));
        await ConsoleWorld.UntilAsync(async () => (int)(await world.RowsAsync("SHOW TENANT acme"))[0]["paused"]! == 1);
        await late.SendAsync(Query("SELECT 'late'"));
        await world.Proxy.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1, Waiting: 1));
        await console.CancelAsync();
        await console.ExpectAsync("ErrorResponse ERROR 57014 \"canceling statement due to user request\"", "ReadyForQuery I");
        Assert.Contains("DataRow [\"SELECT 'late'\"]", await late.ReadyAsync());
        Assert.Equal(["yes", "no", "no"], (await world.RowsAsync("SHOW STATE")).Select(row => row["value"]));
        await using (Npgsql.NpgsqlConnection driver = await world.OpenAsync())
        {
            await using var command = new Npgsql.NpgsqlCommand(pause, driver);
            Task waits = command.ExecuteNonQueryAsync();
            await ConsoleWorld.UntilAsync(async () => (int)(await world.RowsAsync("SHOW TENANT acme"))[0]["paused"]! == 1);
            command.Cancel();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waits);
        }
        Assert.Equal("1", await console.ScalarAsync("SELECT 1"));
        Assert.Equal("SELECT 2", await late.ScalarAsync("SELECT 2"));
        await open.QueryAsync("COMMIT");
        await world.Proxy.WaitForRestAsync();
    }

    [Fact]
    public async Task A_cancelled_PAUSE_leaves_one_that_was_there_before_it()
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync(configure: options => options with { Shutdown = new ShutdownOptions { DrainTimeout = TimeSpan.FromMilliseconds(100) } });
        using RawClient open = await world.Proxy.ConnectAsync();
        await open.QueryAsync("BEGIN");
        Assert.Equal("55006", await world.RefusalAsync("PAUSE acme"));
        world.Proxy.Options.Swap(world.Proxy.Options.Value with { Shutdown = new ShutdownOptions() });
        using RawClient console = await world.OpenRawAsync();
        await console.SendAsync(Query("PAUSE"));
        await ConsoleWorld.UntilAsync(async () => (string)(await world.RowsAsync("SHOW STATE"))[1]["value"]! == "yes");
        await console.CancelAsync();
        Assert.StartsWith("ErrorResponse ERROR 57014", (await console.ReadyAsync())[0], StringComparison.Ordinal);
        Assert.Equal("no", (await world.RowsAsync("SHOW STATE"))[1]["value"]);
        Assert.Equal(1, (await world.RowsAsync("SHOW TENANT acme"))[0]["paused"]);
    }

    /// <summary>Scripts move data once PAUSE has said that all is quiet: it must not say so when queries go on.</summary>
    [Theory, InlineData(false), InlineData(true)]
    public async Task A_PAUSE_that_another_operator_takes_back_while_it_waits_does_not_say_that_it_is_paused(bool byCancel)
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync();
        using RawClient open = await world.Proxy.ConnectAsync();
        await open.QueryAsync("BEGIN");
        using RawClient first = await world.OpenRawAsync();
        await first.SendAsync(Query("PAUSE acme"));
        await ConsoleWorld.UntilAsync(async () => (int)(await world.RowsAsync("SHOW TENANT acme"))[0]["paused"]! == 1);
        using RawClient second = await world.OpenRawAsync();
        await second.SendAsync(Query("PAUSE acme"));
        Assert.True(await second.Wire.IsSilentAsync(TimeSpan.FromMilliseconds(300)));
        if (byCancel) await first.CancelAsync();
        else await world.TellAsync("RESUME acme");
        Assert.StartsWith("ErrorResponse ERROR 55000 \"not paused", (await second.ReadyAsync())[0], StringComparison.Ordinal);
        Assert.StartsWith(byCancel ? "ErrorResponse ERROR 57014" : "ErrorResponse ERROR 55000", (await first.ReadyAsync())[0], StringComparison.Ordinal);
        Assert.Equal(0, (await world.RowsAsync("SHOW TENANT acme"))[0]["paused"]);
        await open.QueryAsync("COMMIT");
        await world.Proxy.WaitForRestAsync();
    }

    /// <summary>As with PgBouncer, the pause stays; its place at the console is free at once.</summary>
    [Fact]
    public async Task A_PAUSE_whose_client_leaves_stays_and_waits_no_more()
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync();
        using RawClient open = await world.Proxy.ConnectAsync();
        await open.QueryAsync("BEGIN");
        RawClient console = await world.OpenRawAsync();
        await console.SendAsync(Query("PAUSE acme"));
        await ConsoleWorld.UntilAsync(async () => (int)(await world.RowsAsync("SHOW TENANT acme"))[0]["paused"]! == 1);
        console.Dispose();
        // Who asks is at the console, too.
        await ConsoleWorld.UntilAsync(async () => (int)(await world.RowsAsync("SHOW POOLS"))[^1]["cl_active"]! == 1);
        Assert.Equal(1, (await world.RowsAsync("SHOW TENANT acme"))[0]["paused"]);
    }

    [Fact]
    public async Task A_key_that_is_guessed_cancels_nothing_at_the_console()
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync();
        using RawClient open = await world.Proxy.ConnectAsync();
        await open.QueryAsync("BEGIN");
        using RawClient console = await world.OpenRawAsync();
        await console.SendAsync(Query("PAUSE acme"));
        await ConsoleWorld.UntilAsync(async () => (int)(await world.RowsAsync("SHOW TENANT acme"))[0]["paused"]! == 1);
        byte[] wrong = [.. console.SecretKey];
        wrong[0] ^= 1;
        foreach (byte[] key in (byte[][])[wrong, new byte[32], [.. console.SecretKey, 0]])
        {
            using RawClient stranger = await RawClient.ConnectAsync(world.Proxy.Port);
            await stranger.SendAsync(CancelRequest(console.ProcessId, key));
            Assert.Empty(await stranger.Wire.ReadToEndAsync());
        }
        Assert.True(await console.Wire.IsSilentAsync(TimeSpan.FromMilliseconds(200)));
        await open.QueryAsync("COMMIT");
        await console.ExpectAsync("CommandComplete \"PAUSE\"", "ReadyForQuery I");
    }

    /// <summary>Its open transaction ends where it began, and until then a pause waits for it and the tables show it.</summary>
    [Fact]
    public async Task What_a_tenant_that_has_moved_left_behind_is_shown_and_waited_for()
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync();
        using RawClient open = await world.Proxy.ConnectAsync();
        await open.QueryAsync("BEGIN");
        await using ScriptedBackend elsewhere = ScriptedBackend.Start(RelayScript.Echo());
        var shard = new Tenancy.Model.Shard
        {
            Id = new Tenancy.Model.ShardId(2), Name = "two", Primary = [new Tenancy.Model.ShardEndpoint("127.0.0.1", elsewhere.Port)], Database = "app", ConnectionsMax = 10,
            Tls = Tenancy.Model.TlsMode.Disable,
        };
        Tenancy.Model.TenantEntry entry = world.Proxy.Registry["acme"];
        world.Proxy.Registry.Put(new Tenancy.Model.TenantEntry(entry.Tenant with { Placement = entry.Tenant.Placement with { ShardId = shard.Id, Epoch = 2 } }, shard));
        using RawClient moved = await world.Proxy.ConnectAsync();
        Assert.Equal("SELECT 'moved'", await moved.ScalarAsync("SELECT 'moved'"));
        await ConsoleWorld.UntilAsync(async () => (await world.RowsAsync("SHOW SERVERS")).Select(row => (string)row["shard"]!).Order().SequenceEqual(["one", "two"]));
        // One row a database and user, as exporters make a series of each; the old pool's server is in it.
        Dictionary<string, object?> row = Assert.Single(await world.RowsAsync("SHOW POOLS"), row => (string)row["database"]! == "acme");
        Assert.Equal((2, 1, 1, "two"), ((int)row["cl_active"]!, (int)row["sv_active"]!, (int)row["sv_idle"]!, (string)row["shard"]!));
        Assert.Equal(1, (await world.RowsAsync("SHOW TENANT acme"))[0]["servers_active"]);
        Assert.Equal(1, (await world.RowsAsync("SHOW ACTIVE_SOCKETS")).Count(socket => (string)socket["type"]! == "S"));
        Task pause = world.TellAsync("PAUSE acme");
        await ConsoleWorld.UntilAsync(async () => (int)(await world.RowsAsync("SHOW TENANT acme"))[0]["paused"]! == 1);
        await Task.Delay(200);
        Assert.False(pause.IsCompleted);
        await open.QueryAsync("COMMIT");
        await pause;
        await ConsoleWorld.UntilAsync(async () => (await world.RowsAsync("SHOW SERVERS")).Select(row => (string)row["shard"]!).SequenceEqual(["two"]));
        await world.TellAsync("RESUME acme");
        Assert.Equal("SELECT 2", await open.ScalarAsync("SELECT 2"));
    }
}
