using System.Collections.Concurrent;
using System.Net.Sockets;
using Npgsql;
using ProxySuite.EndToEnd.Tests.World;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.Operations;

/// <summary>What breaks behind the proxy stays where it broke (A11, B2).</summary>
[Collection(ProxydCollection.Name), Trait("Category", "Server")]
public sealed class OutageTests(ProxydWorld world)
{
    /// <summary>SQLSTATEs with which a client may learn that its shard is gone: it shut down or crashed, cannot be connected to, or starts up.</summary>
    private static readonly string[] Outage = ["57P01", "57P02", "57P03", "08006", "08001", "08P01"];

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_shard_that_is_killed_or_stopped_costs_its_own_clients_only_and_they_recover(bool killed)
    {
        await using Proxyd proxyd = await world.StartProxydAsync("--Pool:QueryWaitTimeout=2s");
        await using var here = new Load(proxyd, world.Acme, clients: 8);
        await using var elsewhere = new Load(proxyd, world.Globex, clients: 8);
        await using var elsewhereToo = new Load(proxyd, world.Initech, clients: 4);
        await here.UntilDoneMoreAsync(200);
        await (killed ? world.Shard15.KillAsync() : world.Shard15.StopAsync());
        try
        {
            await here.UntilFailedMoreAsync(8);
            await elsewhere.UntilDoneMoreAsync(300);
            await proxyd.UntilMetricAsync(0, "proxysuite_shard_up", "shard=\"s1\"");
            // A log-in there is answered, not left hanging.
            NpgsqlException refused = await Assert.ThrowsAnyAsync<NpgsqlException>(() => proxyd.OpenAsync(world.Umbrella));
            Assert.Equal("57P03", Assert.IsType<PostgresException>(refused).SqlState);
        }
        finally
        {
            await world.Shard15.StartAsync();
        }
        await here.UntilDoneMoreAsync(200);
        await elsewhere.UntilDoneMoreAsync(100);
        foreach (Load load in (Load[])[here, elsewhere, elsewhereToo]) await load.StopAsync();

        Assert.Empty(elsewhere.Failures);
        Assert.Empty(elsewhereToo.Failures);
        Assert.All(here.Failures, failure => Assert.Contains(failure, Outage));
        Assert.Equal(0, await proxyd.MetricAsync("proxysuite_reactor_failures_total"));
        Assert.Equal(1, await proxyd.MetricAsync("proxysuite_shard_up", "shard=\"s1\""));
        await proxyd.UntilMetricAsync(0, "proxysuite_shard_servers", "state=\"active\"");
    }

    [Fact]
    public async Task Without_the_registry_known_tenants_are_served_and_unknown_ones_told_to_come_back()
    {
        await using Proxyd proxyd = await world.StartProxydAsync();
        var stranger = new TestTenant("never-heard-of", Guid.NewGuid(), "schema", world.Shard15);
        await using var load = new Load(proxyd, world.Acme, clients: 4);
        await load.UntilDoneMoreAsync(50);
        await proxyd.UntilItSaysAsync("tenants are in memory ahead of their first clients");
        await world.Registry.KillAsync();
        try
        {
            await load.UntilDoneMoreAsync(200);
            await using (NpgsqlConnection known = await proxyd.OpenAsync(world.Acme)) Assert.Equal(1, await known.ReadAsync<int>("SELECT 1"));
            // Never asked for, and known all the same: tenants are read ahead.
            await using (NpgsqlConnection ahead = await proxyd.OpenAsync(world.Initech)) Assert.Equal(1, await ahead.ReadAsync<int>("SELECT 1"));
            PostgresException unknown = await Assert.ThrowsAsync<PostgresException>(() => proxyd.OpenAsync(stranger));
            Assert.Equal("57P03", unknown.SqlState);
            Assert.Contains("\"registryReachable\":false", (await proxyd.GetAsync("/readyz")).Body, StringComparison.Ordinal);
        }
        finally
        {
            await world.Registry.StartAsync();
        }
        long deadline = Environment.TickCount64 + (long)Proxyd.Patience.TotalMilliseconds;
        while (true)
        {
            try
            {
                await using NpgsqlConnection back = await proxyd.OpenAsync(stranger);
            }
            catch (PostgresException refused) when (refused.SqlState == "28P01")
            {
                break;
            }
            catch (PostgresException refused) when (refused.SqlState == "57P03" && Environment.TickCount64 < deadline)
            {
                await Task.Delay(50);
            }
        }
        await load.StopAsync();
        Assert.Empty(load.Failures);
    }

    /// <summary>Clients that ask one small question after the other, and connect again when their connection is gone.</summary>
    private sealed class Load : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _clients;
        private long _done;

        public Load(Proxyd proxyd, TestTenant tenant, int clients)
            => _clients = Task.WhenAll(Enumerable.Range(0, clients).Select(number => Task.Run(() => RunAsync(proxyd, tenant, number))));

        /// <summary>The SQLSTATE of each failed question or log-in; "lost" when the connection ended without one.</summary>
        public ConcurrentQueue<string> Failures { get; } = new();

        public Task UntilDoneMoreAsync(int count)
        {
            long goal = Interlocked.Read(ref _done) + count;
            return UntilAsync(() => Interlocked.Read(ref _done) >= goal, $"{count} more questions answered");
        }

        public Task UntilFailedMoreAsync(int count)
        {
            int goal = Failures.Count + count;
            return UntilAsync(() => Failures.Count >= goal, $"{count} more questions failed");
        }

        public async Task StopAsync()
        {
            await _stop.CancelAsync();
            await _clients;
        }

        public async ValueTask DisposeAsync()
        {
            await StopAsync();
            _stop.Dispose();
        }

        private async Task UntilAsync(Func<bool> isSo, string what)
        {
            long deadline = Environment.TickCount64 + (long)Proxyd.Patience.TotalMilliseconds;
            while (!isSo())
            {
                if (Environment.TickCount64 > deadline || _clients.IsFaulted) Assert.Fail($"not yet {what}; failures: {string.Join(' ', Failures.Take(20))} {_clients.Exception}");
                await Task.Delay(20);
            }
        }

        private async Task RunAsync(Proxyd proxyd, TestTenant tenant, int number)
        {
            int asked = 0;
            while (!_stop.IsCancellationRequested)
            {
                try
                {
                    await using NpgsqlConnection connection = await proxyd.OpenAsync(tenant);
                    while (!_stop.IsCancellationRequested)
                    {
                        string question = $"{tenant.Slug} {number} {++asked}";
                        Assert.Equal(question, await connection.ReadAsync<string>($"SELECT '{question}'"));
                        Interlocked.Increment(ref _done);
                        await Task.Delay(2);
                    }
                }
                catch (PostgresException refused)
                {
                    Failures.Enqueue(refused.SqlState);
                    await Task.Delay(20);
                }
                catch (NpgsqlException lost) when (lost.InnerException is IOException or SocketException or TimeoutException)
                {
                    Failures.Enqueue($"lost: {lost.InnerException.Message}");
                    await Task.Delay(20);
                }
            }
        }
    }
}
