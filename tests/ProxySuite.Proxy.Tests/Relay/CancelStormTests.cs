using System.Collections.Concurrent;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using Xunit;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>Cancel requests in bulk and at the wrong time, on a real server that is used by others meanwhile: 57014 is only for who asked for it.</summary>
[Trait("Category", "Server")]
public sealed class CancelStormTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ConcurrentBag<string> _wrong = [];
    private int _canceled, _answered;

    [Fact]
    public async Task Nobody_is_canceled_who_did_not_ask_for_it()
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, connections: 3);
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(8));
        await Task.WhenAll(
            Task.WhenAll(Enumerable.Range(0, 6).Select(number => Task.Run(() => CancelAsync(world, number, stop.Token)))),
            Task.WhenAll(Enumerable.Range(0, 6).Select(number => Task.Run(() => QueryAsync(world, number, stop.Token)))));
        Assert.True(_wrong.IsEmpty, string.Join("\n", _wrong.Take(5)));
        Assert.True(_canceled > 5 && _answered > 50, $"{_canceled} canceled, {_answered} answered");
        await world.Proxy.WaitForRestAsync();
    }

    [Fact]
    public async Task Five_hundred_cancels_at_once_cancel_one_query_and_leave_the_pool_whole()
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, connections: 2);
        using RawClient busy = await world.Proxy.ConnectAsync();
        using RawClient other = await world.Proxy.ConnectAsync();
        await busy.SendAsync(FrontendBytes.Query("SELECT pg_sleep(60)"));
        for (int i = 0; i < 500 && (await world.Proxy.PoolAsync()).Linked == 0; i++) await Task.Delay(10);
        Task<string?> undisturbed = other.ScalarAsync("SELECT 'slept' FROM pg_sleep(1)", Patience);
        await Task.WhenAll(Enumerable.Range(0, 500).Select(_ => busy.CancelAsync()));
        Assert.Contains("57014", (await busy.ReadUntilAsync(BackendMessage.ReadyForQuery, Patience))[^2].ToString(), StringComparison.Ordinal);
        Assert.Equal("slept", await undisturbed);
        Assert.Equal("1", await busy.ScalarAsync("SELECT 1", Patience));
        await world.Proxy.WaitForRestAsync();
    }

    [Fact]
    public async Task A_version_and_options_of_the_future_are_negotiated_and_their_long_keys_cancel()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        await client.LoginAsync("app", "acme", ProxyWorld.Password, [new("_pq_.teleport", "on")], new ProtocolVersion(0x0003_0009));
        Assert.Contains("NegotiateProtocolVersion 3.2", client.Transcript.ToString(), StringComparison.Ordinal);
        Assert.Contains("_pq_.teleport", client.Transcript.ToString(), StringComparison.Ordinal);
        Assert.Equal(32, client.SecretKey.Length);
    }

    // Cancels its own queries, often when they are over, waiting, or not begun.
    private async Task CancelAsync(PostgresWorld world, int number, CancellationToken stop)
    {
        var random = new Random(number);
        using RawClient client = await world.Proxy.ConnectAsync();
        while (!stop.IsCancellationRequested)
        {
            string tag = $"'{number}-{random.Next()}'";
            await client.SendAsync(FrontendBytes.Query($"SELECT {tag} FROM pg_sleep({(random.Next(3) == 0 ? "0.001" : "0.2")})"));
            if (random.Next(2) == 0) await Task.Delay(random.Next(20), CancellationToken.None);
            await client.CancelAsync();
            string answer = string.Join("\n", await client.ReadUntilAsync(BackendMessage.ReadyForQuery, Patience));
            if (answer.Contains("57014", StringComparison.Ordinal)) Interlocked.Increment(ref _canceled);
            else if (!answer.Contains(tag.Trim('\''), StringComparison.Ordinal)) _wrong.Add(answer);
            // Idle, or between two transactions: there is nothing to cancel, and nobody else to be hit.
            if (random.Next(3) == 0) await client.CancelAsync();
            client.Transcript.Clear();
        }
    }

    private async Task QueryAsync(PostgresWorld world, int number, CancellationToken stop)
    {
        using RawClient client = await world.Proxy.ConnectAsync();
        for (int i = 0; !stop.IsCancellationRequested; i++)
        {
            string tag = $"q{number}-{i}";
            string answer = string.Join("\n", await client.QueryAsync($"SELECT '{tag}' FROM pg_sleep(0.005)", Patience));
            if (answer.Contains(tag, StringComparison.Ordinal) && !answer.Contains("Error", StringComparison.Ordinal)) Interlocked.Increment(ref _answered);
            else _wrong.Add(answer);
            client.Transcript.Clear();
        }
    }
}
